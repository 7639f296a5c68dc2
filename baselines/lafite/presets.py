"""Sizes of Lafite, each with its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from baselines.lafite.config import NetworkConfig, paper_config, tiny_config
from baselines.lafite.model import LafiteConfig, LafiteLossConfig
from baselines.stylegan2 import TINY_TRAINING
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.training.loop import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class LafiteRun:
    """A training run, resolved; what `--set` overrides."""

    lafite: LafiteConfig
    training: TrainingConfig


@dataclass(frozen=True, kw_only=True)
class LafitePreset:
    """A Lafite with its training; see `LafiteConfig` for the fields."""

    width: int  # of the images
    network: Callable[[Size], NetworkConfig]  # by the size of the images
    loss: LafiteLossConfig
    augment: Literal["none", "diffaugment", "ada"]
    ada_ramp_images: int = LafiteConfig.ada_ramp_images
    training: TrainingConfig

    def check_size(self, size: Size) -> None:
        """Refuse images of a size that the network does not pass.

        Raises:
            ValueError: says what is expected.
        """
        self.network(size)

    def resolve(self, dataset: Dataset) -> LafiteRun:
        """Fill in what follows from the dataset."""
        config = LafiteConfig(
            dataset=dataset.name,
            class_names=dataset.class_names,
            network=self.network(dataset.image_size),
            loss=self.loss,
            augment=self.augment,
            ada_ramp_images=self.ada_ramp_images,
        )
        return LafiteRun(lafite=config, training=self.training)


# The authors augment nothing, which training sets of 744 images and more do not allow; DiffAugment
# from the first step on slows so small a discriminator. CLIP's features are those of
# `train lafite-clip`, 64 wide. So small a CLIP is easily fooled: at weight 1 the generator writes
# captions into coloured specks (docs/explanation/baselines.md).
TINY = LafitePreset(
    width=128,
    network=lambda size: tiny_config(size, text_dim=64),
    loss=LafiteLossConfig(image_text_weight=0.1, feature_text_weight=1.0, r1_gamma=1.0),
    augment="ada",
    ada_ramp_images=50_000,
    training=TINY_TRAINING,
)

# drboog/Lafite with ground-truth pairs: weights 10 and 5, gamma 10, rate 0.0025, 25 million images
# in batches of 64 on CLIP ViT-B/32. Not yet run.
PAPER = LafitePreset(
    width=256,
    network=lambda size: paper_config(size, text_dim=512),
    loss=LafiteLossConfig(
        image_text_weight=10.0,
        feature_text_weight=5.0,
        r1_gamma=10.0,
        path_weight=2.0,
        sharpened=True,
    ),
    augment="none",
    training=replace(
        TINY_TRAINING,
        steps=390_625,
        batch_size=16,
        accumulation=4,
        learning_rate=2.5e-3,
        checkpoint_every=5_000,
        validate_every=5_000,
        preview_every=5_000,
    ),
)

LAFITE_PRESETS = {
    "tiny": TINY,
    "paper-celeba": PAPER,
    "paper-cityscapes": replace(PAPER, width=512),
}
