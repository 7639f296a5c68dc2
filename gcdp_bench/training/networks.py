"""Networks that can be trained: where their weights lie, and what they say of their training."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gcdp_bench.core.config import read_table
from gcdp_bench.datasets.identity import IDENTITY, DatasetIdentity, is_part

if TYPE_CHECKING:
    from gcdp_bench.training.presets import TrainingSpec

PROJECT = Path(__file__).resolve().parents[2]
CONFIG, MODEL = "config.json", "model.safetensors"
STAGES = ("base", "sr")
RUNS_VARIABLE = "GCDP_RUNS"


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that can be trained: where its weights lie, and how it is trained."""

    name: str
    pretrained: tuple[str, ...] = ()  # folders of the project, by {dataset} or {family}
    option: str = "--weights {network}={path}"  # that gives another {path}
    files: tuple[str, ...] = (CONFIG, MODEL)  # of a finished training
    stages: tuple[str, ...] = ()  # each in a folder of its own; the first one is enough
    parts: tuple[Network, ...] = ()  # that it is built on, trained before
    evaluates: bool = False  # shared by the datasets of a family
    presets: tuple[str, ...] = ()  # names of those of its training
    training: Callable[[], TrainingSpec] | None = None  # None: it cannot be trained here


@dataclass(frozen=True)
class Code:
    """Code that makes a generator: "module:factory" or "path/to/file.py:factory"."""

    place: str


def train_command(network: Network, dataset: DatasetIdentity) -> str:
    """The command that trains a network on a dataset; one that evaluates, on all images of its
    family, which then share it."""
    place = dataset.place
    if network.evaluates and dataset.kind == "catalogue" and is_part(dataset.name):
        place = f"{dataset.family}-100"
    return f"gcdp-bench train {network.name} --dataset {shlex.quote(place)}"


def runs_folder() -> Path:
    """Folder of trained networks: the environment variable GCDP_RUNS, else ./runs."""
    return Path(os.environ.get(RUNS_VARIABLE) or "runs").expanduser()


@dataclass(frozen=True, kw_only=True)
class Record:
    """Record of a trained network's training; None: not recorded."""

    dataset: str | None  # own name of the dataset
    kind: str | None  # as `DatasetIdentity.kind`
    digest: str | None
    class_names: tuple[str, ...] | None
    num_training: int | None
    place: str | None  # where a folder lay
    steps: int | None
    seed: int | None
    resize: str = "none"  # what the images underwent, see `framing.resize_of`
    image_size: tuple[int, int] | None = None  # (height, width)


def read_records(network: Network, folder: Path) -> dict[str, Record]:
    """Records of a trained network's training, by stage or by its name; empty: there are none.

    Raises:
        ValueError: a file is damaged.
    """
    parts = {stage: folder / stage for stage in network.stages} or {network.name: folder}
    return {name: _read_record(part) for name, part in parts.items() if (part / CONFIG).is_file()}


def _read_record(folder: Path) -> Record:
    path = folder / CONFIG
    config = read_table(path)
    identity, task = (_table(config.get(key)) for key in (IDENTITY, "task"))
    # the configuration of the network is the table in the task that names a dataset
    own = next((t for t in map(_table, task.values()) if "dataset" in t), {})
    names = identity.get("class_names") or own.get("class_names")
    size = own.get("image_size") or _table(own.get("network")).get("image_size")
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
        image_size=(size[0], size[1]) if isinstance(size, list) and len(size) == 2 else None,
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
    """Training of a network, for rows."""

    dataset: str  # name of its data, see `runs.Run.trained_on`
    seed: int | None = None  # of its training; None: not recorded
