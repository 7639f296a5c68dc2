"""Progress bars: what is done, how fast, how long is left."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from gcdp_bench.io.validation import one_line

if TYPE_CHECKING:
    import pandas as pd

    from gcdp_bench.core.types import Dataset

PLAIN_LINES = 10  # without a terminal: so many lines per job
HEADING_CHARS = 15  # of a line of a heading, where a table does not fit the terminal
UNBOUNDED = 10_000  # characters, more than any table has


def speed_text(units_per_sec: float, unit: str) -> str:
    """Units per second, or seconds per unit where that is slow."""
    if units_per_sec < 1:
        return f"{1 / units_per_sec:.1f} s/{unit}"
    return f"{units_per_sec:.1f} {unit}/s"


class SpeedColumn(ProgressColumn):
    """Speed of the last seconds, empty before it is known."""

    def render(self, task) -> Text:
        """See `ProgressColumn.render`."""
        return Text(speed_text(task.speed, task.fields["unit"]) if task.speed else "")


class PlainLines:
    """A job in lines of text: what is done, how fast, how long is left."""

    def __init__(self, console: Console, task: str, total: int, done: int, unit: str):
        self._console, self._task, self._unit = console, task, unit
        self._total, self._done, self._first = total, done, done
        self._started = time.monotonic()
        self._print("")

    def advance(self, amount: int, values: str) -> None:
        """Print a line whenever another tenth of the job is done."""
        before = self._tenths()
        self._done += amount
        if self._tenths() > before:
            self._print(values)

    def _tenths(self) -> int:
        return PLAIN_LINES * self._done // max(1, self._total)

    def _print(self, values: str) -> None:
        parts = [f"{self._task}: {self._done}/{self._total} {self._unit}"]
        elapsed, gained = time.monotonic() - self._started, self._done - self._first
        if gained and elapsed > 0:
            left_sec = round((self._total - self._done) * elapsed / gained)
            parts.append(speed_text(gained / elapsed, self._unit))
            parts.append(f"{timedelta(seconds=left_sec)} left")
        parts.append(values)
        self._console.print("  ".join(part for part in parts if part), soft_wrap=True, markup=False)


class Display:
    """`gcdp_bench.core.progress.Progress` on a terminal, or plain lines when there is none."""

    def __init__(self, console: Console | None = None):
        self.console = console or Console(stderr=True)
        self._bars: RichProgress | None = None
        self._job = TaskID(0)
        self._lines: PlainLines | None = None

    def start(self, task: str, total: int, *, done: int = 0, unit: str = "it") -> None:
        """See `Progress.start`."""
        self.finish()
        if not self.console.is_terminal:
            self._lines = PlainLines(self.console, task, total, done, unit)
            return
        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            SpeedColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[values]}"),
            console=self.console,
        )
        self._bars.start()
        self._job = self._bars.add_task(task, total=total, completed=done, unit=unit, values="")

    def advance(self, amount: int = 1, *, values: Mapping[str, float] | None = None) -> None:
        """See `Progress.advance`."""
        text = "  ".join(f"{name} {value:.4g}" for name, value in (values or {}).items())
        if self._bars is not None:
            self._bars.update(self._job, advance=amount, values=text)
        if self._lines is not None:
            self._lines.advance(amount, text)

    def finish(self) -> None:
        """See `Progress.finish`."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._lines = None


def print_summary(table: pd.DataFrame) -> None:
    """A table of text columns on stdout.

    It is as wide as it needs to be where stdout is no terminal. A terminal that is too narrow gets
    the table in parts below each other, lines numbered: as many columns as fit, in their order.
    """
    console = Console()
    first = list(table.columns[:2])

    def part(names: Sequence[str]) -> Table:
        return _rich(table[list(names)], first)

    def fits(names: Sequence[str]) -> bool:
        return _width(part(names), console) <= console.width

    if not console.is_terminal:
        console = Console(width=_width(part(list(table.columns)), console))
    if fits(list(table.columns)):
        console.print(part(list(table.columns)))
        return
    rest = list(table.columns)
    folded = {name: _folded(name) for name in rest}
    rest, first = list(folded.values()), [folded[name] for name in first]
    table = table.rename(columns=folded)
    table = table.assign(**{"#": [f"{place}" for place in range(1, len(table) + 1)]})
    while rest:
        num = max([1, *(num for num in range(1, len(rest) + 1) if fits(["#", *rest[:num]]))])
        console.print(part(["#", *rest[:num]]))
        rest = rest[num:]


def _folded(heading: str) -> str:
    """A heading in short lines; signs stay with the word before them."""
    for sign in ("%", "\u2193", "\u2191"):
        heading = heading.replace(f" {sign}", f"\u00a0{sign}")
    return textwrap.fill(heading, HEADING_CHARS, break_on_hyphens=False)


def _rich(table: pd.DataFrame, on_the_left: Sequence[str]) -> Table:
    """The table for a terminal; what is too long for it goes on in the next line."""
    shown = Table(box=SIMPLE_HEAD)
    for name in table.columns:
        justify = "left" if name in on_the_left else "right"
        shown.add_column(Text(name), justify=justify, overflow="fold")
    for line in table.astype(str).itertuples(index=False):
        shown.add_row(*(Text(one_line(str(cell))) for cell in line))
    return shown


def _width(table: Table, console: Console) -> int:
    """Characters that a line needs."""
    return Measurement.get(console, console.options.update(max_width=UNBOUNDED), table).maximum


def say_size(dataset: Dataset) -> None:
    """A line that says at which size a dataset's images are used, if that is not their own."""
    from gcdp_bench.datasets.sizes import used_images

    if line := used_images(dataset):
        click.echo(line, err=True)
