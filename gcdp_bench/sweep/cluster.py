"""A sweep's jobs on a Ray cluster, whose workers keep models and extractors loaded.

Ray places the workers and notices when one dies; which job comes next, and what is done again, is
decided here.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gcdp_bench.core.progress import Progress
from gcdp_bench.extractors.bundle import ExtractorRequest, find_networks, load_extractors
from gcdp_bench.io.validation import reason
from gcdp_bench.results.object_store import store_of
from gcdp_bench.results.sync import synchronise
from gcdp_bench.sweep.config import Paths, SweepConfig
from gcdp_bench.sweep.connection import connect
from gcdp_bench.sweep.generators import find_generators, pinned
from gcdp_bench.sweep.jobs import Chain, Job
from gcdp_bench.sweep.run import run_sweep
from gcdp_bench.sweep.worker import ProgressActor, Resources, Worker, WorkerSpec

if TYPE_CHECKING:
    import pandas as pd
    from ray import ObjectRef
    from ray.actor import ActorHandle

MAX_DEATHS = 3  # of workers with the same job, or before they are ready
POLL_SEC = 0.5
NO_ROOM_SEC = 60.0  # a cluster without any room for a worker is waited for so long
ENVIRONMENT = (
    "GCDP_CACHE",
    "GCDP_CACHE_LIMIT",
    "GCDP_DATA",
    "GCDP_RUNS",
    "GCDP_WEIGHTS",
    "PYTHONPATH",
)
"""Variables of this process that workers get."""


logger = logging.getLogger(__name__)


@dataclass
class _Stage:
    chain: Chain
    left: int


@dataclass
class _Task:
    number: int
    job: Job
    stages: list[_Stage]  # that wait for it
    deaths: int = 0
    is_done: bool = False


@dataclass
class _WorkerHandle:
    """A worker as the scheduler sees it."""

    actor: ActorHandle
    pending: ObjectRef  # of `prepare`, or of the task
    ready: bool = False
    task: _Task | None = None
    model: str | None = None  # that it loaded last


@dataclass
class _Work:
    """The remaining work of one call of `run`."""

    waiting: list[_Task] = field(default_factory=list)
    tasks: dict[Job, _Task] = field(default_factory=dict)
    num_done: int = 0
    num_images: int = 0

    def advance(self, chain: Chain) -> None:
        """Ask a chain for its next stage."""
        for jobs in chain:
            tasks = [task for task in map(self._task, jobs) if not task.is_done]
            stage = _Stage(chain, len(tasks))
            for task in tasks:
                task.stages.append(stage)
            if tasks:
                return

    def take(self, model: str | None) -> _Task:
        """A waiting task, of `model` if there is one."""
        task = next((task for task in self.waiting if task.job.model == model), self.waiting[0])
        self.waiting.remove(task)
        return task

    def done(self, task: _Task) -> None:
        """A task is finished."""
        self.num_done += 1
        task.is_done = True
        for stage in task.stages:
            stage.left -= 1
            if not stage.left:
                self.advance(stage.chain)

    def _task(self, job: Job) -> _Task:
        """Of a job that was asked for before, or a new one."""
        if job not in self.tasks:
            self.tasks[job] = _Task(len(self.tasks), job, [])
            self.waiting.append(self.tasks[job])
            self.num_images += job.num_drawn
        return self.tasks[job]


class RayScheduler:
    """Does jobs on as many workers as the cluster has room for.

    A job whose worker died is given to another one; what the dead one had drawn is not drawn again.

    Args:
        address: of the cluster (`connect`).
        spec: what workers load.
        resources: of each worker.
        progress: shows all of them together.

    Raises:
        ValueError, OSError: as `connect`.
    """

    def __init__(self, address: str, spec: WorkerSpec, resources: Resources, progress: Progress):
        self._spec, self._resources, self._progress = spec, resources, progress
        self._workers: list[_WorkerHandle] = []
        self._deaths = 0  # of workers that were not ready
        self._roomless_since: float | None = None
        self._ray = connect(address)
        self._tracker = self._start_tracker()

    def __enter__(self) -> RayScheduler:
        return self

    def __exit__(self, *exception: object) -> None:
        """End the workers, and the cluster if it is this command's own."""
        for worker in self._workers:
            self._ray.kill(worker.actor)
        self._workers = []
        self._ray.shutdown()

    def run(self, chains: Iterable[Chain]) -> None:
        """Do all jobs of some chains, which are independent but for the jobs that they share.

        Raises:
            OSError: workers died `MAX_DEATHS` times with one job; the cluster has no room for any;
                a machine does not share the results folder.
            Exception: what a job raised.
        """
        work = _Work()
        for chain in chains:
            work.advance(chain)
        if not work.tasks:
            return
        display = _Shown(self._progress, self._ray, self._tracker)
        while work.waiting or any(worker.task for worker in self._workers):
            self._start_workers(len(work.waiting))
            for worker in self._workers:
                if worker.ready and worker.task is None and work.waiting:
                    self._assign(worker, work.take(worker.model))
            for worker in self._finished():
                self._take(worker, work)
            display.update(work, sum(worker.ready for worker in self._workers))
        display.close()

    def _assign(self, worker: _WorkerHandle, task: _Task) -> None:
        worker.task, worker.model = task, task.job.model
        worker.pending = worker.actor.do.remote(task.number, task.job)

    def _finished(self) -> list[_WorkerHandle]:
        """Workers that came to an end of what they did, after a short wait at most."""
        busy = {
            worker.pending: worker for worker in self._workers if worker.task or not worker.ready
        }
        if not busy:
            time.sleep(POLL_SEC)
            return []
        ended, _ = self._ray.wait(list(busy), num_returns=1, timeout=POLL_SEC)
        return [busy[reference] for reference in ended]

    def _take(self, worker: _WorkerHandle, work: _Work) -> None:
        """Take what a worker made, or note that it died."""
        from ray.exceptions import RayError, RayTaskError

        task = worker.task
        try:
            made = self._ray.get(worker.pending)
        except RayTaskError as error:
            raise error.cause from error
        except RayError as error:
            self._workers.remove(worker)
            self._record_failure(task, reason(error))
            if task is not None:
                work.waiting.insert(0, task)
            return
        worker.ready, worker.task = True, None
        if task is None:
            return
        self._receive(made)
        work.done(task)

    def _receive(self, made: Path) -> None:
        """See what a worker made."""
        if self._spec.store is not None:
            synchronise(self._spec.paths.results)
        elif not made.exists():
            raise OSError(
                f"{made}: expected what a worker wrote, found nothing: the machines of the cluster "
                "share neither the results folder nor a store; choose --results in a folder that "
                "they share, or an URL such as s3://BUCKET/FOLDER"
            )

    def _record_failure(self, task: _Task | None, reason: str) -> None:
        """Count a death.

        Raises:
            OSError: there were too many.
        """
        if task is None:
            self._deaths += 1
            deaths, what, then = self._deaths, "starting", "another one is started"
        else:
            task.deaths += 1
            deaths, what, then = task.deaths, str(task.job), "its job is given to another one"
            self._ray.get(self._tracker.forget.remote(task.number))
        if deaths >= MAX_DEATHS:
            raise OSError(
                f"{what}: {deaths} workers died, the last one with: {reason}; see the logs of Ray "
                "on that machine, and give a task more memory with --cpus-per-task"
            )
        logger.warning("a worker died (%s: %s); %s", what, reason, then)

    def _start_workers(self, num_waiting: int) -> None:
        """Start workers while there is room and work for them."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        room = sum(self._resources.room(node) for node in nodes)
        if room or self._workers:
            self._roomless_since = None
        else:
            self._wait_for_room(nodes)
        idle = sum(worker.task is None for worker in self._workers)
        for _ in range(min(room - len(self._workers), num_waiting - idle)):
            self._workers.append(self._start_worker())

    def _wait_for_room(self, nodes: Sequence[Mapping[str, float]]) -> None:
        now = time.monotonic()
        self._roomless_since = self._roomless_since or now
        if now - self._roomless_since >= NO_ROOM_SEC:
            have = "; ".join(
                f"{node.get('CPU', 0):g} CPUs, {node.get('GPU', 0):g} GPUs" for node in nodes
            )
            raise OSError(
                f"cluster: expected a machine with {self._resources.num_cpus:g} CPUs and "
                f"{self._resources.num_gpus:g} GPUs for a task, got {have or 'no machine'}; lower "
                "--cpus-per-task or --gpus-per-task"
            )

    def _start_worker(self) -> _WorkerHandle:
        resources = self._resources
        actor = (
            self._ray.remote(Worker)
            .options(
                num_cpus=resources.num_cpus,
                num_gpus=resources.num_gpus,
                max_restarts=0,
                scheduling_strategy="SPREAD",
                runtime_env={"env_vars": _environment(resources)},
            )
            .remote(self._spec, resources, self._tracker)
        )
        return _WorkerHandle(actor, actor.prepare.remote())

    def _start_tracker(self) -> ActorHandle:
        """On this machine, which outlives the others."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = self._ray.get_runtime_context().get_node_id()
        place = NodeAffinitySchedulingStrategy(here, soft=False)
        actor = self._ray.remote(ProgressActor).options(num_cpus=0, scheduling_strategy=place)
        return actor.remote()


