"""A sweep beside a busy process: threads that wait passively, and threads that spin.

    python -m benchmarks.waiting [--repeat 3]

Runs a small sweep of the pretrained reference model, alone and beside a process with as many
threads as there are cores, under both values of OMP_WAIT_POLICY in turn, and writes the wall
seconds to `results/performance/waiting.csv`. The command line chooses PASSIVE by itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from gcdp_bench.core.cores import usable_cores
from gcdp_bench.core.provenance import hardware
from gcdp_bench.io.atomic import replacing

OUT = Path("results/performance/waiting.csv")
SWEEP = (
    "sweep --dataset synth-city-25 --models reference --guidance 2 --num-samples 16 --steps 10 "
    "--sr-steps 5 --demo"
)
BUSY = "import torch; x = torch.randn(2048, 2048)\nwhile True: x = torch.tanh(x @ x)"


@contextmanager
def busy(policy: str, *, wanted: bool) -> Iterator[None]:
    """Another process at work, or none."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", BUSY], env=environment(policy))
    try:
        yield
    finally:
        process.kill()
        process.wait()


def environment(policy: str) -> dict[str, str]:
    """As many threads as cores, which wait in one way."""
    return os.environ | {"OMP_WAIT_POLICY": policy, "OMP_NUM_THREADS": str(usable_cores())}


def sweep_sec(policy: str) -> float:
    """Wall seconds of one sweep into a new folder."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "gcdp_bench", *SWEEP.split(), "--results", folder]
        start = time.perf_counter()
        subprocess.run(command, env=environment(policy), check=True, capture_output=True)
        return time.perf_counter() - start


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description="A sweep beside a busy process.")
    parser.add_argument("--repeat", type=int, default=3)
    lines = []
    for _ in range(parser.parse_args().repeat):
        for beside in (False, True):
            for policy in ("ACTIVE", "PASSIVE"):
                with busy(policy, wanted=beside):
                    lines.append((policy, beside, sweep_sec(policy)))
    frame = pd.DataFrame(lines, columns=["wait_policy", "beside_busy", "sec"])
    table = frame.groupby(["beside_busy", "wait_policy"])["sec"].agg(["median", "min", "max"])
    table = table.round(1).reset_index().assign(machine=hardware())
    print(table.to_string(index=False))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with replacing(OUT) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()
