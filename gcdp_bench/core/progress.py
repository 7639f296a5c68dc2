"""Progress of long work; the command line decides how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from gcdp_bench.io.locks import exclusive


class Progress(Protocol):
    """Receives the state of a long job."""

    def start(self, task: str, total: int, *, done: int = 0, unit: str = "it") -> None:
        """A job of `total` units begins, `done` of which are finished already."""
        ...

    def advance(self, amount: int = 1, *, values: Mapping[str, float] | None = None) -> None:
        """`amount` units of the current job are done; `values` are shown beside the bar."""
        ...

    def finish(self) -> None:
        """The current job is done."""
        ...


class Silent:
    """Shows nothing."""

    def start(self, task: str, total: int, *, done: int = 0, unit: str = "it") -> None:
        """See `Progress.start`."""

    def advance(self, amount: int = 1, *, values: Mapping[str, float] | None = None) -> None:
        """See `Progress.advance`."""

    def finish(self) -> None:
        """See `Progress.finish`."""


def claim(
    path: Path, task: str, progress: Progress, *, wait: bool = True
) -> AbstractContextManager[bool]:
    """Claim a piece of work for this process, of all that share a folder; see `locks.exclusive`.

    Args:
        path: that stands for the work.
        task: what it is, shown while another process is waited for.
        progress: told of a wait.
        wait: while another process holds the claim; False: the manager yields False then.
    """

    def waiting() -> None:
        progress.start(f"wait for another process: {task}", 1, unit="task")

    return exclusive(path, wait=wait, waiting=waiting)
