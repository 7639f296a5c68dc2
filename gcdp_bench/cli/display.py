"""Progress bars: what is done, how fast, how long is left."""

from __future__ import annotations

import time
from collections.abc import Mapping
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

from gcdp_bench.texts import one_line

if TYPE_CHECKING:
    import pandas as pd

    from gcdp_bench.protocols import Dataset

PLAIN_LINES = 10  # without a terminal: so many lines per job
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
    """`gcdp_bench.progress.Progress` on a terminal, or plain lines when there is none."""

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
    """A table of text columns on stdout, as wide as it needs to be when that is not a terminal."""
    shown = Table(box=SIMPLE_HEAD)
    for place, name in enumerate(table.columns):
        shown.add_column(Text(name), justify="left" if place < 2 else "right")
    for line in table.astype(str).itertuples(index=False):
        shown.add_row(*(Text(one_line(str(cell))) for cell in line))
    console = Console()
    if not console.is_terminal:
        unbounded = console.options.update(max_width=UNBOUNDED)
        console = Console(width=Measurement.get(console, unbounded, shown).maximum)
    console.print(shown)


def say_size(dataset: Dataset) -> None:
    """A line that says at which size a dataset's images are used, if that is not their own."""
    from gcdp_bench.datasets.sizes import used_images

    if line := used_images(dataset):
        click.echo(line, err=True)
