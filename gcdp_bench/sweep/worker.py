"""Processes of a cluster: workers, and the actor to which they report."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.core.progress import Silent
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.results.object_store import open_store
from gcdp_bench.results.sync import synchronise
from gcdp_bench.sweep.config import Paths, SweepConfig
from gcdp_bench.sweep.jobs import Job
from gcdp_bench.sweep.points import WORK, claim
from gcdp_bench.sweep.shared import Sweep

if TYPE_CHECKING:
    from ray.actor import ActorHandle


@dataclass(frozen=True, kw_only=True)
class WorkerSpec:
    """Inputs of a worker; relative paths are seen from `folder`."""

    config: SweepConfig
    paths: Paths
    extractors: ExtractorRequest
    folder: Path  # in which the command was given
    store: str | None = None  # URL, if the results lie in one; a machine has its own local copy


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Of one worker."""

    num_cpus: float = 1.0  # and so many threads
    num_gpus: float = 0.0

    def __post_init__(self):
        if self.num_cpus <= 0 or self.num_gpus < 0:
            raise ValueError(
                "expected more than 0 CPUs and at least 0 GPUs per task, got "
                f"{self.num_cpus:g} and {self.num_gpus:g}"
            )

    def room(self, node: Mapping[str, float]) -> int:
        """How many workers a node with these resources can hold."""
        room = node.get("CPU", 0.0) // self.num_cpus
        if self.num_gpus:
            room = min(room, node.get("GPU", 0.0) // self.num_gpus)
        return int(room)


class ProgressActor:
    """An actor that knows how many samples of every job are there, and what workers warn of."""

    def __init__(self):
        self._num_images: Counter[int] = Counter()
        self._warnings: list[str] = []

    def add(self, number: int, amount: int) -> None:
        """Job `number` has `amount` samples more."""
        self._num_images[number] += amount

    def forget(self, number: int) -> None:
        """The job is begun anew."""
        del self._num_images[number]

    def warn(self, text: str) -> None:
        """To be shown once."""
        self._warnings.append(text)

    def read(self) -> tuple[int, list[str]]:
        """Samples of all jobs, and warnings since the last time."""
        warnings, self._warnings = self._warnings, []
        return self._num_images.total(), warnings


class Forwarded(logging.Handler):
    """Warnings of a worker, sent to the `ProgressActor`."""

    def __init__(self, tracker: ActorHandle):
        super().__init__(logging.WARNING)
        self._tracker = tracker

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        self._tracker.warn.remote(record.getMessage())


class Reported(Silent):
    """Progress of a worker, sent to the `ProgressActor`."""

    def __init__(self, tracker: ActorHandle):
        self._tracker = tracker
        self._number, self._left = 0, 0

    def begin(self, number: int, num_images: int) -> None:
        """Count so many samples for job `number`; what comes after them is its scores."""
        self._number, self._left = number, num_images

    def start(self, task: str, total: int, *, done: int = 0, unit: str = "it") -> None:
        """See `Progress.start`."""
        self._add(done)

    def advance(self, amount: int = 1, *, values: Mapping[str, float] | None = None) -> None:
        """See `Progress.advance`."""
        self._add(amount)

    def _add(self, amount: int) -> None:
        amount = min(amount, self._left)
        if amount:
            self._left -= amount
            self._tracker.add.remote(self._number, amount)


class Worker:
    """An actor that does jobs."""

    def __init__(self, spec: WorkerSpec, resources: Resources, tracker: ActorHandle):
        self._spec, self._resources = spec, resources
        self._report = Reported(tracker)
        logging.getLogger().addHandler(Forwarded(tracker))
        self._sweep: Sweep | None = None

    def prepare(self) -> None:
        """Load the extractors; generators are loaded by the first job that needs them.

        Raises:
            OSError: the folder of the command is not on this machine; the store does not answer.
        """
        import torch

        spec = self._spec
        torch.set_num_threads(max(1, int(self._resources.num_cpus)))
        try:
            os.chdir(spec.folder)
        except OSError as error:
            raise OSError(
                f"{spec.folder}: expected the folder of the command on every machine of the "
                f"cluster, got: {error.strerror}; start it in a folder that they share"
            ) from error
        paths = spec.paths
        if spec.store is not None:
            paths = replace(paths, results=open_store(spec.store).path)
        extractors = load_extractors(spec.extractors)
        self._sweep = Sweep(spec.config, paths, extractors, progress=self._report)

    def do(self, number: int, job: Job) -> Path:
        """Do a job; the file that proves it done."""
        assert self._sweep is not None, "prepare comes first"
        self._report.begin(number, 0)
        synchronise(self._sweep.paths.results)
        self._report.begin(number, job.num_drawn)
        with claim(self._sweep, job):
            return WORK[job.kind](self._sweep, job)
