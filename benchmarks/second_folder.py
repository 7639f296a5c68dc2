"""Time that the user's cache saves in a second results folder.

    python -m benchmarks.second_folder [--num-samples 64]

Sweeps the pretrained lafite at one point into a folder with an empty cache, then into another
folder with the cache of the first, and writes the CPU seconds of both, start of Python included,
to `results/performance/second-folder.csv`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from gcdp_bench.core.provenance import hardware
from gcdp_bench.io.atomic import replacing

OUT = Path("results/performance/second-folder.csv")
SWEEP = ("sweep", "--dataset", "synth-city-25", "--models", "lafite", "--truncation", "1")


def cpu_seconds(command: list[str], environment: dict[str, str]) -> float:
    """CPU seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure both folders and write the table."""
    parser = argparse.ArgumentParser(description="The user's cache in a second results folder.")
    parser.add_argument("--num-samples", type=int, default=64)
    num = parser.parse_args().num_samples
    lines = []
    with TemporaryDirectory() as folder:
        environment = os.environ | {"GCDP_CACHE": f"{folder}/cache", "OMP_NUM_THREADS": "1"}
        for name in ("first", "second"):
            command = [sys.executable, "-m", "gcdp_bench", *SWEEP, "--num-samples", str(num)]
            sec = cpu_seconds([*command, "--results", f"{folder}/{name}"], environment)
            lines.append({"folder": name, "num_samples": num, "cpu_sec": round(sec, 1)})
    table = pd.DataFrame(lines).assign(machine=hardware())
    print(table.to_string(index=False))
    with replacing(OUT) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()
