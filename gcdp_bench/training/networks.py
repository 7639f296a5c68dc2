"""Every network that can be trained: where its weights lie, and what they say of their training."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gcdp_bench.core.config import read_table
from gcdp_bench.datasets.identity import IDENTITY

PROJECT = Path(__file__).resolve().parents[2]
CONFIG, MODEL = "config.json", "model.safetensors"
STAGES = ("base", "sr")
RUNS_VARIABLE = "GCDP_RUNS"


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where the weights of a network lie, and how others are given."""

    pretrained: tuple[str, ...]  # folders of the project, by {dataset} or {family}
    option: str  # that gives another {path}
    files: tuple[str, ...] = (CONFIG, MODEL)  # of a finished training
    stages: tuple[str, ...] = ()  # each in a folder of its own; the first one is enough
    parts: tuple[str, ...] = ()  # networks that it is built on, trained before
    evaluates: bool = False  # shared by the datasets of a family


def runs_folder() -> Path:
    """Folder of trained networks: the environment variable GCDP_RUNS, else ./runs."""
    return Path(os.environ.get(RUNS_VARIABLE) or "runs").expanduser()


def _generator(
    pretrained: str,
    *,
    parts: tuple[str, ...] = (),
    stages: tuple[str, ...] = (),
    files: tuple[str, ...] = (CONFIG, MODEL),
) -> Network:
    option = "--weights {network}={path}"
    return Network(pretrained=(pretrained,), option=option, parts=parts, stages=stages, files=files)


def _evaluator(name: str) -> Network:
    folder = f"gcdp_bench/extractors/pretrained/{name}-{{family}}"
    return Network(pretrained=(folder,), option=f"--{name} {{path}}", evaluates=True)


NETWORKS: Mapping[str, Network] = {
    "segmenter": _evaluator("segmenter"),
    "clip": _evaluator("clip"),
    "attributes": _evaluator("attributes"),
    "reference": _generator("reference_model/pretrained/{dataset}", stages=STAGES),
    "reference-unconditional": _generator(
        "baselines/pretrained/reference-unconditional/{dataset}", stages=STAGES
    ),
    "imagen": _generator("baselines/pretrained/imagen/{dataset}", stages=STAGES),
    "ldm": _generator(
        "baselines/pretrained/ldm/{dataset}",
        parts=("autoencoder",),
        files=(CONFIG, "model_index.json"),
    ),
    "lafite": _generator("baselines/pretrained/lafite/{dataset}", parts=("lafite-clip",)),
    "gansformer": _generator("baselines/pretrained/gansformer/{dataset}"),
    "dataset-ddpm": _generator("baselines/pretrained/dataset-ddpm/{dataset}", parts=("ddpm",)),
    "semantic-palette": _generator(
        "baselines/pretrained/semantic-palette/{dataset}", parts=("palette-layouts",)
    ),
    "autoencoder": Network(
        pretrained=("baselines/pretrained/autoencoder/{dataset}",),
        option="--set ldm.autoencoder={path}",
        files=(CONFIG, "vae/config.json"),
    ),
    "lafite-clip": Network(
        pretrained=("baselines/pretrained/lafite/{dataset}/clip",),
        option="--set lafite.clip={path}",
    ),
    "ddpm": Network(
        pretrained=(
            "baselines/pretrained/ddpm/{dataset}",
            "baselines/pretrained/dataset-ddpm/{dataset}/ddpm",
        ),
        option="--set labels.ddpm={path}",
    ),
    "palette-layouts": Network(
        pretrained=("baselines/pretrained/palette-layouts/{dataset}",),
        option="--set images.layouts={path}",
        files=(CONFIG, MODEL, "palettes.json"),
    ),
}
"""Every network that can be trained -> where its weights lie."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the folder of a trained network says of its training; None: it does not say."""

    dataset: str | None  # own name of the dataset
    kind: str | None  # as `DatasetIdentity.kind`
    digest: str | None
    class_names: tuple[str, ...] | None
    num_training: int | None
    place: str | None  # where a folder lay
    steps: int | None
    seed: int | None
    resize: str = "none"  # what the images underwent, see `framing.resize_of`


def read_records(network: str, folder: Path) -> dict[str, Record]:
    """What a trained network says of its training, by stage, or by its name; empty: there is none.

    Raises:
        ValueError: a file is damaged.
    """
    parts = {stage: folder / stage for stage in NETWORKS[network].stages} or {network: folder}
    return {name: _read_record(part) for name, part in parts.items() if (part / CONFIG).is_file()}


def _read_record(folder: Path) -> Record:
    path = folder / CONFIG
    config = read_table(path)
    identity, task = (_table(config.get(key)) for key in (IDENTITY, "task"))
    # the configuration of the network is the table in the task that names a dataset
    own = next((t for t in map(_table, task.values()) if "dataset" in t), {})
    names = identity.get("class_names") or own.get("class_names")
    return Record(
        dataset=_text(identity.get("name") or own.get("dataset")),
        kind=_text(identity.get("kind")),
        digest=_text(identity.get("digest")),
        class_names=tuple(map(str, names)) if isinstance(names, list) else None,
        num_training=_number(identity.get("num_training")),
        place=_text(identity.get("folder")),
        steps=_steps(folder, config),
        resize=_text(config.get("resize")) or "none",
        seed=_number(_table(config.get("training")).get("seed")),
    )


def _steps(folder: Path, config: Mapping[str, Any]) -> int | None:
    """Steps that were made: as `cost.json` says, else the newest checkpoint, else the settings."""
    cost = folder / "cost.json"
    if cost.is_file():
        return _number(read_table(cost).get("steps"))
    numbers = [path.name.removeprefix("step-") for path in folder.glob("checkpoints/step-*")]
    made = [int(number) for number in numbers if number.isdecimal()]
    return max(made) if made else _number(_table(config.get("training")).get("steps"))


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if type(value) is int else None


@dataclass(frozen=True, kw_only=True)
class Training:
    """What rows say of a network's training."""

    dataset: str  # name of its data, see `runs.Run.trained_on`
    seed: int | None = None  # of its training; None: not recorded
