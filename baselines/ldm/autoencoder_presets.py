"""Sizes of the autoencoder, each with its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from baselines.ldm.autoencoder import AutoencoderConfig
from baselines.ldm.autoencoder_loss import AutoencoderLossConfig
from baselines.ldm.patch_discriminator import PatchConfig
from gcdp_bench.datasets.sizes import require_multiples
from gcdp_bench.training.loop import TrainingConfig
from gcdp_bench.training.presets import Preset


def _preset(
    config: Callable[..., AutoencoderConfig],
    *,
    width: int,
    channels: tuple[int, ...],
    training: TrainingConfig,
) -> Preset[AutoencoderConfig]:
    return Preset(
        key="autoencoder",
        width=width,
        config=lambda dataset: config(
            dataset=dataset.name, image_size=dataset.image_size, channels=channels
        ),
        check_size=partial(require_multiples, divisor=2 ** (len(channels) - 1)),
        training=training,
    )


# The adversarial term has a small fixed weight, because at the decoder's last layer its gradient is
# much longer than that of L1; CompVis/latent-diffusion balances the two by an adaptive weight.
LOSS = AutoencoderLossConfig(
    kl_weight=1e-6, features_weight=0.1, adversarial_weight=0.01, adversarial_from=8000
)

# Batches are small and many: on a processor a step costs as much as its images.
TINY = _preset(
    partial(
        AutoencoderConfig,
        layers_per_block=1,
        groups=4,
        attention=False,
        discriminator=PatchConfig(channels=(32, 64, 64), groups=8),
        loss=LOSS,
    ),
    width=128,
    channels=(16, 32, 32),
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
PAPER_CELEBA = _preset(
    partial(
        AutoencoderConfig,
        layers_per_block=2,
        groups=32,
        attention=True,
        discriminator=PatchConfig(channels=(64, 128, 256, 512), groups=32),
        loss=replace(LOSS, adversarial_from=50_001),
    ),
    width=256,
    channels=(128, 256, 512, 512),
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
