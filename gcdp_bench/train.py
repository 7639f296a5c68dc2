"""Train by name: the cascades, and the networks that judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gcdp_bench.catalog import GENERATORS, image_size_of, lookup, open_dataset
from gcdp_bench.config import digest, override
from gcdp_bench.datasets.views import Without
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import Dataset
from gcdp_bench.training.loop import TrainingConfig, train
from gcdp_bench.training.task import Task

JUDGES = ("segmenter", "clip", "attributes")
STAGES = ("base", "sr")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to train, before anything is resolved."""

    model: str  # a generator of the catalog, or a judge
    dataset: str
    preset: str = "tiny"
    stage: str = "base"  # generators only
    assignments: tuple[str, ...] = ()  # dotted overrides of the resolved configuration
    data_root: Path | None = None
    quarantine: Path | None = None  # list of faulty items to leave out


@dataclass(frozen=True)
class Plan:
    """A resolved training run."""

    task: Task
    training: TrainingConfig
    config: Any  # the resolved configuration, for --dry-run
    left_out: Mapping[str, Any] | None  # in quarantine, see `_left_out`; None: none is given


def trainable() -> tuple[str, ...]:
    """Names that `Request.model` may take."""
    return (*GENERATORS, *JUDGES)


def plan(request: Request) -> Plan:
    """Resolve a request: presets, overrides, datasets.

    Raises:
        ValueError: unknown model, dataset, preset or key; settings that do not fit each other.
        FileNotFoundError: data or text-encoder weights are missing.
    """
    lookup(dict.fromkeys(trainable()), request.model, "model to train")
    if request.model == "segmenter":
        return _plan_segmenter(request)
    if request.model == "clip":
        return _plan_clip(request)
    if request.model == "attributes":
        return _plan_attributes(request)
    return _plan_stage(request)


def run(request: Request, out: Path, *, resume: bool, progress: Progress) -> Path:
    """Train what `request` asks for into `out`; see `gcdp_bench.training.loop.train`."""
    resolved = plan(request)
    return train(
        resolved.task,
        resolved.training,
        out,
        resume=resume,
        progress=progress,
        left_out=resolved.left_out,
    )


def default_out(request: Request) -> Path:
    """runs/MODEL/DATASET, with one folder per stage for a cascade."""
    folder = Path("runs") / request.model / Path(request.dataset).name
    return folder if request.model in JUDGES else folder / request.stage


def _plan_stage(request: Request) -> Plan:
    from reference_model.presets import PRESETS, StageRun, stage_config
    from reference_model.task import StageTask
    from reference_model.text import build_text_encoder

    preset = lookup(PRESETS, request.preset, "preset")
    lookup(dict.fromkeys(STAGES), request.stage, "stage")
    splits = _open_splits(request, preset.width)
    part = preset.base if request.stage == "base" else preset.sr
    layouts = GENERATORS[request.model].makes_layouts
    stage = stage_config(preset, request.stage, splits[0], layouts=layouts)
    config = override(StageRun(stage=stage, training=part.training), _full_keys(request))
    task = StageTask(config.stage, *splits, build_text_encoder(config.stage.text))
    return Plan(task, config.training, config, _left_out(splits))


def _plan_segmenter(request: Request) -> Plan:
    from gcdp_bench.extractors.segmenter_training import (
        SEGMENTER_PRESETS,
        SegmenterRun,
        SegmenterTask,
    )

    preset = lookup(SEGMENTER_PRESETS, request.preset, "segmenter preset")
    splits = _open_splits(request, preset.width)
    config = override(preset.resolve(splits[0]), _full_keys(request))
    assert isinstance(config, SegmenterRun)
    return Plan(
        SegmenterTask(config.segmenter, *splits), config.training, config, _left_out(splits)
    )


def _plan_clip(request: Request) -> Plan:
    from gcdp_bench.extractors.clip_training import CLIP_PRESETS, ClipRun, ClipTask

    preset = lookup(CLIP_PRESETS, request.preset, "clip preset")
    splits = _open_splits(request, preset.width)
    config = override(preset.resolve(splits[0]), _full_keys(request))
    assert isinstance(config, ClipRun)
    return Plan(ClipTask(config.clip, *splits), config.training, config, _left_out(splits))


def _plan_attributes(request: Request) -> Plan:
    from gcdp_bench.extractors.attributes_training import (
        ATTRIBUTES_PRESETS,
        AttributesRun,
        AttributesTask,
    )

    preset = lookup(ATTRIBUTES_PRESETS, request.preset, "attributes preset")
    splits = _open_splits(request, preset.width)
    config = override(preset.resolve(splits[0]), _full_keys(request))
    assert isinstance(config, AttributesRun)
    return Plan(
        AttributesTask(config.attributes, *splits), config.training, config, _left_out(splits)
    )


def _open_splits(request: Request, width: int) -> tuple[Dataset, Dataset]:
    size = image_size_of(request.dataset, width, quarantine=request.quarantine)
    train_split, validation_split = (
        open_dataset(
            request.dataset,
            split,
            size=size,
            data_root=request.data_root,
            quarantine=request.quarantine,
        )
        for split in ("train", "val")
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


def _full_keys(request: Request) -> Sequence[str]:
    """Let `steps=100` stand for `training.steps=100`: a key without a dot is of the training."""
    return [a if "." in a.partition("=")[0] else f"training.{a}" for a in request.assignments]
