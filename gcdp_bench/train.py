"""Train by name: generators, the networks they are built on, and the networks that evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gcdp_bench.core.config import digest
from gcdp_bench.core.cores import usable_cores
from gcdp_bench.core.lookup import lookup
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.check import training_notes
from gcdp_bench.datasets.framing import resize_of
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.datasets.outlines import outline, require_shapes
from gcdp_bench.datasets.registry import check_excluded, open_dataset
from gcdp_bench.datasets.views import Without
from gcdp_bench.diagnostics.missing import Missing, Wanted, missing_for
from gcdp_bench.generators.registry import TEXT_ENCODER, check_training, network
from gcdp_bench.generators.training_sizes import image_size, used_images
from gcdp_bench.training import processes
from gcdp_bench.training.loop import Source
from gcdp_bench.training.networks import Network
from gcdp_bench.training.presets import RunConfig, TrainingSpec
from gcdp_bench.training.request import Request
from gcdp_bench.training.runs import Run, Weights, as_weights, find_run, new_folder
from gcdp_bench.training.settings import TrainingConfig
from gcdp_bench.training.task import AdversarialTask, Task

SPLITS = ("train", "val")
"""Splits that a training opens."""

MOST_WORKERS = 8
"""Processes that read images without a choice of the user."""


@dataclass(frozen=True)
class Resolved:
    """A resolved training, for --dry-run."""

    settings: RunConfig[Any]
    notes: tuple[str, ...]  # which images are used at which size; which settings are not final


@dataclass(frozen=True)
class Plan:
    """A resolved training run: what `gcdp_bench.training.loop.train` is given."""

    task: Task | AdversarialTask
    settings: RunConfig[Any]
    dataset: str  # name of the data
    source: Source
    split: Dataset  # that is trained on
    parts: tuple[Run, ...]  # networks that it is built on
    images: str  # which images are used at which size

    @property
    def training(self) -> TrainingConfig:
        """How it is trained."""
        return self.settings.training

    def notes(self) -> tuple[str, ...]:
        """For whoever starts the run: parts, images, and what should be known of captions and
        layouts."""
        data = (self.images, *training_notes(self.split)) if self.images else ()
        return (*map(str, self.parts), *data)


def plan(request: Request) -> Plan:
    """Resolve a request: presets, overrides, datasets.

    Raises:
        ValueError: unknown model, dataset, preset or key; settings that do not fit each other.
        FileNotFoundError: data or text-encoder weights are missing.
    """
    trained, spec = _spec(request)
    splits = _open_splits(request, spec.presets)
    settings = _settings(request, spec, splits[0])
    identity = identity_of(request)
    parts: list[Run] = []
    if spec.given_part is not None:
        (part,) = trained.parts
        parts = [find_run(part, identity, as_weights(spec.given_part(settings.config)))]
    return Plan(
        task=spec.task(settings.config, *splits, *(run.folder for run in parts)),
        settings=settings,
        dataset=identity.name,
        source=Source(
            identity=identity,
            left_out=_left_out(splits),
            resize=resize_of(splits[0]),
            items=splits[0] if spec.examples_are_items else None,
        ),
        split=splits[0],
        parts=tuple(parts),
        images=used_images(request, spec.presets, splits[0]),
    )


def resolve(request: Request) -> Resolved:
    """The training that `plan` would make, from the dataset's classes and image sizes; weights,
    captions and pixels are not read.

    Raises:
        ValueError: as `plan`.
        FileNotFoundError: a folder that is no dataset.
    """
    _, spec = _spec(request)
    if request.exclude is not None:
        check_excluded(request.dataset, request.exclude)
    size = image_size(request, spec.presets)
    dataset = outline(request.dataset, size, data_root=request.data_root)
    require_shapes(
        request.dataset,
        size,
        splits=SPLITS,
        exclude=request.exclude,
        resize=request.resize,
    )
    settings = _settings(request, spec, dataset)
    notes = (used_images(request, spec.presets, dataset), spec.counted)
    return Resolved(settings, tuple(filter(None, notes)))


def refusal_here(training: TrainingConfig) -> str:
    """Why this machine could not train so; dry runs are made for other machines too."""
    try:
        processes.check_precision(training.precision)
    except ValueError as error:
        return f"note: {error}: train would refuse on this machine"
    return ""


def missing(request: Request) -> list[Missing]:
    """Parts that `plan` would not find: data, networks that the network is built on, a text
    encoder.

    Raises:
        ValueError: as `plan`.
    """
    trained, spec = _spec(request)
    config = resolve(request).settings.config
    text = getattr(config, "text", None)
    parts: tuple[tuple[Network, Weights], ...] = ()
    if spec.given_part is not None:
        parts = tuple((part, as_weights(spec.given_part(config))) for part in trained.parts)
    encoders: tuple[tuple[str, Path | None], ...] = ()
    if text is not None and text.encoder == "t5":
        encoders = ((TEXT_ENCODER, None if text.path is None else Path(text.path)),)
    wanted = Wanted(parts=parts, published=encoders, preset=request.preset)
    return missing_for(request.dataset, wanted, data_root=request.data_root)


def identity_of(request: Request) -> DatasetIdentity:
    """See `identities.dataset_identity`; excluded items belong to the dataset."""
    return dataset_identity(request.dataset, data_root=request.data_root)


def default_workers() -> int:
    """Processes that read images: for a CPU none, since its networks are slower than renderers."""
    import torch

    return min(MOST_WORKERS, usable_cores() - 1) if torch.accelerator.is_available() else 0


def is_first_process() -> bool:
    """Whether this process is the one that prints before a training; see `processes.is_first`."""
    return processes.is_first()


def is_main_process() -> bool:
    """Whether this process, of those that trained together, is the one that prints."""
    return processes.is_main()


def leave_processes() -> None:
    """End the work with the other processes, after the last training of a command."""
    processes.leave()


def default_out(request: Request, *, resume: bool = False) -> Path:
    """runs/MODEL/DATASET, with one folder per stage for a cascade; see `runs.new_folder`.

    Raises:
        ValueError: the run to resume was trained on other data.
    """
    return new_folder(network(request.model), identity_of(request), request.stage, resume=resume)


def _spec(request: Request) -> tuple[Network, TrainingSpec]:
    """The network that is trained, and how.

    Raises:
        ValueError: unknown model, stage or preset, or a generator that is not trained here.
    """
    found = check_training(request.model, request.preset)
    if request.stage is not None and not found.stages:
        raise ValueError(f"stage: {request.model} has no stages; leave it out")
    if found.stages:
        lookup(dict.fromkeys(found.stages), request.stage or "none", "stage")
    assert found.training is not None
    return found, found.training()


def _settings(request: Request, spec: TrainingSpec, dataset: Dataset) -> RunConfig[Any]:
    """The resolved configuration: the preset, filled in from the dataset, and the overrides."""
    run = spec.resolve(spec.presets[request.preset], dataset, request.stage)
    return run.overridden(request.assignments)


def _open_splits(request: Request, presets: Mapping[str, Any]) -> tuple[Dataset, Dataset]:
    size = image_size(request, presets)
    train_split, validation_split = (
        open_dataset(
            request.dataset,
            split,
            size=size,
            data_root=request.data_root,
            exclude=request.exclude,
            resize=request.resize,
        )
        for split in SPLITS
    )
    return train_split, validation_split


def _left_out(splits: Sequence[Dataset]) -> Mapping[str, Any] | None:
    """Excluded items by split: their number, and a digest of their ids in the split's order.

    A list that names no item of a split leaves a trace too; none is left where no list was given.
    """
    views = [split for split in splits if isinstance(split, Without)]
    return {
        view.split: {"num": len(view.left_out), "ids": digest(view.left_out)} for view in views
    } or None
