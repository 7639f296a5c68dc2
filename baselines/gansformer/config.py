"""Sizes of GANformer's generator and discriminator: the paper's, and tiny ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from baselines.stylegan2.pyramid import Pyramid, halved
from gcdp_bench.core.images import Size

PAPER_CHANNELS = (32768, 512)  # divided by the rows of a level, and at most
TINY_CHANNELS = (1024, 128)
CHANNEL_STEP = 8  # channels are a multiple of it


@dataclass(frozen=True, kw_only=True)
class NetworkConfig(Pyramid):
    """Everything that determines the tensors of both networks.

    A level is a size of the pyramid; tuples with one entry per level start at `start_size`.
    """

    image_size: Size
    start_size: Size  # of the constant, and of the discriminator's last map
    channels: tuple[int, ...]  # one per level, of both networks
    convs: tuple[int, ...]  # one per level; 1 at the start, where nothing is resized
    num_latents: int = 16  # k, beside a global one
    latent_dim: int = 32  # D, of each
    mapping_layers: int = 8
    mapping_lr: float = 0.01  # learning-rate factor of the mapping
    attention: Literal["duplex", "simplex"] = "duplex"
    attention_rows: int = 128  # levels of more rows do not attend to the latents
    noise_lr: float = 1.0  # learning-rate factor of the noise's strength, from 0 on; 0: no noise
    low_pass: bool = True  # [1, 3, 3, 1] when resizing; off: [1, 1]
    minibatch_std_group: int = 4
    w_average_decay: float = 0.995

    def __post_init__(self):
        top = self.level_sizes[-1]
        if top != self.image_size:
            raise ValueError(
                f"expected image_size {top}, start_size {self.start_size} doubled once per level "
                f"after the first, got {self.image_size}; change start_size or convs"
            )
        if len(self.channels) != len(self.convs) or min(*self.channels, *self.convs) < 1:
            raise ValueError(
                f"expected as many positive channels as convs, got {self.channels} and {self.convs}"
            )
        if self.convs[0] != 1:
            raise ValueError(f"convs: expected 1 at the start level, got {self.convs[0]}")
        for name in ("num_latents", "latent_dim", "minibatch_std_group"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if self.mapping_layers < 2 or self.mapping_layers % 2:
            raise ValueError(
                f"mapping_layers: expected an even number from 2 on, got {self.mapping_layers}"
            )
        if self.latent_dim % 4:
            raise ValueError(f"latent_dim: expected a multiple of 4, got {self.latent_dim}")
        if self.attention not in ("duplex", "simplex"):
            raise ValueError(f"attention: expected duplex or simplex, got {self.attention!r}")
        if not self.mapping_lr > 0 or not self.noise_lr >= 0:
            raise ValueError(
                "expected mapping_lr above 0 and noise_lr of 0 or more, got "
                f"{self.mapping_lr} and {self.noise_lr}"
            )

    @property
    def z_shape(self) -> tuple[int, ...]:
        """Shape of the latent z of one image."""
        return (self.num_latents + 1, self.latent_dim)


def paper_config(image_size: Size) -> NetworkConfig:
    """16 latents of 32 numbers and a global one, as published for scenes.

    Raises:
        ValueError: the image cannot be halved to a start of few rows.
    """
    start, rows = halved(image_size)
    numerator, most = PAPER_CHANNELS
    return NetworkConfig(
        image_size=image_size,
        start_size=start,
        channels=tuple(min(numerator // row, most) for row in rows),
        convs=(1, *(2,) * (len(rows) - 1)),
    )


def tiny_config(image_size: Size) -> NetworkConfig:
    """Networks for one processor core: 8 latents, attention up to 24 rows, no noise per pixel.

    Raises:
        ValueError: the image cannot be halved to a start of few rows.
    """
    start, rows = halved(image_size)
    numerator, most = TINY_CHANNELS
    channels = (min(numerator // row, most) // CHANNEL_STEP * CHANNEL_STEP for row in rows)
    return NetworkConfig(
        image_size=image_size,
        start_size=start,
        channels=tuple(max(CHANNEL_STEP, width) for width in channels),
        convs=tuple(1 if row in (rows[0], *rows[-2:]) else 2 for row in rows),
        num_latents=8,
        mapping_layers=4,
        attention_rows=24,
        noise_lr=0.0,
    )
