"""The work of a sweep in pieces.

A job says what is to be done by names and numbers alone, so that any process that has the same
files can do it. Its output lies in the results folder; doing it again does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["real", "renew", "sample", "score", "sample and score", "costs"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work; `points.WORK` has the function of each kind.

    - "real": rows of real images;
    - "renew": rows whose metrics have another definition now;
    - "sample": samples of some captions of a point;
    - "score": rows of a point whose samples are there;
    - "sample and score": both, where the machines that work share no folder;
    - "costs": what a model and its samples cost.
    """

    kind: Kind
    model: str | None = None  # None: of no model
    guidance: float = 1.0  # value of the sampling parameter
    seed: int = 0
    captions: range = range(0)  # places of the captions
    values: tuple[float, ...] = ()  # of the sampling parameter, of costs
    metrics: tuple[str, ...] = ()  # to renew, with the old and the new version

    @property
    def num_drawn(self) -> int:
        """How many samples it draws."""
        return len(self.captions) if self.kind in ("sample", "sample and score") else 0

    def __str__(self) -> str:
        point = f"{self.model} at {self.guidance:g}, seed {self.seed}"
        return {
            "real": "real images",
            "renew": f"rows of older definitions: {', '.join(self.metrics)}",
            "sample": f"samples {self.captions.start} to {self.captions.stop - 1} of {point}",
            "score": f"scores of {point}",
            "sample and score": point,
            "costs": f"costs of {self.model}",
        }[self.kind]


Chain = Iterator[Sequence[Job]]
"""Stages of jobs. The jobs of one stage can be done at the same time, in any order; the next stage
is asked for when all of them are done, so that it may depend on their rows. A job that stages of
several chains name is done once.
"""


def once(*jobs: Job) -> Chain:
    """A chain of one stage."""
    yield jobs
