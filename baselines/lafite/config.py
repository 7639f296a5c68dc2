"""Sizes of Lafite's generator and discriminator: the paper's, and tiny ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

from baselines.stylegan2.pyramid import Pyramid, halved
from gcdp_bench.core.images import Size

PAPER_CHANNELS = (32768, 512)  # divided by the rows of a level, and at most
TINY_CHANNELS = (1024, 128)  # the same
TINY_START_CHANNELS = (256, 128)  # of generator and discriminator, at the start
TINY_MOST_ROWS = 128
CHANNEL_STEP = 8  # channels of a tiny level are a multiple of it


@dataclass(frozen=True, kw_only=True)
class NetworkConfig(Pyramid):
    """Everything that determines the tensors of both networks.

    A level is a size of the pyramid; tuples with one entry per level start at `start_size`.
    """

    image_size: Size
    start_size: Size  # of the constant, and of the discriminator's last map
    text_dim: int  # width of the CLIP feature
    generator_channels: tuple[int, ...]  # one per level
    discriminator_channels: tuple[int, ...]  # one per level
    convs: tuple[int, ...]  # one per level; 1 at the start, where nothing is resized
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    mapping_lr: float = 0.01  # learning-rate factor of the mapping
    text_lr: float = 0.01  # learning-rate factor of the layers that read the text
    noise_lr: float = 1.0  # learning-rate factor of the noise's strength, from 0 on; 0: no noise
    text_scale: float = 1.0  # of the unit text feature when the generator reads it
    w_average_decay: float = 0.995
    concat_rows: int = 256  # levels of more rows read the text as a scale and a shift of the style
    low_pass: bool = True  # [1, 3, 3, 1] when resizing; off: [1, 1], nearest and mean pixel
    minibatch_std_group: int = 4  # 1: each image alone, so that the statistic is constant
    official_batch_sum: bool = False  # the authors' <f_s, text>, summed over the batch too

    def __post_init__(self):
        sizes = [self.start_size]
        while sizes[-1][0] < self.image_size[0] and sizes[-1][1] < self.image_size[1]:
            sizes.append((2 * sizes[-1][0], 2 * sizes[-1][1]))
        if sizes[-1] != self.image_size:
            raise ValueError(
                f"expected image_size to be start_size doubled some times, got {self.image_size} "
                f"from {self.start_size}; set start_size to image_size divided by a power of 2"
            )
        for name in ("generator_channels", "discriminator_channels", "convs"):
            values = getattr(self, name)
            if len(values) != len(sizes) or min(values) < 1:
                raise ValueError(
                    f"{name}: expected {len(sizes)} positive values, one per level from "
                    f"{self.start_size} to {self.image_size}, got {values}"
                )
        if self.convs[0] != 1:
            raise ValueError(f"convs: expected 1 at the start level, got {self.convs[0]}")
        for name in ("text_dim", "z_dim", "w_dim", "mapping_layers", "minibatch_std_group"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        for name in ("mapping_lr", "text_lr", "text_scale"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected more than 0, got {getattr(self, name)}")
        if not self.noise_lr >= 0:
            raise ValueError(f"noise_lr: expected 0 or more, got {self.noise_lr}")
        if not 0 <= self.w_average_decay < 1:
            raise ValueError(
                f"w_average_decay: expected 0 <= decay < 1, got {self.w_average_decay}"
            )

    @property
    def z_shape(self) -> tuple[int, ...]:
        """Shape of the latent z of one image."""
        return (self.z_dim,)


def paper_config(image_size: Size, *, text_dim: int = 512) -> NetworkConfig:
    """Lafite as published: 44,997,026 and 29,126,785 parameters at 256 x 256.

    The authors train on squares; a wide image starts from a wide constant.

    Raises:
        ValueError: the image cannot be halved to a start of few rows.
    """
    start, rows = halved(image_size)
    numerator, most = PAPER_CHANNELS
    channels = tuple(min(numerator // row, most) for row in rows)
    return NetworkConfig(
        image_size=image_size,
        start_size=start,
        text_dim=text_dim,
        generator_channels=channels,
        discriminator_channels=channels,
        convs=(1, *(2,) * (len(rows) - 1)),
    )


def tiny_config(image_size: Size, *, text_dim: int) -> NetworkConfig:
    """Networks for one processor core, at most 128 rows.

    Deviation: the published generator reads the text slowly (a unit feature in layers at a
    hundredth of the learning rate), which suits a million steps. Here a few thousand must do: the
    feature has the second moment of z, and its layers learn like the others. There is no noise per
    pixel, which grows into specks before the discriminator can tell them from texture.

    Raises:
        ValueError: the image cannot be halved to a start of few rows, or has too many.
    """
    start, rows = halved(image_size)
    if rows[-1] > TINY_MOST_ROWS:
        raise ValueError(
            f"expected at most {TINY_MOST_ROWS} rows, got {rows[-1]}; use `paper_config`"
        )
    numerator, most = TINY_CHANNELS
    above = tuple(min(numerator // row, most) // CHANNEL_STEP * CHANNEL_STEP for row in rows[1:])
    generator_start, discriminator_start = TINY_START_CHANNELS
    return NetworkConfig(
        image_size=image_size,
        start_size=start,
        text_dim=text_dim,
        generator_channels=(generator_start, *above),
        discriminator_channels=(discriminator_start, *above),
        convs=tuple(1 if row in (rows[0], *rows[-2:]) else 2 for row in rows),
        z_dim=64,
        w_dim=128,
        mapping_layers=4,
        text_lr=1.0,
        noise_lr=0.0,
        text_scale=math.sqrt(text_dim),
    )