class _Shown:
    """One display of all workers."""

    def __init__(self, progress: Progress, ray: Any, tracker: ActorHandle):
        self._progress, self._ray, self._tracker = progress, ray, tracker
        self._total, self._shown = -1, 0
        self._before, _ = ray.get(tracker.read.remote())

    def update(self, work: _Work, num_workers: int) -> None:
        """Samples that are there (jobs, where there are none to draw), and warnings of workers."""
        drawn, warnings = self._ray.get(self._tracker.read.remote())
        for text in warnings:
            logger.warning("%s", text)
        images = work.num_images > 0
        total = work.num_images if images else len(work.tasks)
        if total != self._total:
            unit = "image" if images else "job"
            self._progress.start("sweep on Ray", total, done=self._shown, unit=unit)
            self._total = total
        now = min(drawn - self._before if images else work.num_done, total)
        values = {"workers": num_workers, "jobs done": work.num_done, "of": len(work.tasks)}
        self._progress.advance(max(0, now - self._shown), values=values)
        self._shown = max(now, self._shown)

    def close(self) -> None:
        """All is done."""
        self._progress.finish()


def run_on_cluster(
    address: str,
    config: SweepConfig,
    paths: Paths,
    extractors: ExtractorRequest,
    resources: Resources,
    *,
    progress: Progress,
    say: Callable[[str], object] = lambda line: None,
) -> pd.DataFrame:
    """`run_sweep` on Ray. This process checks and plans, on its CPU; workers do the rest.

    Args:
        address: of the cluster (`connect`).
        config: what is measured.
        paths: where to read and write; every machine of the cluster sees these folders, or has
            a local copy of the store of which `results` is one.
        extractors: the networks that evaluate.
        resources: of each worker.
        progress: shows all workers together.
        say: see `run_sweep`.

    Raises:
        ValueError, FileNotFoundError, MemoryError, OSError: as `run_sweep` and `RayScheduler`.
    """
    store = store_of(paths.results)
    paths = pinned(paths, find_generators(config, paths))
    extractors = find_networks(extractors).pinned(extractors)
    spec = WorkerSpec(
        config=config,
        paths=paths,
        extractors=extractors,
        folder=Path.cwd(),
        store=None if store is None else store.url,
    )
    here = replace(config, sampling=replace(config.sampling, device="cpu"))
    own_extractors = load_extractors(replace(extractors, device="cpu"))
    with RayScheduler(address, spec, resources, progress) as scheduler:
        return run_sweep(
            here, paths, own_extractors, progress=progress, run_elsewhere=scheduler.run, say=say
        )


def _environment(resources: Resources) -> dict[str, str]:
    threads = str(max(1, int(resources.num_cpus)))
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return kept | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
