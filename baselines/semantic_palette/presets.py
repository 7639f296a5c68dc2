"""Sizes of the layout generator and of the image generator, each with its training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from baselines.semantic_palette.config import (
    GrowthConfig,
    ImageConfig,
    ImageNetworkConfig,
    LayoutConfig,
    LayoutNetworkConfig,
)
from baselines.semantic_palette.layouts import halvings
from baselines.trained import network_preset
from gcdp_bench.core.images import Size
from gcdp_bench.training.loop import TrainingConfig

START_ROWS = 4  # at least, of the first level of layouts


def layout_network(
    image_size: Size, *, reduction: int, channels: tuple[int, int], z_dim: int
) -> LayoutNetworkConfig:
    """Levels from the smallest size of at least 4 rows up to the image's, reduced.

    Args:
        image_size: (height, width).
        reduction: pixels of the image along one side of a pixel of the layout.
        channels: divided by the rows of a level, and at most.
        z_dim: width of the noise.

    Raises:
        ValueError: the images' sides are not multiples of `reduction`.
    """
    height, width = image_size
    if height % reduction or width % reduction:
        raise ValueError(
            f"expected images whose sides are multiples of {reduction}, got {image_size}; "
            "take another width"
        )
    rows, columns = height // reduction, width // reduction
    doublings = halvings((rows, columns), least_rows=START_ROWS)
    start = rows >> doublings
    numerator, most = channels
    return LayoutNetworkConfig(
        start_size=(start, columns >> doublings),
        channels=tuple(min(numerator // (start << level), most) for level in range(doublings + 1)),
        z_dim=z_dim,
    )


TINY_LAYOUTS = network_preset(
    "layouts",
    partial(layout_network, reduction=2, channels=(1024, 64), z_dim=64),
    partial(
        LayoutConfig,
        growth=GrowthConfig(fade_steps=150, stable_steps=150),
        max_components=10,
        blur_sigma_px=1.0,
    ),
    width=128,
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
PAPER_LAYOUTS = network_preset(
    "layouts",
    partial(layout_network, reduction=1, channels=(16_384, 512), z_dim=512),
    partial(
        LayoutConfig,
        growth=GrowthConfig(fade_steps=20_000, stable_steps=20_000),
        max_components=30,
        blur_sigma_px=1.0,
    ),
    width=256,
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

TINY_IMAGES = network_preset(
    "images",
    lambda size: ImageNetworkConfig(
        image_size=size,
        channels=(128, 128, 64, 32, 16),
        blocks=(1, 1, 1, 1, 1),
        hidden=16,
        z_dim=64,
        patch_channels=(16, 32, 64),
        num_scales=2,
    ),
    ImageConfig,
    width=128,
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
PAPER_IMAGES = network_preset(
    "images",
    lambda size: ImageNetworkConfig(
        image_size=size,
        channels=(1024, 1024, 512, 256, 128, 64),
        blocks=(1, 2, 1, 1, 1, 1),
        hidden=128,
        z_dim=256,
        patch_channels=(64, 128, 256, 512),
        num_scales=2,
    ),
    ImageConfig,
    width=256,
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
