"""A network of one size with its training, and the run that a dataset makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gcdp_bench.core.config import override
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.training.loop import TrainingConfig

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
