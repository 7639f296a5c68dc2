"""The sizes: the paper's numbers, and networks that can be built."""

from dataclasses import replace

import pytest
import torch

from baselines.dataset_ddpm.model import build_ensemble
from baselines.dataset_ddpm.pixel_features import check_ddpm, feature_width
from baselines.dataset_ddpm.presets import (
    DATASET_DDPM_PRESETS,
    DDPM_PRESETS,
    PAPER_TIMESTEPS,
    steps_of_equal_noise,
)
from gcdp_bench.core.config import from_dict, to_dict
from reference_model.joint import JointProcess
from reference_model.schedules import Schedule, ScheduleConfig
from reference_model.stage import Stage
from reference_model.unet import UNet
from tests.reference_model.conftest import Stripes

SIZES = {"tiny": (64, 128), "paper-celeba": (256, 256), "paper-cityscapes": (256, 512)}
NUM_PARAMETERS = {"tiny": 3_505_186, "paper-celeba": 524_200_993, "paper-cityscapes": 524_200_993}


def dataset(name: str) -> Stripes:
    return replace(Stripes(), image_size=SIZES[name])


@pytest.mark.parametrize("name", SIZES)
def test_the_diffusion_model_is_unconditional_and_of_the_whole_image(name):
    preset = DDPM_PRESETS[name]
    run = preset.resolve(dataset(name))
    assert preset.width == SIZES[name][1] and run.config.image_size == SIZES[name]
    assert not run.config.makes_layouts and not run.config.reads_captions
    assert run.config.low_res is None and run.config.crop is None
    assert run.config.process.image_schedule.name == ("cosine" if name == "tiny" else "linear")
    assert all(side % run.config.unet.divisor == 0 for side in run.config.image_size)
    assert from_dict(type(run.config), to_dict(run.config)) == run.config
    with torch.device("meta"):
        network = UNet(run.config.unet)
    assert sum(weight.numel() for weight in network.parameters()) == NUM_PARAMETERS[name]


@pytest.mark.parametrize("name", SIZES)
def test_the_classifiers_fit_the_diffusion_model_of_their_name(name):
    preset = DATASET_DDPM_PRESETS[name]
    run = preset.resolve(dataset(name))
    config = DDPM_PRESETS[name].resolve(dataset(name)).config
    assert preset.width == SIZES[name][1]
    with torch.device("meta"):
        network = UNet(config.unet)
        stage = Stage(config, network, JointProcess(config.process))
        ensemble = build_ensemble(run.config, stage)
    check_ddpm("it", run.config, stage)
    assert len(ensemble.members) == 10
    assert feature_width(run.config, config.unet) == (576 if name == "tiny" else 5376)
    assert from_dict(type(run.config), to_dict(run.config)) == run.config


def test_features_are_read_at_the_papers_noise_on_any_schedule():
    steps = {
        name: preset.resolve(dataset(name)).config.timesteps
        for name, preset in DATASET_DDPM_PRESETS.items()
    }
    assert steps["paper-celeba"] == PAPER_TIMESTEPS
    linear, cosine = (
        Schedule(ScheduleConfig(name=name)).alpha_bar for name in ("linear", "cosine")
    )
    assert steps["tiny"] == steps_of_equal_noise(PAPER_TIMESTEPS, ScheduleConfig(name="cosine"))
    for paper, ours in zip(PAPER_TIMESTEPS, steps["tiny"], strict=True):
        assert abs(float(linear[paper] - cosine[ours])) < 1e-3


def test_the_papers_settings():
    run = DATASET_DDPM_PRESETS["paper-celeba"].resolve(dataset("paper-celeba"))
    assert run.config.timesteps == (50, 150, 250) and run.config.min_pixels == 20
    assert run.config.num_images == 50 and run.config.hidden == (128, 32)
    assert run.training.batch_size == 64 and run.training.learning_rate_at(0) == 1e-3
    assert run.training.learning_rate_at(run.training.steps - 1) == 1e-3
