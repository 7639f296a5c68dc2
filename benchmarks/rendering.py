"""Images per second of a first epoch with a network that takes no time, by renderer processes.

    python -m benchmarks.rendering [--examples 400] [--workers 0 1 2]

A task of the reference model's base stage is asked for its batches as fast as it gives them, which
is how a fast GPU asks. Writes `results/performance/rendering.csv`: wall seconds until the first
batch, images per second from then on, and the milliseconds of CPU time that an image costs the
process that trains, which do not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd
import torch

from gcdp_bench.core.cores import usable_cores
from gcdp_bench.core.provenance import hardware
from gcdp_bench.core.rng import generator
from gcdp_bench.io.atomic import replacing
from gcdp_bench.train import Request, plan
from gcdp_bench.training.read_ahead import ReadsAhead, first_uses
from gcdp_bench.training.steps import step_indices

OUT = Path("results/performance/rendering.csv")


def line(dataset: str, num_workers: int, num_examples: int) -> dict[str, object]:
    """One row of the table."""
    resolved = plan(Request(model="reference", dataset=dataset, stage="base"))
    task, config = resolved.task, resolved.training
    num_steps = num_examples // config.batch_size
    start = time.perf_counter()
    if num_workers:
        assert isinstance(task, ReadsAhead)
        task.read_ahead(first_uses(config, task.num_examples, 0), num_workers)
    times, cpu = [], 0.0
    for step in range(num_steps):
        indices = step_indices(step, config.batch_size, task.num_examples, config.seed)
        task.batch(indices, generator("benchmark", step))
        times.append(time.perf_counter() - start)
        cpu = cpu or time.process_time()  # after the first batch
    cpu_sec, num_timed = time.process_time() - cpu, (num_steps - 1) * config.batch_size
    return {
        "dataset": dataset,
        "workers": num_workers,
        "images": num_steps * config.batch_size,
        "first_batch_sec": round(times[0], 2),
        "images_per_sec": round(num_timed / (times[-1] - times[0]), 1),
        "cpu_ms_per_image": round(1e3 * cpu_sec / num_timed, 2),
        "cores": usable_cores(),
        "machine": hardware(),
    }


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description="Rendering in the first epoch.")
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = pd.DataFrame(
        [
            line(dataset, num, options.examples)
            for dataset in ("synth-city-25", "synth-face-25")
            for num in options.workers
        ]
    )
    print(table.drop(columns="machine").to_string(index=False))
    with replacing(OUT) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()
