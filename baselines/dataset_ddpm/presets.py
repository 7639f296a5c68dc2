"""Sizes of DatasetDDPM: of the image diffusion model, and of the classifiers on its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from baselines.dataset_ddpm.config import LabelConfig, paper_hidden
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.sizes import require_multiples
from gcdp_bench.training.loop import TrainingConfig
from gcdp_bench.training.presets import Preset
from reference_model.joint import LossConfig, ProcessConfig
from reference_model.presets import (
    COSINE,
    HASH_TEXT,
    LINEAR,
    PAPER_TRAINING,
    TINY_TRAINING,
    TINY_UNET,
)
from reference_model.schedules import Schedule, ScheduleConfig
from reference_model.stage import StageConfig
from reference_model.unet import UNetConfig

PAPER_TIMESTEPS = (50, 150, 250)
"""At which Baranchuk et al. 2022 read features, on the linear schedule of Ho et al. 2020."""


def steps_of_equal_noise(timesteps: Sequence[int], schedule: ScheduleConfig) -> tuple[int, ...]:
    """Steps of `schedule` whose alpha_bar is nearest to that of the linear schedule's timesteps."""
    wanted = Schedule(LINEAR).alpha_bar[list(timesteps)]  # (N,)
    distances = (Schedule(schedule).alpha_bar - wanted[:, None]).abs()  # (N, T + 1)
    return tuple(distances.argmin(1).tolist())


def _ddpm(
    unet: UNetConfig,
    *,
    width: int,
    schedule: ScheduleConfig,
    loss: LossConfig,
    training: TrainingConfig,
) -> Preset[StageConfig]:
    """An unconditional diffusion model of whole images, without a cascade."""

    def config(dataset: Dataset) -> StageConfig:
        return StageConfig(
            dataset=dataset.name,
            class_names=dataset.class_names,
            image_size=dataset.image_size,
            unet=unet,
            process=ProcessConfig(
                image_schedule=schedule, layout_schedule=schedule, num_classes=None
            ),
            text=HASH_TEXT,  # of no effect: no caption is read
            text_drop=1.0,
            loss=loss,
        )

    check_size = partial(require_multiples, divisor=unet.divisor)
    return Preset(key="stage", width=width, config=config, check_size=check_size, training=training)


def _labels(
    schedule: ScheduleConfig, blocks: tuple[str, ...], *, width: int, training: TrainingConfig
) -> Preset[LabelConfig]:
    """Classifiers on the diffusion model of the same name, whose schedule it is."""

    def config(dataset: Dataset) -> LabelConfig:
        return LabelConfig(
            dataset=dataset.name,
            class_names=dataset.class_names,
            image_size=dataset.image_size,
            timesteps=steps_of_equal_noise(PAPER_TIMESTEPS, schedule),
            blocks=blocks,
            hidden=paper_hidden(len(dataset.class_names)),
        )

    return Preset(key="labels", width=width, config=config, training=training)


# The base network of the other tiny presets on patches of 4 x 4 pixels, so coarse a stem that it
# needs `timed_detail`: compare the validation loss of a short run with that of one with
# `--set stage.unet.timed_detail=false`. The cosine schedule spends fewer of few steps where nearly
# everything is noise.
TINY_DDPM = _ddpm(
    replace(TINY_UNET, patch=4, cross_attention=(False, False)),
    width=128,
    schedule=COSINE,
    loss=LossConfig(),
    training=replace(TINY_TRAINING, learning_rate=1e-3),
)

# Nearest to the unconditional network of guided-diffusion for 256 x 256 pixels (256 channels,
# multipliers 1, 1, 2, 2, 4, 4, attention at 32, 16 and 8 pixels, 552,814,086 parameters):
# 524,200,993 parameters, one variance for all pixels instead of a learned one, no dropout.
PAPER_UNET = UNetConfig(
    num_classes=None,
    text_dim=HASH_TEXT.dim,
    dim=256,
    dim_mults=(1, 2, 2, 4, 4),
    num_blocks=(2, 2, 2, 2, 2),
    self_attention=(False, False, True, True, True),
    cross_attention=(False,) * 5,
    cond_dim=64,
    num_text_latents=8,
    max_text_tokens=HASH_TEXT.max_tokens,
    init_kernels=(3,),
    stem_skip=True,
)
PAPER_DDPM = _ddpm(
    PAPER_UNET,
    width=256,
    schedule=LINEAR,
    loss=LossConfig(p2_gamma=0.0),  # L_simple of Ho et al. 2020
    training=replace(PAPER_TRAINING, learning_rate=1e-4),
)

DDPM_PRESETS = {
    "tiny": TINY_DDPM,
    "paper-celeba": PAPER_DDPM,
    "paper-cityscapes": replace(PAPER_DDPM, width=512),
}


# Adam at 1e-3 on 64 pixels per member and step, without an average of the weights. In 4000 steps
# each member sees as many pixels as two thirds of 50 images of 64 x 128 have.
TINY_LABELS = _labels(
    COSINE,
    ("up.0", "up.1", "final"),  # all of the decoder
    width=128,
    training=TrainingConfig(
        steps=4_000,
        batch_size=64,
        learning_rate=1e-3,
        warmup_steps=0,
        betas=(0.9, 0.999),
        max_grad_norm=None,
        ema_max_decay=0.0,
        checkpoint_every=1_000,
        validate_every=1_000,
        preview_every=2_000,
    ),
)

# Where the network of guided-diffusion has its blocks 5, 6, 7, 8 and 12: the last ones at 16 and
# 32 pixels and the first one at 128; here one block a level can be read. 5376 features; an epoch of
# 50 images of 256 x 256 is 51,200 steps, and the authors' program trains for three at least.
PAPER_LABELS = _labels(
    LINEAR,
    ("up.1", "up.2", "up.4"),
    width=256,
    training=replace(
        TINY_LABELS.training,
        steps=160_000,
        checkpoint_every=10_000,
        validate_every=10_000,
        preview_every=10_000,
    ),
)

DATASET_DDPM_PRESETS = {
    "tiny": TINY_LABELS,
    "paper-celeba": PAPER_LABELS,
    "paper-cityscapes": replace(PAPER_LABELS, width=512),
}
