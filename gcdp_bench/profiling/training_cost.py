"""Cost of a training: examples, seconds, parameters and FLOPs, in `cost.json` beside the weights.

FLOPs are those of `gcdp_bench.profiling.flops`. Numbers that were not recorded are None, never 0.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gcdp_bench.core.config import from_dict, read_json, write_json
from gcdp_bench.core.provenance import hardware
from gcdp_bench.profiling.flops import FlopCounter

COST_FILE = "cost.json"
COUNTED_STEPS, COUNT_EVERY = 16, 256
"""FLOPs are counted in the first 16 steps of every 256: a regulariser of every 4th or 16th step
counts with its share, and so does every size of a network that grows."""


@dataclass(frozen=True, kw_only=True)
class TrainingCost:
    """Cost of one training, without validation, previews and checkpoints."""

    part: str  # what was trained: "base", "sr", "autoencoder", ...
    dataset: str
    steps: int  # of the optimizer
    examples_seen: int  # over all steps, repeated ones too
    num_parameters: int  # that were trained, a discriminator's too
    wall_sec: float | None
    cpu_sec: float | None  # of all threads
    gpu_sec: float | None  # that GPUs were held, all together; 0: trained without
    flops_per_example: float | None  # of everything in a step, frozen networks too
    hardware: str
    threads: int | None  # of the CPU


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Added up over the steps of a training; seconds are None where a part was not recorded."""

    wall_sec: float | None = 0.0
    cpu_sec: float | None = 0.0
    gpu_sec: float | None = 0.0
    flops: int = 0  # of the counted steps
    counted_examples: int = 0


class Meter:
    """Adds up what the steps of a training cost.

    Args:
        spent: before this process began; checkpoints keep `Meter.spent`.
        device: that is trained on.
        num_processes: that train together; the CPU time of the others is not known.
    """

    def __init__(self, spent: Spent, *, device: torch.device, num_processes: int = 1):
        self.spent = spent
        self._num_processes = num_processes
        self._device = device
        self._num_gpus = num_processes if device.type == "cuda" else 0

    @contextmanager
    def step(self, number: int, num_examples: int) -> Iterator[None]:
        """Measure one optimizer step, of all turns; nothing is added when it fails.

        Args:
            number: of the step, from 0.
            num_examples: over all processes. The step has to end with a value that waits for the
                device.
        """
        spent = self.spent
        counter = FlopCounter() if number % COUNT_EVERY < COUNTED_STEPS else None
        wall, cpu = time.perf_counter(), time.process_time()
        with counter or nullcontext():
            yield
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.spent = replace(
            spent,
            wall_sec=_added(spent.wall_sec, wall),
            cpu_sec=_added(spent.cpu_sec, cpu if self._num_processes == 1 else None),
            gpu_sec=_added(spent.gpu_sec, wall * self._num_gpus),
        )
        if counter is not None:
            self.spent = replace(
                self.spent,
                flops=spent.flops + counter.flops * self._num_processes,
                counted_examples=spent.counted_examples + num_examples,
            )

    def cost(
        self, *, part: str, dataset: str, steps: int, examples_seen: int, num_parameters: int
    ) -> TrainingCost:
        """Everything up to now."""
        spent = self.spent
        counted = spent.counted_examples
        return TrainingCost(
            part=part,
            dataset=dataset,
            steps=steps,
            examples_seen=examples_seen,
            num_parameters=num_parameters,
            wall_sec=spent.wall_sec,
            cpu_sec=spent.cpu_sec,
            gpu_sec=spent.gpu_sec,
            flops_per_example=spent.flops / counted if counted else None,
            hardware=hardware(self._device.type),
            threads=torch.get_num_threads(),
        )


def write_cost(folder: Path, cost: TrainingCost) -> None:
    """Write `cost.json` beside the weights in `folder`."""
    write_json(folder / COST_FILE, cost)


def read_cost(folder: Path) -> TrainingCost | None:
    """Training cost of the weights in `folder`; None: it was not recorded.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / COST_FILE
    return from_dict(TrainingCost, read_json(path), where=str(path)) if path.exists() else None


def copy_cost(source: Path, target: Path) -> None:
    """Let a copy of a network say what the original cost, where that was recorded."""
    cost = read_cost(source)
    if cost is not None:
        write_cost(target, cost)


def generator_costs(folder: Path) -> list[TrainingCost]:
    """Recorded costs of the networks in a generator's folder, the generator's own first."""
    files = sorted(folder.rglob(COST_FILE), key=lambda path: (len(path.parts), path))
    costs = (read_cost(path.parent) for path in files)
    return [cost for cost in costs if cost is not None]


def _added(before: float | None, more: float | None) -> float | None:
    return None if before is None or more is None else before + more
