"""A latent diffusion model, resolved: written beside its weights and needed to use them again."""

from __future__ import annotations

from dataclasses import dataclass, field

from gcdp_bench.core.images import Size
from reference_model.text import TextConfig


@dataclass(frozen=True, kw_only=True)
class DenoiserConfig:
    """Sizes of diffusers' `UNet2DConditionModel`; levels from fine to coarse."""

    channels: tuple[int, ...]  # per level
    attention: tuple[bool, ...]  # levels whose blocks attend to themselves and to the text
    layers: int = 1  # residual blocks per level on the way down; one more on the way up
    heads: int = 4  # of attention
    groups: int = 8  # of group normalisation

    @property
    def downscaling(self) -> int:
        """Latents per place of the coarsest level along each side."""
        return 2 ** (len(self.channels) - 1)

    def __post_init__(self):
        if len(self.channels) != len(self.attention):
            raise ValueError(
                f"unet: expected one value of attention per level, got {len(self.channels)} levels "
                f"and {len(self.attention)} values"
            )
        for width in self.channels:
            if width % self.groups or width % self.heads:
                raise ValueError(
                    f"unet.channels: expected multiples of groups ({self.groups}) and heads "
                    f"({self.heads}), got {width}"
                )


@dataclass(frozen=True, kw_only=True)
class NoiseConfig:
    """Noise schedule of latent diffusion: sqrt(beta) grows linearly (Rombach et al. 2022).

    diffusers calls it `scaled_linear`; the defaults are those of Stable Diffusion.
    """

    num_steps: int = 1000
    beta_start: float = 0.00085
    beta_end: float = 0.012

    def __post_init__(self):
        if not 0 < self.beta_start <= self.beta_end < 1:
            raise ValueError(
                "noise: expected 0 < beta_start <= beta_end < 1, got "
                f"{self.beta_start} and {self.beta_end}"
            )


@dataclass(frozen=True, kw_only=True)
class LdmConfig:
    """Network, text, data and latent space of a latent diffusion model."""

    dataset: str  # what it is trained on
    class_names: tuple[str, ...]
    image_size: Size
    unet: DenoiserConfig
    text: TextConfig
    downscaling: int  # pixels per latent along each side
    latent_channels: int = 4
    noise: NoiseConfig = field(default_factory=NoiseConfig)
    autoencoder: str | None = None  # folder; None: the one trained on the dataset, or pretrained
    text_drop: float = 0.1  # share of captions dropped in training, for classifier-free guidance
    horizontal_flip: bool = True

    def __post_init__(self):
        multiple = self.downscaling * self.unet.downscaling
        if any(side % multiple for side in self.image_size):
            raise ValueError(
                f"image_size: expected multiples of {multiple} (pixels of the coarsest level), got "
                f"{self.image_size}; choose another width or fewer levels of unet"
            )
        if not 0 <= self.text_drop <= 1:
            raise ValueError(f"text_drop: expected 0 to 1, got {self.text_drop}")

    @property
    def latent_size(self) -> Size:
        """(height, width) in latents."""
        return self.image_size[0] // self.downscaling, self.image_size[1] // self.downscaling
