"""The folder of a trained DatasetDDPM, and the diffusion model under it: written and read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from baselines.dataset_ddpm.config import LabelConfig
from baselines.dataset_ddpm.ensemble import PixelEnsemble
from baselines.dataset_ddpm.pixel_features import check_ddpm, feature_width
from baselines.trained import CONFIG, WEIGHTS, read_task
from gcdp_bench.core.config import from_dict, read_json, write_json
from gcdp_bench.training.checkpoint import save_weights
from gcdp_bench.training.loading import load_network
from reference_model.stage import Stage, load_stage

FOLDER = "ddpm"  # in the folder of a trained DatasetDDPM
FILES = (CONFIG, WEIGHTS)


@dataclass(frozen=True)
class TrainedDdpm:
    """The parts of a trained DatasetDDPM; networks are frozen."""

    config: LabelConfig
    ensemble: PixelEnsemble
    stage: Stage


def load_ddpm(folder: Path, config: LabelConfig) -> Stage:
    """Read the diffusion model in a folder of `train ddpm`, frozen.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: it does not fit `config`, or a file is damaged.
    """
    read_task(folder, model="ddpm", key="stage", files=FILES)
    stage = load_stage(folder)
    check_ddpm(str(folder), config, stage)
    return stage


def build_ensemble(config: LabelConfig, stage: Stage) -> PixelEnsemble:
    """Fresh classifiers for the features of `stage`."""
    return PixelEnsemble(config, feature_width(config, stage.config.unet))


def write_ddpm(folder: Path, trained: TrainedDdpm, source: Path) -> None:
    """Write `model.safetensors`, the classifiers, and `ddpm/`, the diffusion model under them.

    Args:
        folder: of the run.
        trained: what to write; its diffusion model as it was read, even if training has gone on.
        source: folder of the diffusion model, for its `config.json`.
    """
    record = read_json(source / "config.json")
    write_json(folder / FOLDER / "config.json", record)
    save_weights(folder / FOLDER / WEIGHTS, trained.stage.network.state_dict())
    save_weights(folder / WEIGHTS, trained.ensemble.state_dict())


def read_ddpm(folder: Path) -> TrainedDdpm:
    """Read what training wrote: `config.json`, `model.safetensors` and `ddpm/`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: it is another model, its parts do not fit each other, or a file is damaged.
    """
    files = (*FILES, *(f"{FOLDER}/{file}" for file in FILES))
    task = read_task(folder, model="dataset-ddpm", key="labels", files=files)
    config = from_dict(LabelConfig, task["labels"], where=str(folder / "config.json"))
    stage = load_ddpm(folder / FOLDER, config)
    ensemble = load_network(lambda: build_ensemble(config, stage), folder / WEIGHTS, source=folder)
    return TrainedDdpm(config, ensemble.eval().requires_grad_(False), stage)
