"""A network of one size with its training, and the run that a dataset makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gcdp_bench.core.config import override
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.training.loop import TrainingConfig
from gcdp_bench.training.task import AdversarialTask, Task

C = TypeVar("C")


@dataclass(frozen=True)
class RunConfig(Generic[C]):
    """A training run, resolved; what `--set` overrides."""

    key: str  # of the network's configuration in `tables`
    config: C
    training: TrainingConfig

    def tables(self) -> dict[str, Any]:
        """Both configurations by name, as `--set` names them and `--dry-run` prints them."""
        return {self.key: self.config, "training": self.training}

    def overridden(self, assignments: Sequence[str]) -> RunConfig[C]:
        """The run with `dotted.key=value` assignments; a key without a dot is of the training.

        Raises:
            ValueError: as `config.override`.
        """
        keys = [
            text if "." in text.partition("=")[0] else f"training.{text}" for text in assignments
        ]
        tables = override(self.tables(), keys)
        return RunConfig(self.key, tables[self.key], tables["training"])


@dataclass(frozen=True, kw_only=True)
class Preset(Generic[C]):
    """A network that is trained as a whole, of one size, with its training."""

    key: str  # see `RunConfig`
    width: int  # of the images
    config: Callable[[Dataset], C]  # fills in what follows from the dataset
    training: TrainingConfig
    check_size: Callable[[Size], object] = lambda size: None
    """Raises ValueError for images of a size that the network does not pass."""

    def resolve(self, dataset: Dataset) -> RunConfig[C]:
        """Fill in what follows from the dataset."""
        return RunConfig(self.key, self.config(dataset), self.training)


def _of_preset(preset: Preset[Any], dataset: Dataset, stage: str | None) -> RunConfig[Any]:
    return preset.resolve(dataset)


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """How a network is trained: its presets, and the task of a configuration."""

    presets: Mapping[str, Any]  # each with `width`, `check_size` and what `resolve` reads
    task: Callable[..., Task | AdversarialTask]
    """Makes the task of a configuration, a train and a val split, and the folder of the part."""
    resolve: Callable[[Any, Dataset, str | None], RunConfig[Any]] = _of_preset
    """The run by a preset, a dataset and, of a cascade, a stage."""
    examples_are_items: bool = True  # of the training split, in its order
    given_part: Callable[[Any], str | None] | None = None
    """Reads from a configuration the network that it is built on, as `runs.as_weights` takes it;
    None: it is built on none."""
    counted: str = ""  # settings that follow from more than the dataset's classes and size
