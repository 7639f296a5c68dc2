"""Progress bars: what is done, how fast, how long is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

PLAIN_EVERY = 0.1  # without a terminal: one line per tenth of a job


class SpeedColumn(ProgressColumn):
    """Units per second."""

    def render(self, task) -> Text:
        """Speed of the last seconds, empty before it is known."""
        if not task.speed:
            return Text("")
        unit = task.fields["unit"]
        slow = task.speed < 1
        return Text(f"{1 / task.speed:.1f} s/{unit}" if slow else f"{task.speed:.1f} {unit}/s")


class Display:
    """`gcdp_bench.progress.Progress` on a terminal, or plain lines when there is none."""

    def __init__(self, console: Console | None = None):
        self.console = console or Console(stderr=True)
        self._bars: RichProgress | None = None
        self._job, self._total, self._done, self._next = None, 0, 0, 0.0
        self._name = ""

    def start(self, task: str, total: int, *, done: int = 0, unit: str = "it") -> None:
        """See `Progress.start`."""
        self.finish()
        self._name, self._total, self._done, self._next = task, total, done, PLAIN_EVERY
        if not self.console.is_terminal:
            self.console.print(f"{task}: {done}/{total} {unit}")
            return
        self._bars = RichProgress(
            TextColumn("{task.description}"),
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
        self._done += amount
        text = "  ".join(f"{name} {value:.4g}" for name, value in (values or {}).items())
        if self._bars is not None and self._job is not None:
            self._bars.update(self._job, advance=amount, values=text)
        elif self._total and self._done / self._total >= self._next:
            self._next += PLAIN_EVERY
            self.console.print(
                f"{self._name}: {self._done}/{self._total}  {text}".rstrip(), soft_wrap=True
            )

    def finish(self) -> None:
        """See `Progress.finish`."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._job = None


def print_summary(table: pd.DataFrame) -> None:
    """A table of text columns on stdout, as wide as it needs to be when that is not a terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    shown = Table(box=SIMPLE_HEAD)
    for place, name in enumerate(table.columns):
        shown.add_column(name, justify="left" if place < 2 else "right")
    for line in table.astype(str).itertuples(index=False):
        shown.add_row(*line)
    console.print(shown)
