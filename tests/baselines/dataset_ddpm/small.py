"""A DatasetDDPM small enough to train and sample in a test."""

from dataclasses import replace
from pathlib import Path

import torch

from baselines.dataset_ddpm.config import LabelConfig
from baselines.dataset_ddpm.ensemble import PixelEnsemble
from baselines.dataset_ddpm.model import TrainedDdpm, build_ensemble, write_ddpm
from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.training.checkpoint import save_weights
from reference_model.stage import Stage, StageConfig
from tests.reference_model.conftest import NAMES, Stripes, base_config, build_stage

SIZE = (16, 32)
LABELS = LabelConfig(
    dataset="stripes",
    class_names=NAMES,
    image_size=SIZE,
    num_images=4,
    timesteps=(5, 20, 50),
    blocks=("up.0", "final"),
    members=3,
    hidden=(8, 4),
)


def stripes(split: str = "train") -> Stripes:
    """Cars are 15 pixels."""
    return Stripes(split=split, image_size=SIZE)


def stage_config(**changes) -> StageConfig:
    base = base_config(layouts=False)
    unet = replace(base.unet, patch=2, stem_skip=True, noise_skip=True)
    return replace(base, **{"image_size": SIZE, "unet": unet, "text_drop": 1.0, **changes})


def stage(seed: int = 0) -> Stage:
    return build_stage(stage_config(), seed)


def ensemble(of: Stage | None = None, config: LabelConfig = LABELS, seed: int = 0) -> PixelEnsemble:
    """Members that differ, with statistics of their own."""
    trained = of or stage()
    torch.manual_seed(seed)
    network = build_ensemble(config, trained)
    for name, tensor in network.state_dict().items():
        if tensor.ndim > 1:
            tensor.normal_(std=0.5)
        elif name.endswith("running_mean"):
            tensor.normal_(std=0.3)
    return network.eval().requires_grad_(False)


def write_stage(folder: Path, trained: Stage | None = None) -> Path:
    """A folder as `train ddpm` leaves it."""
    trained = trained or stage()
    save_weights(folder / "model.safetensors", trained.network.state_dict())
    task = {"kind": "diffusion-stage", "stage": to_dict(trained.config)}
    write_json(folder / "config.json", {"task": task})
    return folder


def write_model(folder: Path, *, seed: int = 0, ddpm_seed: int = 0) -> Path:
    """A folder as `train dataset-ddpm` leaves it."""
    trained = stage(ddpm_seed)
    ddpm = write_stage(folder.parent / "ddpm", trained)
    write_ddpm(folder, TrainedDdpm(LABELS, ensemble(trained, seed=seed), trained), ddpm)
    task = {"kind": "dataset-ddpm", "labels": to_dict(LABELS)}
    write_json(folder / "config.json", {"task": task})
    return folder


def stripes_images(num: int = 6) -> torch.Tensor:
    """uint8 (B, 3, H, W)."""
    return torch.stack([stripes()[index].image for index in range(num)])
