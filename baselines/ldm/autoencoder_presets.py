"""Sizes of the autoencoder, each with its training."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baselines.ldm.autoencoder import AutoencoderConfig
from baselines.ldm.autoencoder_loss import AutoencoderLossConfig
from baselines.ldm.patch_discriminator import PatchConfig
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.sizes import require_multiples
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

    def check_size(self, size: Size) -> None:
        """Refuse images of a size that the network does not pass.

        Raises:
            ValueError: says what is expected.
        """
        require_multiples(size, 2 ** (len(self.channels) - 1))

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


# The adversarial term has a small fixed weight, because at the decoder's last layer its gradient is
# much longer than that of L1; CompVis/latent-diffusion balances the two by an adaptive weight.
# Batches are small and many: on a processor a step costs as much as its images.
TINY = AutoencoderPreset(
    width=128,
    channels=(16, 32, 32),
    layers_per_block=1,
    groups=4,
    attention=False,
    discriminator=PatchConfig(channels=(32, 64, 64), groups=8),
    loss=AutoencoderLossConfig(
        kl_weight=1e-6, features_weight=0.1, adversarial_weight=0.01, adversarial_from=8000
    ),
    training=TrainingConfig(
        steps=12_000,
        batch_size=2,
        learning_rate=1e-3,
        decay="cosine",
        warmup_steps=100,
        betas=(0.5, 0.9),
        checkpoint_every=2000,
        validate_every=2000,
        preview_every=2000,
    ),
)

# KL-f8 of CompVis/latent-diffusion, the autoencoder of Stable Diffusion: its sizes, its rate of
# 4.5e-6 per example of the batch, its discriminator from step 50,001 on. Not yet run.
PAPER_CELEBA = AutoencoderPreset(
    width=256,
    channels=(128, 256, 512, 512),
    layers_per_block=2,
    groups=32,
    attention=True,
    discriminator=PatchConfig(channels=(64, 128, 256, 512), groups=32),
    loss=replace(TINY.loss, adversarial_from=50_001),
    training=TrainingConfig(
        steps=150_000,
        batch_size=8,
        learning_rate=3.6e-5,
        warmup_steps=0,
        betas=(0.5, 0.9),
        max_grad_norm=None,
        ema_max_decay=0.9999,
        checkpoint_every=5_000,
        validate_every=5_000,
        preview_every=5_000,
    ),
)

AUTOENCODER_PRESETS = {
    "tiny": TINY,
    "paper-celeba": PAPER_CELEBA,
    "paper-cityscapes": replace(PAPER_CELEBA, width=512),
}
