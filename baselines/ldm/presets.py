"""Sizes of latent diffusion, each with its training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from baselines.ldm.config import DenoiserConfig, LdmConfig
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.sizes import require_multiples
from gcdp_bench.training.loop import TrainingConfig
from gcdp_bench.training.presets import Preset
from reference_model.presets import HASH_TEXT, PAPER_TRAINING, T5_LARGE, TINY_TRAINING
from reference_model.text import TextConfig


def _preset(
    unet: DenoiserConfig,
    *,
    width: int,
    text: TextConfig,
    downscaling: int,
    training: TrainingConfig,
) -> Preset[LdmConfig]:
    def config(dataset: Dataset) -> LdmConfig:
        return LdmConfig(
            dataset=dataset.name,
            class_names=dataset.class_names,
            image_size=dataset.image_size,
            unet=unet,
            text=text,
            downscaling=downscaling,
        )

    check_size = partial(require_multiples, divisor=downscaling * unet.downscaling)
    return Preset(key="ldm", width=width, config=config, check_size=check_size, training=training)


# Text-to-image model of Rombach et al. 2022 (CompVis/latent-diffusion, txt2img-1p4B-eval.yaml) on
# Stable Diffusion's autoencoder, with T5-large for the text: 865,910,724 parameters.
PAPER_UNET = DenoiserConfig(
    channels=(320, 640, 1280, 1280),
    attention=(True, True, True, False),
    layers=2,
    heads=8,
    groups=32,
)
PAPER = _preset(
    PAPER_UNET,
    width=256,
    text=T5_LARGE,
    downscaling=8,
    training=replace(PAPER_TRAINING, learning_rate=1e-4),
)

LDM_PRESETS = {
    # as many examples as the base stage of the reference model; 3,382,804 parameters
    "tiny": _preset(
        DenoiserConfig(channels=(32, 64, 112), attention=(False, True, True)),
        width=128,
        text=HASH_TEXT,
        downscaling=4,
        training=TINY_TRAINING,
    ),
    "paper-celeba": PAPER,
    "paper-cityscapes": replace(PAPER, width=512),
}
