"""A latent diffusion model small enough to train and sample in a test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from baselines.ldm.config import DenoiserConfig, LdmConfig
from baselines.ldm.folder import write_pipeline
from baselines.ldm.network import build_unet
from gcdp_bench.core.config import to_dict, write_json
from tests.reference_model.conftest import NAMES, TEXT, Stripes

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

SIZE = (16, 32)  # latents 8 x 16
SCALE = 0.5  # of the latents
UNET = DenoiserConfig(channels=(8, 16), attention=(False, True), heads=2, groups=4)
NUMPY_2 = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""What diffusers 0.42 makes NumPy say when DPM-Solver++ sets its steps."""

CAPTIONS = ["sky and road", "sky and road and cars", "cars"]


def stripes(split: str = "train") -> Stripes:
    return Stripes(split=split, image_size=SIZE)


def autoencoder(*, channels: int = 4, levels: int = 2) -> AutoencoderKL:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    torch.manual_seed(0)
    network = AutoencoderKL(
        block_out_channels=(8,) * levels,  # type: ignore[arg-type]
        down_block_types=("DownEncoderBlock2D",) * levels,  # type: ignore[arg-type]
        up_block_types=("UpDecoderBlock2D",) * levels,  # type: ignore[arg-type]
        norm_num_groups=4,
        latent_channels=channels,
        scaling_factor=SCALE,
    )
    return network.eval().requires_grad_(False)


def ldm_config(**changes) -> LdmConfig:
    settings = {
        "dataset": "stripes",
        "class_names": NAMES,
        "image_size": SIZE,
        "unet": UNET,
        "text": TEXT,
        "downscaling": 2,
    }
    return LdmConfig(**{**settings, **changes})


def write_model(folder: Path, config: LdmConfig | None = None, *, seed: int = 0) -> Path:
    """A run folder with random weights."""
    config = config or ldm_config()
    torch.manual_seed(seed)
    write_pipeline(folder, config, build_unet(config), autoencoder())
    write_json(folder / "config.json", {"task": {"kind": "ldm", "ldm": to_dict(config)}})
    return folder
