"""Whether memory stays flat over a long sweep.

    python -m benchmarks.memory_sweep [--points 50]

Sweeps the pretrained lafite over values of its truncation, 16 captions of synth-city-25 a point,
and prints one JSON line: resident memory after the first half of the points and at the end, and the
slope of a line through the second half, in bytes per point. Allocators give back what they keep for
later first: the table of results grows, and copies of it would be counted over and over. The table
itself, about 700 bytes a row, is read whole.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow

from benchmarks.memory import resident_bytes, trend
from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.extractors.bundle import ExtractorRequest, Extractors, load_extractors
from gcdp_bench.sweep import Paths, SweepConfig, run_sweep

NUM_SAMPLES = 16


class Points(Silent):
    """Progress that writes down the resident memory whenever a point is to be evaluated."""

    def __init__(self):
        self.resident: list[int] = []

    def start(self, task: str, total: int, *, done: int = 0, unit: str = "it") -> None:
        """See `Progress.start`."""
        if task.startswith("evaluate"):
            gc.collect()
            pyarrow.default_memory_pool().release_unused()
            if sys.platform == "linux":
                ctypes.CDLL(None).malloc_trim(0)
            self.resident.append(resident_bytes())


def measure(config: SweepConfig, paths: Paths, extractors: Extractors) -> dict[str, float]:
    """Sweep.

    Returns:
        Of resident memory over the points, see `trend`.
    """
    points = Points()
    run_sweep(config, paths, extractors, progress=points)
    return {"points": len(points.resident), **trend(points.resident)}


def main() -> None:
    """Print the slope."""
    parser = argparse.ArgumentParser(description="Memory over a long sweep.")
    parser.add_argument("--points", type=int, default=50)
    options = parser.parse_args()
    values = tuple(1.0 - 0.5 * place / options.points for place in range(options.points))
    dataset = "synth-city-25"
    config = SweepConfig(
        dataset=dataset, models=("lafite",), truncation=values, num_samples=NUM_SAMPLES
    )
    with TemporaryDirectory() as folder:
        extractors = load_extractors(ExtractorRequest(dataset=dataset_identity(dataset)))
        found = measure(config, Paths(results=Path(folder)), extractors)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
