"""Sizes of the Efficient U-Net, and the two networks of the paper."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """Everything that determines the network's tensors."""

    num_classes: int | None  # None: image only (Imagen)
    text_dim: int  # width of the text encoder's tokens
    dim: int
    dim_mults: tuple[int, ...]  # one level per entry
    num_blocks: tuple[int, ...]
    self_attention: tuple[bool, ...]
    cross_attention: tuple[bool, ...]
    attention_heads: int = 8
    attention_head_dim: int = 64
    cond_dim: int | None = None  # None: dim
    num_text_latents: int = 32
    max_text_tokens: int = 256
    groups: int = 8
    low_res: bool = False  # super-resolution stage
    init_kernels: tuple[int, ...] = (3, 7, 15)
    patch: int = 1  # > 1: a space-to-depth stem; the whole network runs at (H / patch, W / patch)
    stem_skip: bool = False  # concatenate the stem's output before the last block
    noise_skip: bool = False  # the head learns v (Salimans and Ho 2022), read as noise: see `UNet`
    timed_detail: bool = False  # the pixels that the head sees beside the features: scaled by time
    gradient_checkpointing: bool = False

    def __post_init__(self):
        num_levels = len(self.dim_mults)
        for name in ("num_blocks", "self_attention", "cross_attention"):
            if len(getattr(self, name)) != num_levels:
                raise ValueError(
                    f"{name}: expected {num_levels} values, one per level of dim_mults, got "
                    f"{len(getattr(self, name))}"
                )
        if self.dim % self.groups:
            raise ValueError(f"dim: expected a multiple of groups={self.groups}, got {self.dim}")
        if self.timed_detail and self.patch == 1 and not self.low_res:
            raise ValueError(
                "timed_detail: expected patch > 1 or a super-resolution stage, whose head sees "
                "pixels; switch it off"
            )
        if self.patch < 1 or any(kernel % 2 == 0 for kernel in self.init_kernels):
            raise ValueError(
                f"expected patch >= 1 and odd init_kernels, got {self.patch}, {self.init_kernels}"
            )

    @property
    def context_dim(self) -> int:
        """Width of the tokens that attention reads."""
        return self.cond_dim or self.dim

    @property
    def time_dim(self) -> int:
        """Width of the time vector; doubled when a low-resolution level joins."""
        return self.dim * 4 * (2 if self.low_res else 1)

    @property
    def level_dims(self) -> tuple[int, ...]:
        """Channels of the stem and of each level."""
        return (self.dim, *(self.dim * mult for mult in self.dim_mults))

    @property
    def divisor(self) -> int:
        """Image sides must be multiples of this."""
        return self.patch * 2 ** len(self.dim_mults)


def paper_base(num_classes: int | None) -> UNetConfig:
    """Base network of the paper with T5-large text: 697,351,941 parameters at K = 19."""
    return UNetConfig(
        num_classes=num_classes,
        text_dim=1024,
        dim=128,
        dim_mults=(1, 2, 4, 8),
        num_blocks=(2, 4, 8, 8),
        self_attention=(False, True, True, True),
        cross_attention=(False, True, True, True),
    )


def paper_sr(num_classes: int | None) -> UNetConfig:
    """Super-resolution network of the paper: 717,240,298 parameters at K = 19."""
    return UNetConfig(
        num_classes=num_classes,
        text_dim=1024,
        dim=128,
        dim_mults=(1, 2, 4, 8),
        num_blocks=(2, 4, 8, 8),
        self_attention=(False, False, False, False),
        cross_attention=(False, False, False, True),
        low_res=True,
    )
