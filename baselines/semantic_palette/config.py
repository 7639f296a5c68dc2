"""Sizes and losses of both networks: what determines their tensors, and what they learn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gcdp_bench.core.images import Size


@dataclass(frozen=True, kw_only=True)
class LayoutNetworkConfig:
    """Generator and critic of layouts. A level is a size of the pyramid; each doubles the last."""

    start_size: Size
    channels: tuple[int, ...]  # of both networks, one per level
    z_dim: int

    def __post_init__(self):
        if min(*self.start_size, self.z_dim, *self.channels, len(self.channels)) < 1:
            raise ValueError(
                "expected start_size, z_dim and the channels of at least one level to be 1 or "
                f"more, got {self.start_size}, {self.z_dim} and {self.channels}"
            )

    @property
    def level_sizes(self) -> tuple[Size, ...]:
        """(height, width) of each level."""
        height, width = self.start_size
        return tuple((height * 2**level, width * 2**level) for level in range(len(self.channels)))


@dataclass(frozen=True, kw_only=True)
class GrowthConfig:
    """Progressive growing (Karras et al. 2018): steps that a level fades in, and then stays."""

    fade_steps: int
    stable_steps: int  # of the first level too; both 0: all levels from the first step on

    def __post_init__(self):
        if min(self.fade_steps, self.stable_steps) < 0:
            raise ValueError(
                "growth: expected 0 steps or more, got fade_steps "
                f"{self.fade_steps} and stable_steps {self.stable_steps}"
            )

    def level_at(self, step: int, top: int) -> float:
        """Level that step `step` (from 0) trains, 0.0 to `top`; between two: the upper fades in."""
        passed, period = step - self.stable_steps, self.fade_steps + self.stable_steps
        if passed < 0:
            return 0.0
        if period == 0:
            return float(top)
        below, within = divmod(passed, period)
        faded = (within + 1) / self.fade_steps if within < self.fade_steps else 1.0
        return min(below + faded, float(top))


def split_level(level: float) -> tuple[int, float]:
    """The upper level that is trained, and its share in (0, 1]; 1: the level alone."""
    upper = math.ceil(level)
    return upper, 1.0 - (upper - level)


@dataclass(frozen=True, kw_only=True)
class LayoutConfig:
    """A layout generator: written beside its weights, needed to use it again."""

    dataset: str  # what it is trained on
    class_names: tuple[str, ...]
    network: LayoutNetworkConfig
    growth: GrowthConfig
    max_components: int  # of the mixture of palettes
    blur_sigma_px: float  # of real layouts, see `layouts.blurred`; 0: none
    penalty_weight: float = 10.0  # lambda of WGAN-GP
    entropy_weight: float = 1.0
    spread_weight: float = 1.0
    horizontal_flip: bool = True

    def __post_init__(self):
        if self.max_components < 1:
            raise ValueError(f"max_components: expected at least 1, got {self.max_components}")
        for name in ("blur_sigma_px", "penalty_weight", "entropy_weight", "spread_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")

    @property
    def size(self) -> Size:
        """(height, width) of the layouts."""
        return self.network.level_sizes[-1]


@dataclass(frozen=True, kw_only=True)
class ImageNetworkConfig:
    """Generator of images from layouts, and its discriminators.

    Levels of the generator double in size from `image_size` halved len(channels) - 1 times.
    """

    image_size: Size
    channels: tuple[int, ...]  # of the generator, one per level
    blocks: tuple[int, ...]  # SPADE residual blocks, one number per level
    hidden: int  # channels between a layout and its modulation
    z_dim: int
    patch_channels: tuple[int, ...]  # of a discriminator; all layers but the last halve the grid
    num_scales: int  # discriminators, each of images half the size of the last

    def __post_init__(self):
        factor = 2 ** (len(self.channels) - 1)
        if not self.channels or any(side % factor for side in self.image_size):
            raise ValueError(
                f"image_size: expected multiples of {factor} for {len(self.channels)} levels of "
                f"channels, got {self.image_size}; take fewer levels or another size"
            )
        if self.image_size == (factor, factor):
            raise ValueError(
                f"channels: expected a first level of more than one pixel, got {len(self.channels)}"
                f" levels for images of {self.image_size}; take fewer"
            )
        if len(self.blocks) != len(self.channels):
            raise ValueError(
                f"blocks: expected {len(self.channels)} values, one per level, got {self.blocks}"
            )
        positive = (*self.channels, *self.blocks, self.hidden, self.z_dim, *self.patch_channels)
        if min(*positive, self.num_scales, len(self.patch_channels)) < 1:
            raise ValueError(
                "expected 1 or more of every channels, blocks, hidden, z_dim, patch_channels and "
                f"num_scales, got {positive} and {self.num_scales}"
            )

    @property
    def level_sizes(self) -> tuple[Size, ...]:
        """(height, width) of each level of the generator."""
        height, width = self.image_size
        return tuple(
            (height >> left, width >> left) for left in reversed(range(len(self.channels)))
        )


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """An image generator: written beside its weights, needed to use it again."""

    dataset: str  # what it is trained on
    class_names: tuple[str, ...]
    network: ImageNetworkConfig
    layouts: str | None = None  # folder of the layout generator; None: the dataset's own
    features_weight: float = 10.0  # of feature matching
    horizontal_flip: bool = True

    def __post_init__(self):
        if not self.features_weight >= 0:
            raise ValueError(f"features_weight: expected 0 or more, got {self.features_weight}")

    @property
    def image_size(self) -> Size:
        """(height, width) of the samples."""
        return self.network.image_size
