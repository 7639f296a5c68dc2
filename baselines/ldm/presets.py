"""Sizes of latent diffusion, each with its training."""

from __future__ import annotations

from dataclasses import dataclass, replace

from baselines.ldm.config import DenoiserConfig, LdmConfig
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.sizes import require_multiples
from gcdp_bench.training.loop import TrainingConfig
from reference_model.presets import HASH_TEXT, PAPER_TRAINING, T5_LARGE, TINY_TRAINING
from reference_model.text import TextConfig


@dataclass(frozen=True, kw_only=True)
class LdmRun:
    """A training run, resolved; what `--set` overrides."""

    ldm: LdmConfig
    training: TrainingConfig


@dataclass(frozen=True, kw_only=True)
class LdmPreset:
    """A latent diffusion model with its training; see `LdmConfig` for the fields."""

    width: int  # of the images
    unet: DenoiserConfig
    text: TextConfig
    downscaling: int
    training: TrainingConfig

    def check_size(self, size: Size) -> None:
        """Refuse images of a size that the network does not pass.

        Raises:
            ValueError: says what is expected.
        """
        require_multiples(size, self.downscaling * 2 ** (len(self.unet.channels) - 1))

    def resolve(self, dataset: Dataset) -> LdmRun:
        """Fill in what follows from the dataset."""
        config = LdmConfig(
            dataset=dataset.name,
            class_names=dataset.class_names,
            image_size=dataset.image_size,
            unet=self.unet,
            text=self.text,
            downscaling=self.downscaling,
        )
        return LdmRun(ldm=config, training=self.training)


# Text-to-image model of Rombach et al. 2022 (CompVis/latent-diffusion, txt2img-1p4B-eval.yaml) on
# Stable Diffusion's autoencoder, with T5-large for the text: 865,910,724 parameters.
PAPER_UNET = DenoiserConfig(
    channels=(320, 640, 1280, 1280),
    attention=(True, True, True, False),
    layers=2,
    heads=8,
    groups=32,
)
PAPER = LdmPreset(
    width=256,
    unet=PAPER_UNET,
    text=T5_LARGE,
    downscaling=8,
    training=replace(PAPER_TRAINING, learning_rate=1e-4),
)

LDM_PRESETS = {
    # as many examples as the base stage of the reference model; 3,382,804 parameters
    "tiny": LdmPreset(
        width=128,
        unet=DenoiserConfig(channels=(32, 64, 112), attention=(False, True, True)),
        text=HASH_TEXT,
        downscaling=4,
        training=TINY_TRAINING,
    ),
    "paper-celeba": PAPER,
    "paper-cityscapes": replace(PAPER, width=512),
}
