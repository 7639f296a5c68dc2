"""Train by name: generators, the networks they are built on, and the networks that evaluate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gcdp_bench.core.config import digest
from gcdp_bench.core.lookup import lookup
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets import sizes
from gcdp_bench.datasets.check import training_notes
from gcdp_bench.datasets.framing import resize_of
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.datasets.outlines import outline, require_shapes
from gcdp_bench.datasets.registry import check_excluded, open_dataset
from gcdp_bench.datasets.views import Without
from gcdp_bench.diagnostics.missing import TEXT_ENCODER, Missing, Wanted, missing_for
from gcdp_bench.generators.kinds import KINDS
from gcdp_bench.generators.registry import GENERATORS
from gcdp_bench.generators.training_sizes import image_size, used_images
from gcdp_bench.training import processes
from gcdp_bench.training.failures import Diverged
from gcdp_bench.training.loop import TrainingConfig, train
from gcdp_bench.training.networks import NETWORKS
from gcdp_bench.training.presets import RunConfig
from gcdp_bench.training.runs import Run, Weights, as_weights, find_run, new_folder
from gcdp_bench.training.task import AdversarialTask, Task

VOCABULARY = "vocabulary: training reads it from the captions; here it is that of the class names"
OF_DATA = {
    "clip": VOCABULARY,
    "lafite-clip": VOCABULARY,
    "attributes": "attribute_names, frequencies: training counts them in the data; here they are "
    "empty",
}
"""Network -> settings that follow from more than the dataset's classes and size."""
JUDGES = ("segmenter", "clip", "attributes")
SPLITS = ("train", "val")
"""Splits that a training opens."""
PARTS = tuple(part for spec in NETWORKS.values() for part in spec.parts)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to train, before anything is resolved."""

    model: str  # one of `trainable()`
    dataset: str
    preset: str = "tiny"
    stage: str | None = None  # of a cascade
    assignments: tuple[str, ...] = ()  # dotted overrides of the resolved configuration
    data_root: Path | None = None
    exclude: Path | None = None  # list of faulty items to leave out
    size: sizes.SizeChoice = sizes.SizeChoice()  # of the images; default: see `_image_size`
    resize: str = "none"  # how images of another shape get there, see `framing.frame`


@dataclass(frozen=True)
class Resolved:
    """What would be trained, for --dry-run."""

    settings: RunConfig[Any]
    notes: tuple[str, ...]  # which images are used at which size; which settings are not final


@dataclass(frozen=True)
class Plan:
    """A resolved training run."""

    task: Task | AdversarialTask
    training: TrainingConfig
    settings: RunConfig[Any]
    left_out: Mapping[str, Any] | None  # in quarantine, see `_left_out`; None: none is given
    items: Dataset | None  # example i of the task is item i of it; None: is no single item
    resize: str  # what the images underwent, see `framing.resize_of`
    images: str  # which images of a folder are used at which size, for whoever started the run
    split: Dataset  # that is trained on
    dataset: DatasetIdentity
    parts: tuple[Run, ...]  # networks that it is built on


def trainable() -> tuple[str, ...]:
    """Names that `Request.model` may take."""
    return (*GENERATORS, *PARTS, *JUDGES)


def check_name(model: str) -> None:
    """Raises ValueError: unknown; names the nearest one."""
    lookup(dict.fromkeys(trainable()), model, "model to train")


def plan(request: Request) -> Plan:
    """Resolve a request: presets, overrides, datasets.

    Raises:
        ValueError: unknown model, dataset, preset or key; settings that do not fit each other.
        FileNotFoundError: data or text-encoder weights are missing.
    """
    presets = _presets(request)
    splits = _open_splits(request, presets)
    settings = _settings(request, presets, splits[0])
    found: tuple[Run, ...] = ()
    items: Dataset | None = splits[0]
    if request.stage is not None:
        from reference_model.task import StageTask
        from reference_model.text import build_text_encoder

        config = settings.config
        task = StageTask(config, *splits, build_text_encoder(config.text))
    else:
        kind = KINDS[request.model]()
        if kind.given_part is not None:
            (name,) = NETWORKS[request.model].parts
            found = (
                find_run(name, identity_of(request), as_weights(kind.given_part(settings.config))),
            )
        task = kind.task(settings.config, *splits, *(run.folder for run in found))
        items = splits[0] if kind.examples_are_items else None
    return _planned(request, presets, splits, task, settings, items, *found)


def resolve(request: Request) -> Resolved:
    """What `plan` would train, by the dataset's classes and the size of its images: weights, images
    and captions are not read, of the images of a folder their sizes.

    Raises:
        ValueError: as `plan`.
        FileNotFoundError: a folder that is no dataset.
    """
    presets = _presets(request)
    if request.exclude is not None:
        check_excluded(request.dataset, request.exclude)
    size = image_size(request, presets)
    dataset = outline(request.dataset, size, data_root=request.data_root)
    require_shapes(
        request.dataset,
        size,
        splits=SPLITS,
        exclude=request.exclude,
        resize=request.resize,
    )
    settings = _settings(request, presets, dataset)
    note = OF_DATA.get(request.model)
    return Resolved(settings, (used_images(request, presets, dataset), *([note] if note else [])))


def refusal_here(training: TrainingConfig) -> str:
    """Why this machine could not train so; dry runs are made for other machines too."""
    try:
        processes.check_precision(training.precision)
    except ValueError as error:
        return f"note: {error}: train would refuse on this machine"
    return ""


def missing(request: Request) -> list[Missing]:
    """What `plan` would not find: data, networks that the network is built on, a text encoder.

    Raises:
        ValueError: as `plan`.
    """
    config = resolve(request).settings.config
    text = getattr(config, "text", None)
    parts: tuple[tuple[str, Weights], ...] = ()
    if request.stage is None and (given := KINDS[request.model]().given_part) is not None:
        parts = tuple((name, as_weights(given(config))) for name in NETWORKS[request.model].parts)
    encoders: tuple[tuple[str, Path | None], ...] = ()
    if text is not None and text.encoder == "t5":
        encoders = ((TEXT_ENCODER, None if text.path is None else Path(text.path)),)
    wanted = Wanted(parts=parts, published=encoders, preset=request.preset)
    return missing_for(request.dataset, wanted, data_root=request.data_root)


def identity_of(request: Request) -> DatasetIdentity:
    """See `catalog.dataset_identity`; items in quarantine belong to the dataset."""
    return dataset_identity(request.dataset, data_root=request.data_root)


def stages_of(model: str) -> tuple[str, ...]:
    """Stages that are trained one by one; none for a network that is trained as a whole."""
    return NETWORKS[model].stages if model in NETWORKS else ()


def run(
    request: Request,
    out: Path,
    *,
    resume: bool,
    progress: Progress,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train what `request` asks for into `out`; see `gcdp_bench.training.loop.train`.

    `say` is told which images are used at which size, and what should be known of captions and
    layouts, by the first of several processes.

    Raises:
        FloatingPointError: as there; the message has the ids of the batch's items.
    """
    resolved = plan(request)
    if processes.is_first():
        notes = (resolved.images, *training_notes(resolved.split)) if resolved.images else ()
        for line in (*map(str, resolved.parts), *notes):
            say(line)
    try:
        return train(
            resolved.task,
            resolved.training,
            out,
            resume=resume,
            progress=progress,
            part=request.stage or request.model,
            dataset=resolved.dataset.name,
            identity=resolved.dataset,
            left_out=resolved.left_out,
            resize=resolved.resize,
        )
    except Diverged as error:
        if resolved.items is None:
            raise
        ids = ", ".join(resolved.items[index].id for index in error.examples)
        raise FloatingPointError(f"{error}; ids of the batch's items: {ids}") from error


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
    return new_folder(request.model, identity_of(request), request.stage, resume=resume)


