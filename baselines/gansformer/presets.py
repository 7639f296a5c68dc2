"""Sizes of GANformer, each with its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from baselines.gansformer.config import NetworkConfig, paper_config, tiny_config
from baselines.gansformer.model import GansformerConfig
from baselines.stylegan2 import TINY_TRAINING
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.training.loop import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class GansformerRun:
    """A training run, resolved; what `--set` overrides."""

    gansformer: GansformerConfig
    training: TrainingConfig


@dataclass(frozen=True, kw_only=True)
class GansformerPreset:
    """A GANformer with its training; see `GansformerConfig` for the fields."""

    width: int  # of the images
    network: Callable[[Size], NetworkConfig]  # by the size of the images
    r1_gamma: float
    augment: Literal["none", "diffaugment", "ada"]
    ada_ramp_images: int = GansformerConfig.ada_ramp_images
    training: TrainingConfig

    def check_size(self, size: Size) -> None:
        """Refuse images of a size that the network does not pass.

        Raises:
            ValueError: says what is expected.
        """
        self.network(size)

    def resolve(self, dataset: Dataset) -> GansformerRun:
        """Fill in what follows from the dataset."""
        config = GansformerConfig(
            dataset=dataset.name,
            class_names=dataset.class_names,
            network=self.network(dataset.image_size),
            r1_gamma=self.r1_gamma,
            augment=self.augment,
            ada_ramp_images=self.ada_ramp_images,
        )
        return GansformerRun(gansformer=config, training=self.training)


# The authors augment nothing, which a training set of some hundred images does not allow.
TINY = GansformerPreset(
    width=128,
    network=tiny_config,
    r1_gamma=2.0,
    augment="ada",
    ada_ramp_images=50_000,
    training=TINY_TRAINING,
)

# dorarad/gansformer on Cityscapes: gamma 20, rate 0.002, up to 25 million images in batches of 32.
PAPER = GansformerPreset(
    width=256,
    network=paper_config,
    r1_gamma=20.0,
    augment="none",
    training=replace(
        TINY_TRAINING,
        steps=781_250,
        accumulation=4,
        checkpoint_every=5_000,
        validate_every=5_000,
        preview_every=5_000,
    ),
)

GANSFORMER_PRESETS = {
    "tiny": TINY,
    "paper-celeba": PAPER,
    "paper-cityscapes": replace(PAPER, width=512),
}
