"""Tables of `gcdp-bench data`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gcdp_bench.core.types import IGNORE_ID
from gcdp_bench.io.validation import one_line

if TYPE_CHECKING:
    from gcdp_bench.core.types import Fault
    from gcdp_bench.datasets.check import CheckReport
    from gcdp_bench.datasets.manage import Availability
    from gcdp_bench.datasets.proportions import Proportions

MAX_WIDTH = 10_000  # characters, where no terminal limits a line


def availability_table(entries: Iterable[Availability]) -> Table:
    """Datasets, whether they are here, their items and where they are looked for."""
    table = Table("dataset", "here", "items", "what it is", "looked for in", box=SIMPLE_HEAD)
    for entry in entries:
        items = ", ".join(f"{num} {split}" for split, num in entry.counts)
        table.add_row(
            entry.name,
            "yes" if entry.available else "no",
            items or "-",
            entry.summary,
            escape(entry.places) or "drawn when read",
        )
    return table


def fault_table(report: CheckReport) -> Table:
    """All faults; the id of one that is not of an item is "*".

    Faults that differ only by the item are one row, with the file and the problem of the first.
    """
    table = Table("split", "id", box=SIMPLE_HEAD)
    for name in ("file", "problem"):
        table.add_column(name, overflow="fold")
    alike: dict[tuple[str, str, str], list[Fault]] = {}
    for split, fault in report.faults:
        alike.setdefault((split, *_without_item(fault)), []).append(fault)
    for (split, *_), faults in alike.items():
        first = faults[0]
        name = f"{len(faults)} items, first: {first.id}" if len(faults) > 1 else first.id
        cells = (split, name, first.file, first.problem)
        table.add_row(*(escape(one_line(text)) for text in cells))
    return table


def _without_item(fault: Fault) -> tuple[str, str]:
    """File and problem without what is of the item: its id, and the colours of its layout."""
    path = Path(fault.file)
    file = str(path.with_name(path.name.replace(fault.id, "*"))) if path.name else ""
    problem = fault.problem
    for own in filter(None, (fault.file, path.name, repr(fault.id))):
        problem = problem.replace(own, "*")
    return file, re.sub(r'"colours": \{[^}]*\}', '"colours"', problem)


def proportion_table(proportions: Proportions) -> Table:
    """Classes with their share of pixels and of images in percent, the captions that name them and
    the share of ignored pixels in the images of those captions; ignored pixels in the last line.
    """
    table = Table("id", "class", box=SIMPLE_HEAD)
    for name in ("% of pixels", "% of images", "images", "captions", "% ignored"):
        table.add_column(name, justify="right")
    shares = zip(
        proportions.class_names,
        proportions.pixel_share,
        proportions.num_images,
        proportions.num_captions,
        strict=True,
    )
    for index, (name, share, num, captions) in enumerate(shares):
        images = 100 * num / proportions.num_items
        ignored = f"{100 * proportions.ignored_with(index):.2f}" if captions else "-"
        table.add_row(
            str(index),
            escape(one_line(name)),
            f"{100 * share:.2f}",
            f"{images:.1f}",
            str(num),
            str(captions),
            ignored,
        )
    share = f"{100 * proportions.ignored_share:.2f}"
    table.add_row(str(IGNORE_ID), "(ignored)", "-", "-", "-", "-", share)
    return table


def print_table(table: Table) -> None:
    """Print on stdout; where that is not a terminal, one line an entry, as wide as it is."""
    console = Console()
    if not console.is_terminal:
        unbounded = Console(width=MAX_WIDTH)
        console = Console(width=unbounded.measure(table).maximum)
    console.print(table)