def _presets(request: Request) -> Mapping[str, Any]:
    """The network's presets, among which there is the one that is prompted.

    Raises:
        ValueError: unknown model, stage or preset.
    """
    check_name(request.model)
    stages = stages_of(request.model)
    if request.stage is not None and not stages:
        raise ValueError(f"stage: {request.model} has no stages; leave it out")
    if stages:
        from reference_model.presets import PRESETS

        lookup(dict.fromkeys(stages), request.stage or "none", "stage")
        presets: Mapping[str, Any] = PRESETS
    else:
        presets = KINDS[request.model]().presets
    lookup(presets, request.preset, "preset" if stages else f"{request.model} preset")
    return presets


def _settings(request: Request, presets: Mapping[str, Any], dataset: Dataset) -> RunConfig[Any]:
    """The resolved configuration: the preset, filled in from the dataset, and the overrides."""
    preset = presets[request.preset]
    if request.stage is None:
        return preset.resolve(dataset).overridden(request.assignments)
    from reference_model.presets import stage_config

    spec = GENERATORS[request.model]
    stage = stage_config(
        preset,
        request.stage,
        dataset,
        layouts=spec.makes_layouts,
        captions=spec.reads_captions,
    )
    part = preset.base if request.stage == "base" else preset.sr
    return RunConfig("stage", stage, part.training).overridden(request.assignments)


def _planned(
    request: Request,
    presets: Mapping[str, Any],
    splits: tuple[Dataset, Dataset],
    task: Task | AdversarialTask,
    settings: RunConfig[Any],
    items: Dataset | None,
    *parts: Run,
) -> Plan:
    images = used_images(request, presets, splits[0])
    left_out, resize = _left_out(splits), resize_of(splits[0])
    return Plan(
        task=task,
        training=settings.training,
        settings=settings,
        left_out=left_out,
        items=items,
        resize=resize,
        images=images,
        split=splits[0],
        dataset=identity_of(request),
        parts=parts,
    )


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
    """Items in quarantine by split: their number, and a digest of their ids in the split's order.

    A list that names no item of a split leaves a trace too; none is left where no list was given.
    """
    views = [split for split in splits if isinstance(split, Without)]
    return {
        view.split: {"num": len(view.left_out), "ids": digest(view.left_out)} for view in views
    } or None
