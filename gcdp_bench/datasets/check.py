"""Integrity of a dataset on disk: every file of every split opened, all faults in one list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gcdp_bench.datasets.disk import DiskDataset
from gcdp_bench.datasets.inspection import WHOLE_SPLIT
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import Fault


@dataclass(frozen=True)
class CheckReport:
    """What a check found."""

    num_items: int  # over all splits
    faults: tuple[tuple[str, Fault], ...]  # (split, fault)

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

    Args:
        open_split: opens a split with `strict=False`.
        splits: names of splits.
        partial: the data are known to be a part of the dataset, so their number is not checked.
        progress: told of every item.
    """
    num_items = 0
    faults: dict[tuple[str, str], tuple[str, Fault]] = {}  # by file and problem, the first split

    def report(split: str, fault: Fault) -> None:
        faults.setdefault((fault.file, fault.problem), (split, fault))

    for split in splits:
        try:
            dataset = open_split(split)
        except (ValueError, OSError) as error:
            report(split, _of_message(str(error)))
            continue
        num_items += len(dataset)
        expected = dataset.official_count
        if not partial and expected is not None and len(dataset) != expected:
            problem = f"expected {expected} items, got {len(dataset)}; complete the files, or say "\
                      "--partial if they are a part"  # fmt: skip
            report(split, Fault(WHOLE_SPLIT, f"{dataset.name} {split}", problem))
        progress.start(f"check {split}", len(dataset), unit="item")
        for _, found in dataset.inspect():
            for fault in found:
                report(split, fault)
            progress.advance()
        progress.finish()
    return CheckReport(num_items, tuple(faults.values()))


def _of_message(message: str) -> Fault:
    file, separator, problem = message.partition(": ")
    return Fault(WHOLE_SPLIT, file, problem) if separator else Fault(WHOLE_SPLIT, "", message)
