"""Sizes of the layout generator and of the image generator, each with its training."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baselines.semantic_palette.config import (
    GrowthConfig,
    ImageConfig,
    ImageNetworkConfig,
    LayoutConfig,
    LayoutNetworkConfig,
)
from baselines.semantic_palette.layouts import halvings
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.training.loop import TrainingConfig

START_ROWS = 4  # at least, of the first level of layouts


@dataclass(frozen=True, kw_only=True)
class LayoutRun:
    """A training run of a layout generator, resolved; what `--set` overrides."""

    layouts: LayoutConfig
    training: TrainingConfig


@dataclass(frozen=True, kw_only=True)
class ImageRun:
    """A training run of an image generator, resolved; what `--set` overrides."""

    images: ImageConfig
    training: TrainingConfig


@dataclass(frozen=True, kw_only=True)
class LayoutPreset:
    """A layout generator with its training; see `LayoutConfig` for the fields."""

    width: int  # of the final images
    reduction: int  # pixels of the image along one side of a pixel of the layout
    channels: tuple[int, int]  # divided by the rows of a level, and at most
    z_dim: int
    growth: GrowthConfig
    max_components: int
    blur_sigma_px: float
    training: TrainingConfig

    def check_size(self, size: Size) -> None:
        """Refuse images of a size that the network does not pass.

        Raises:
            ValueError: says what is expected.
        """
        self.network(size)

    def resolve(self, dataset: Dataset) -> LayoutRun:
        """Fill in what follows from the dataset.

        Raises:
            ValueError: the images' sides are not multiples of `reduction`.
        """
        config = LayoutConfig(
            dataset=dataset.name,
            class_names=dataset.class_names,
            network=self.network(dataset.image_size),
            growth=self.growth,
            max_components=self.max_components,
            blur_sigma_px=self.blur_sigma_px,
        )
        return LayoutRun(layouts=config, training=self.training)

    def network(self, image_size: Size) -> LayoutNetworkConfig:
        """Levels from the smallest size of at least 4 rows up to the image's, reduced."""
        height, width = image_size
        if height % self.reduction or width % self.reduction:
            raise ValueError(
                f"expected images whose sides are multiples of {self.reduction}, got {image_size}; "
                "take another width"
            )
        rows, columns = height // self.reduction, width // self.reduction
        doublings = halvings((rows, columns), least_rows=START_ROWS)
        start = rows >> doublings
        numerator, most = self.channels
        return LayoutNetworkConfig(
            start_size=(start, columns >> doublings),
            channels=tuple(
                min(numerator // (start << level), most) for level in range(doublings + 1)
            ),
            z_dim=self.z_dim,
        )


@dataclass(frozen=True, kw_only=True)
class ImagePreset:
    """An image generator with its training; see `ImageNetworkConfig` for the fields."""

    width: int  # of the images
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    hidden: int
    z_dim: int
    patch_channels: tuple[int, ...]
    num_scales: int
    training: TrainingConfig

    def check_size(self, size: Size) -> None:
        """Refuse images of a size that the network does not pass.

        Raises:
            ValueError: says what is expected.
        """
        self.network(size)

    def resolve(self, dataset: Dataset) -> ImageRun:
        """Fill in what follows from the dataset."""
        config = ImageConfig(
            dataset=dataset.name,
            class_names=dataset.class_names,
            network=self.network(dataset.image_size),
        )
        return ImageRun(images=config, training=self.training)

    def network(self, image_size: Size) -> ImageNetworkConfig:
        """Sizes of the networks for images of `image_size`."""
        return ImageNetworkConfig(
            image_size=image_size,
            channels=self.channels,
            blocks=self.blocks,
            hidden=self.hidden,
            z_dim=self.z_dim,
            patch_channels=self.patch_channels,
            num_scales=self.num_scales,
        )


TINY_LAYOUTS = LayoutPreset(
    width=128,
    reduction=2,
    channels=(1024, 64),
    z_dim=64,
    growth=GrowthConfig(fade_steps=150, stable_steps=150),
    max_components=10,
    blur_sigma_px=1.0,
    training=TrainingConfig(
        steps=1500,
        batch_size=8,
        learning_rate=2e-3,
        warmup_steps=0,
        betas=(0.0, 0.99),
        max_grad_norm=None,
        checkpoint_every=250,
        validate_every=250,
        preview_every=250,
    ),
)

# valeoai/SemanticPalette: 512 channels, rate 1e-3, mixtures of up to 30 components. Its batches
# fall from 1024 to 16 with the size, here all have 16. Not yet run.
PAPER_LAYOUTS = LayoutPreset(
    width=256,
    reduction=1,
    channels=(16_384, 512),
    z_dim=512,
    growth=GrowthConfig(fade_steps=20_000, stable_steps=20_000),
    max_components=30,
    blur_sigma_px=1.0,
    training=TrainingConfig(
        steps=300_000,
        batch_size=16,
        learning_rate=1e-3,
        warmup_steps=0,
        betas=(0.0, 0.99),
        max_grad_norm=None,
        checkpoint_every=5_000,
        validate_every=5_000,
        preview_every=5_000,
    ),
)

LAYOUT_PRESETS = {
    "tiny": TINY_LAYOUTS,
    "paper-celeba": PAPER_LAYOUTS,
    "paper-cityscapes": replace(PAPER_LAYOUTS, width=512),
}

TINY_IMAGES = ImagePreset(
    width=128,
    channels=(128, 128, 64, 32, 16),
    blocks=(1, 1, 1, 1, 1),
    hidden=16,
    z_dim=64,
    patch_channels=(16, 32, 64),
    num_scales=2,
    training=TrainingConfig(
        steps=1250,
        batch_size=4,
        learning_rate=4e-4,
        warmup_steps=0,
        betas=(0.0, 0.9),
        max_grad_norm=None,
        checkpoint_every=250,
        validate_every=250,
        preview_every=250,
    ),
)

# GauGAN's seven blocks of 64 times 16, 16, 16, 8, 4, 2 and 1 channels, batches of 8. Its rates are
# 1e-4 and 4e-4, here both are 2e-4. Cityscapes: 200 epochs of 2975 images. Not yet run.
PAPER_IMAGES = ImagePreset(
    width=256,
    channels=(1024, 1024, 512, 256, 128, 64),
    blocks=(1, 2, 1, 1, 1, 1),
    hidden=128,
    z_dim=256,
    patch_channels=(64, 128, 256, 512),
    num_scales=2,
    training=TrainingConfig(
        steps=75_000,
        batch_size=8,
        learning_rate=2e-4,
        warmup_steps=0,
        betas=(0.0, 0.9),
        max_grad_norm=None,
        ema_max_decay=0.9999,
        checkpoint_every=5_000,
        validate_every=5_000,
        preview_every=5_000,
    ),
)

IMAGE_PRESETS = {
    "tiny": TINY_IMAGES,
    "paper-celeba": PAPER_IMAGES,
    "paper-cityscapes": replace(PAPER_IMAGES, width=512),
}
