"""Integrity of a dataset on disk: every file of every split opened, all faults in one list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from gcdp_bench.core.images import Size
from gcdp_bench.core.progress import Progress, Silent
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Dataset, Fault
from gcdp_bench.datasets.disk import DiskDataset, LayoutFiles, template_note_of
from gcdp_bench.datasets.framing import other_splits, usual_native
from gcdp_bench.datasets.inspection import WHOLE_SPLIT
from gcdp_bench.datasets.proportions import (
    Proportions,
    class_proportions,
    count_unnamed,
    unnamed_note,
)

MAX_LOOKED_AT = 64
"""Items of a training split whose layouts are read before the training."""


@dataclass(frozen=True)
class CheckReport:
    """Results of a check."""

    num_items: int  # over all splits
    faults: tuple[tuple[str, Fault], ...]  # (split, fault)
    notes: tuple[str, ...] = ()  # what is no fault, but should be known
    counts: tuple[tuple[str, int], ...] = ()  # items of each split that could be listed

    @property
    def of_items(self) -> tuple[tuple[str, Fault], ...]:
        """Faults that go away when their items are left out."""
        return tuple((split, fault) for split, fault in self.faults if fault.id != WHOLE_SPLIT)


def check_splits(
    open_split: Callable[[str], DiskDataset],
    splits: Sequence[str],
    *,
    partial: bool = False,
    progress: Progress,
) -> CheckReport:
    """Inspect splits one after the other. A fault is reported and never raised; a split that cannot
    be listed at all is one fault.

    Splits whose images have different shapes are a fault. In a dataset of no official size (a
    folder) a class that captions name and no layout of any split holds is one too.

    Args:
        open_split: opens a split with `strict=False`.
        splits: names of splits.
        partial: the data are known to be a part of the dataset, so their number is not checked,
            and a class without a layout is a note.
        progress: told of every item.
    """
    counts: dict[str, int] = {}
    faults: dict[tuple[str, str], tuple[str, Fault]] = {}  # by file and problem, the first split
    notes: list[str] = []
    templates: dict[str, list[str]] = {}  # splits by what is said of their template
    held: Proportions | None = None
    place = ""
    shapes: dict[str, Size] = {}  # of most images of each split

    def report(split: str, fault: Fault) -> None:
        faults.setdefault((fault.file, fault.problem), (split, fault))

    for split in splits:
        try:
            dataset = open_split(split)
        except (ValueError, OSError) as error:
            report(split, _of_message(str(error)))
            continue
        counts[split], place = len(dataset), dataset.name
        if (size := usual_native(dataset)) is not None:
            shapes[split] = size
        expected = dataset.official_count
        if not partial and expected is not None and len(dataset) != expected:
            problem = (
                f"expected {expected} items, got {len(dataset)}; complete the files, or say "
                "--partial if they are a part"
            )
            report(split, Fault(WHOLE_SPLIT, f"{dataset.name} {split}", problem))
        progress.start(f"check {split}", len(dataset), unit="item")
        faulty = set()
        for name, found in dataset.inspect():
            for fault in found:
                report(split, fault)
                faulty.add(name)
            progress.advance()
        progress.finish()
        notes.append(f"{split}: {unnamed_note(*count_unnamed(dataset))}")
        if note := template_note_of(dataset):
            templates.setdefault(note, []).append(split)
        if expected is None:
            part = _sound_proportions(dataset, faulty)
            held = part if held is None or part is None else held + part
    notes += [f"{', '.join(of)}: {note}" for note, of in templates.items()]
    if sentence := other_splits(shapes):
        report("all", Fault(WHOLE_SPLIT, place, sentence))
    for sentence in [] if held is None else held.missing():
        if partial:
            notes.append(sentence)
        else:
            report("all", Fault(WHOLE_SPLIT, place, sentence))
    if held is not None and (note := held.ignored_note()):
        notes.append(note)
    return CheckReport(
        sum(counts.values()), tuple(faults.values()), tuple(notes), tuple(counts.items())
    )


def training_notes(dataset: Dataset) -> list[str]:
    """Warnings about a split before a network is trained with it.

    Layouts are read for a dataset of files of no official size alone, of a sample of its items.
    """
    num, of = count_unnamed(dataset)
    notes = [f"{dataset.name} {dataset.split}: {unnamed_note(num, of)}"]
    if template := template_note_of(dataset):
        notes.append(template)
    if not isinstance(dataset, LayoutFiles) or getattr(dataset, "official_count", None) is not None:
        return notes
    draw = generator("looked at", dataset.split, len(dataset))
    indices = torch.randperm(len(dataset), generator=draw)[:MAX_LOOKED_AT].sort().values.tolist()
    held = class_proportions(dataset, Silent(), indices=indices)
    notes += [
        f"warning: {sentence}"
        for sentence in (*held.missing(), held.ignored_note() or "")
        if sentence
    ]
    return notes


def _sound_proportions(dataset: DiskDataset, faulty: set[str]) -> Proportions | None:
    """Class proportions of the items without a fault; None: there are no such items."""
    indices = [index for index, name in enumerate(dataset.ids) if name not in faulty]
    try:
        return class_proportions(dataset, Silent(), indices=indices)
    except (ValueError, OSError):
        return None


def _of_message(message: str) -> Fault:
    file, separator, problem = message.partition(": ")
    return Fault(WHOLE_SPLIT, file, problem) if separator else Fault(WHOLE_SPLIT, "", message)
