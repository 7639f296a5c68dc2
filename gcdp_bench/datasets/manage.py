"""The library behind `gcdp-bench data`: what is here, whether it is whole, and what it needs."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.datasets.registry import (
    DATA_ROOT_VARIABLE,
    DatasetSpec,
    dataset_names,
    dataset_spec,
    image_size_of,
    is_folder,
    num_items,
    open_dataset,
    open_faulty,
    resolve_data_root,
    splits_on_disk,
)

if TYPE_CHECKING:
    from gcdp_bench.core.progress import Progress
    from gcdp_bench.core.types import Dataset
    from gcdp_bench.datasets.check import CheckReport
    from gcdp_bench.datasets.opening import DiskFiles

NOT_GIVEN = "no folder is given:"
SPLITS = ("train", "val", "test")
USES = {
    "train": "train",
    "val": "train (to validate)",
    "test": "sweep (--protocol heldout), sample and score",
}
"""Split -> commands that need it."""
USUAL_SAMPLES = {
    "sweep": 500,
    "sample": 64,
    "analyze outpainting": 100,
    "analyze schedules": 100,
    "analyze samplers": 500,
    "analyze features": 48,
}
"""Command -> its usual `--num-samples` (`--num-images`); of a smaller split all are taken."""
LEAST_SAMPLES = 2  # of which there is a spread
WIDTH = 128  # at which datasets that are drawn when read are drawn here


@dataclass(frozen=True)
class Availability:
    """State of one registered dataset."""

    name: str
    summary: str
    places: str  # where it is looked for; empty for a procedural one
    counts: tuple[tuple[str, int], ...]  # items by split; faulty ones included
    problem: str | None  # why it cannot be opened

    @property
    def available(self) -> bool:
        """Whether all of its splits can be listed."""
        return self.problem is None


@dataclass(frozen=True)
class Samples:
    """Number of items that a command takes."""

    num: int
    note: str = ""  # why fewer than usual
    there: int | None = None  # of too few
    fault: str = ""  # why it cannot take so many


def available_datasets(data_root: Path | None) -> list[Availability]:
    """Every registered dataset, without reading an image or a layout.

    Args:
        data_root: `--data-root`; None: the environment variables.
    """
    return [available_dataset(name, data_root) for name in dataset_names()]


def available_dataset(name: str, data_root: Path | None) -> Availability:
    """One of them; nothing is written, the folder for merged layouts included.

    Raises:
        ValueError: unknown dataset.
    """
    try:
        spec = dataset_spec(name)
    except ValueError as error:
        if name not in dataset_names():
            raise
        return Availability(name, "", "", (), str(error))
    places = "" if spec.files is None else _places(spec.files, data_root)
    splits = SPLITS if spec.files is None else spec.files.splits
    counts, problem = [], None
    if places.startswith(NOT_GIVEN):
        return Availability(name, spec.summary, places, (), places)
    try:
        for split in splits:
            counts.append((split, _count(name, spec, split, data_root)))
    except (ValueError, OSError) as error:
        counts, problem = [], str(error)
    return Availability(name, spec.summary, places, tuple(counts), problem)


def check_files(
    name: str,
    *,
    data_root: Path | None,
    splits: Sequence[str] = (),
    partial: bool = False,
    progress: Progress,
) -> CheckReport:
    """Open every file of a dataset and list all faults; see `check_splits`.

    Args:
        name: a registered name, or a folder.
        data_root: `--data-root`; None: the environment variables.
        splits: only these; none: all.
        partial: do not expect the official number of items.
        progress: told of every item.

    Raises:
        ValueError: unknown dataset or split, or a dataset that has no files.
    """
    from gcdp_bench.datasets.check import check_splits

    known = splits_on_disk(name)
    for split in splits:
        if split not in known:
            raise ValueError(f"split: expected one of {', '.join(known)}, got {split!r}")
    opener = functools.partial(open_faulty, name, data_root=data_root)
    return check_splits(opener, splits or known, partial=partial, progress=progress)


def missing_for_commands(name: str, counts: Sequence[tuple[str, int]]) -> list[str]:
    """Parts that commands lack, with the remedy: splits, captions for their usual number.

    Args:
        name: a registered name, or a folder.
        counts: items of each split that is there.
    """
    known = dict(counts)
    if "all" in known:
        known = dict.fromkeys(SPLITS, known["all"])
        lacks = [
            f"{name} has no splits: train, val and test are the same {known['train']} images, "
            "nothing is held out"
        ]
    else:
        known |= {} if is_folder(name) else {"test": known.get("test", known.get("val", 0))}
        lacks = [
            f"the split {split} is missing; needed by {needed}"
            for split, needed in USES.items()
            if not known.get(split)
        ]
    if lacks and is_folder(name):
        lacks.append(f"make splits: gcdp-bench data split {name} --out {Path(name).name}-split")
    num = known.get("test", 0)
    lacks += [
        f"{command} takes all {num} captions of test, usually {usual}"
        for command, usual in list(USUAL_SAMPLES.items())[:2]
        if 0 < num < usual
    ]
    return lacks


def choose_samples(
    command: str,
    name: str,
    split: str,
    given: int | None,
    *,
    data_root: Path | None,
    exclude: Path | None = None,
) -> Samples:
    """Number of items that a command takes of a split: the given one, else the usual one or all.

    Args:
        command: of `USUAL_SAMPLES`.
        name: a registered name, or a folder; of one whose files are not there nothing is known.
        split: whose items are taken.
        given: `--num-samples`; None: the command's usual number.
        data_root: `--data-root`; None: the environment variable.
        exclude: list of items to leave out.
    """
    usual = USUAL_SAMPLES[command]
    try:
        there = num_items(name, split, data_root=data_root, exclude=exclude)
    except FileNotFoundError:
        return Samples(usual if given is None else given)
    if given is None and LEAST_SAMPLES <= there < usual:
        return Samples(there, note=f"{split} split has {there} images: {there} samples per point")
    num = usual if given is None else given
    if there < num:
        fault = f"expected at most {there} (captions of {name} {split}), got {num}"
        more = f"lower --num-samples to {there}" if there >= LEAST_SAMPLES else "add images"
        return Samples(num, there=there, fault=f"num_samples: {fault}; {more}")
    return Samples(num)


def open_split(name: str, split: str, *, data_root: Path | None) -> Dataset:
    """A split for looking at its layouts and captions, of no particular image size or shape.

    Raises:
        ValueError, FileNotFoundError: as `open_dataset`.
    """
    size = image_size_of(name, WIDTH)
    return open_dataset(name, split, size=size, data_root=data_root, resize="stretch")


def prepare_files(
    name: str, *, data_root: Path | None, cache: Path | None, progress: Progress
) -> int:
    """Make the files that a dataset needs and that are not there yet.

    Args:
        name: a registered name.
        data_root: `--data-root`; None: the environment variables.
        cache: folder for them; None: beside the data.
        progress: told of every file.

    Returns:
        How many were made.

    Raises:
        ValueError: unknown dataset, one that needs nothing, or a file that cannot be read.
        FileNotFoundError: its files are not there.
        OSError: the folder cannot be written.
    """
    files = dataset_spec(name).files
    if files is None or files.prepare is None:
        raise ValueError(f"{name}: nothing to prepare; it is used as it lies on disk")
    return files.prepare(resolve_data_root(data_root), cache, progress)


def _count(name: str, spec: DatasetSpec, split: str, data_root: Path | None) -> int:
    if spec.files is not None:
        return len(open_faulty(name, split, data_root=data_root))
    return len(open_split(name, split, data_root=data_root))


def _places(files: DiskFiles, data_root: Path | None) -> str:
    root = resolve_data_root(data_root)
    if root is None and files.variable is not None:
        variable = os.environ.get(files.variable)
        root = Path(variable) if variable else None
    below = f"{{{', '.join(files.folders)}}}"
    if root is not None:
        return f"{root} and {root}/{below}"
    variables = (DATA_ROOT_VARIABLE, files.variable) if files.variable else (DATA_ROOT_VARIABLE,)
    return f"{NOT_GIVEN} --data-root or {' or '.join(variables)}"
