"""The work of a sweep in pieces, and who does them.

A job says what is to be done by names and numbers alone, so that any process that has the same
files can do it. What it makes lies in the results folder; doing it again does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Real:
    """Rows of real images."""

    num_images: int

    def __str__(self) -> str:
        return "real images"


@dataclass(frozen=True)
class Renew:
    """Rows whose metrics have another definition now."""

    metrics: tuple[str, ...]  # with the old and the new version
    num_images: int = 0

    def __str__(self) -> str:
        return f"rows of older definitions: {', '.join(self.metrics)}"


@dataclass(frozen=True)
class Draw:
    """Samples of some captions of a point."""

    model: str
    guidance: float
    seed: int
    start: int  # first caption
    stop: int  # after the last one

    @property
    def num_images(self) -> int:
        """How many samples."""
        return self.stop - self.start

    def __str__(self) -> str:
        return (
            f"samples {self.start} to {self.stop - 1} of {self.model}, "
            f"guidance {self.guidance:g}, seed {self.seed}"
        )


@dataclass(frozen=True)
class Score:
    """Rows of a point whose samples are there."""

    model: str
    guidance: float
    seed: int
    num_images: int

    def __str__(self) -> str:
        return f"scores of {self.model}, guidance {self.guidance:g}, seed {self.seed}"


@dataclass(frozen=True)
class Measure:
    """Samples and rows of a point, where the machines that work share no folder."""

    model: str
    guidance: float
    seed: int
    num_images: int

    def __str__(self) -> str:
        return f"{self.model}, guidance {self.guidance:g}, seed {self.seed}"


@dataclass(frozen=True)
class Count:
    """What a model and its samples cost."""

    model: str
    values: tuple[float, ...]  # of its sampling parameter
    num_images: int = 0

    def __str__(self) -> str:
        return f"costs of {self.model}"


Job = Real | Renew | Draw | Score | Measure | Count
Chain = Iterator[Sequence[Job]]
"""Stages of jobs. The jobs of one stage can be done at the same time, in any order; the next stage
is prompted when all of them are done, so that it may depend on their rows. A job that stages of
several chains name is done once.
"""


class Doing(Protocol):
    """What does jobs: see `bench.Bench.do`."""

    def __call__(self, job: Job, *, wait: bool) -> Path | None:
        """Do a job; the file that proves it done. None: another process is doing it."""
        ...


class Scheduler(Protocol):
    """Decides where and when jobs are done."""

    def run(self, chains: Iterable[Chain], do: Doing) -> None:
        """Do the jobs of all chains.

        Args:
            chains: independent of each other but for the jobs that they share.
            do: does a job in this process.
        """
        ...


class InProcess:
    """One job after the other, in this process."""

    def run(self, chains: Iterable[Chain], do: Doing) -> None:
        """See `Scheduler.run`; jobs that another process is doing come last in their stage."""
        done: set[Job] = set()
        for chain in chains:
            for stage in chain:
                new = [job for job in stage if job not in done]
                for job in [job for job in new if do(job, wait=False) is None]:
                    do(job, wait=True)
                done.update(new)


def once(*jobs: Job) -> Chain:
    """A chain of one stage."""
    yield jobs
