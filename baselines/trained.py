"""Shared parts of trained baselines: presets, folders, properties of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from torch import nn

from gcdp_bench.core import config
from gcdp_bench.core.device import device_of
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Generator
from gcdp_bench.training.loop import TrainingConfig
from gcdp_bench.training.presets import Preset

CONFIG, WEIGHTS = "config.json", "model.safetensors"


class Config(Protocol):
    """A resolved configuration, as it is written beside the weights."""

    @property
    def dataset(self) -> str:
        """Name of the training dataset."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Its classes."""
        ...

    @property
    def image_size(self) -> Size:
        """(height, width) of the samples."""
        ...


C = TypeVar("C", bound=Config)
T = TypeVar("T")


class Configured(Generator, Generic[C]):
    """A generator that is described by its configuration."""

    config: C
    networks: tuple[nn.Module, ...]  # all on one device

    @property
    def device(self) -> str:
        """See `Generator.device`."""
        return str(device_of(self.networks[0]))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the training dataset."""
        return self.config.class_names

    @property
    def image_size(self) -> Size:
        """(height, width) of the samples."""
        return self.config.image_size

    @property
    def trained_on(self) -> str:
        """Name of the training dataset."""
        return self.config.dataset


def network_preset(
    key: str,
    network: Callable[[Size], Any],
    config: Callable[..., T],
    *,
    width: int,
    training: TrainingConfig,
) -> Preset[T]:
    """A preset whose network follows from the size of the images.

    Args:
        key: see `RunConfig`.
        network: field `network` of the configuration, by the size; refuses one that it cannot have.
        config: takes the fields `dataset`, `class_names` and `network`.
        width: of the images.
        training: of the network.
    """
    return Preset(
        key=key,
        width=width,
        config=lambda dataset: config(
            dataset=dataset.name,
            class_names=dataset.class_names,
            network=network(dataset.image_size),
        ),
        check_size=network,
        training=training,
    )


def read_task(folder: Path, *, model: str, key: str, files: Sequence[str]) -> dict[str, Any]:
    """The "task" of `config.json` in the folder of a trained model.

    Args:
        folder: of the run, or pretrained.
        model: what `gcdp-bench train` calls it.
        key: under which the task holds its configuration.
        files: that the folder must hold.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: it is the folder of another model.
    """
    remedy = f"train one with `gcdp-bench train {model}` or give another folder"
    for name in files:
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder}: expected a trained {model} ({', '.join(files)}), found no {name}; "
                + remedy
            )
    task = config.read_task(folder / CONFIG)
    if key not in task:
        raise ValueError(
            f"{folder / CONFIG}: expected the configuration of a {model}, got one of "
            f"{task.get('kind', 'something else')}; {remedy}"
        )
    return task
