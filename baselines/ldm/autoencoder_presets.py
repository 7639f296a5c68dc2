"""Sizes of the autoencoder, each with its training."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.ldm.autoencoder import AutoencoderConfig
from baselines.ldm.autoencoder_loss import AutoencoderLossConfig
from baselines.ldm.patch_discriminator import PatchConfig
from gcdp_bench.protocols import Dataset
from gcdp_bench.training.loop import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class AutoencoderRun:
    """A training run, resolved; what `--set` overrides."""

    autoencoder: AutoencoderConfig
    training: TrainingConfig


@dataclass(frozen=True, kw_only=True)
class AutoencoderPreset:
    """An autoencoder with its training; see `AutoencoderConfig` for the fields."""

    width: int  # of the images
    channels: tuple[int, ...]
    layers_per_block: int
    groups: int
    attention: bool
    discriminator: PatchConfig
    loss: AutoencoderLossConfig
    training: TrainingConfig

    def resolve(self, dataset: Dataset) -> AutoencoderRun:
        """Fill in what follows from the dataset."""
        config = AutoencoderConfig(
            dataset=dataset.name,
            image_size=dataset.image_size,
            channels=self.channels,
            layers_per_block=self.layers_per_block,
            groups=self.groups,
            attention=self.attention,
            discriminator=self.discriminator,
            loss=self.loss,
        )
        return AutoencoderRun(autoencoder=config, training=self.training)


TINY = AutoencoderPreset(
    width=128,
    channels=(16, 32, 32),
    layers_per_block=1,
    groups=4,
    attention=False,
    discriminator=PatchConfig(channels=(32, 64, 64), groups=8),
    loss=AutoencoderLossConfig(
        kl_weight=1e-6, features_weight=0.1, adversarial_weight=0.01, adversarial_from=1300
    ),
    training=TrainingConfig(
        steps=4000,
        batch_size=8,
        learning_rate=5e-4,
        decay="cosine",
        warmup_steps=100,
        betas=(0.5, 0.9),
    ),
)
AUTOENCODER_PRESETS = {"tiny": TINY}
