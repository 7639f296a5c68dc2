"""How long work reports what it does; the command line decides what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


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
