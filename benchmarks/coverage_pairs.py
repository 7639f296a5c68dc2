"""Coverage of the intervals of differences of two Fréchet distances, simulated with Gaussians.

    OMP_NUM_THREADS=1 python -m benchmarks.coverage_pairs [--repetitions 400]

Two generators share half of each sample's variance, as samples of one caption do; the real images
are the same for both. Each method sees the same samples (`results/coverage/pairs.csv`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from gcdp_bench.comparison import paired
from gcdp_bench.comparison.measured import distance
from gcdp_bench.io.atomic import replacing
from gcdp_bench.metrics import frechet_influence
from gcdp_bench.metrics.feature_sets import Array

OUT = Path("results/coverage/pairs.csv")
NUM, OTHER, WIDTH = 500, 1000, 64
SHIFTS = ((0.0, 0.0), (0.1, 0.1), (0.1, 0.2), (0.2, 0.5))
"""Distance of the means of A and B from that of the real images, per feature, in deviations."""

METHODS = {"halves": np.inf, "influence": 0.0}
"""Method -> multiply-adds of a pair of halves from which on influences are used."""


def sides(rng: np.random.Generator, shifts: tuple[float, float]) -> tuple[list[Array], Array]:
    """Samples of A and B, (NUM, WIDTH) each, and real ones, (OTHER, WIDTH)."""
    scale = np.arange(1.0, WIDTH + 1) ** -0.5
    shared = rng.standard_normal((NUM, WIDTH))
    own = [(shared + rng.standard_normal((NUM, WIDTH))) / np.sqrt(2.0) for _ in shifts]
    drawn = [scale * (one + shift) for one, shift in zip(own, shifts, strict=True)]
    return drawn, scale * rng.standard_normal((OTHER, WIDTH))


def truth(shifts: tuple[float, float]) -> float:
    """Difference of the distances of the populations."""
    variance = (1.0 / np.arange(1.0, WIDTH + 1)).sum()
    return float((shifts[0] ** 2 - shifts[1] ** 2) * variance)


def covered(method: str, shifts: tuple[float, float], repetitions: int) -> dict[str, object]:
    """One line of the table."""
    frechet_influence.COSTLY = METHODS[method]
    lines = []
    for seed in range(repetitions):
        samples, real = sides(np.random.default_rng(seed), shifts)
        own, other = (distance([one], [real]) for one in samples)
        lines.append(paired._distance_line("fid", own, other, NUM))
    frame, expected = pd.DataFrame(lines), truth(shifts)
    inside = (frame["ci_low"] <= expected) & (expected <= frame["ci_high"])
    return {
        "method": frame["ci_method"].iloc[0],
        "num": NUM,
        "other": OTHER,
        "width": WIDTH,
        "shift_a": shifts[0],
        "shift_b": shifts[1],
        "repetitions": repetitions,
        "truth": round(expected, 4),
        "mean_corrected": round(frame["corrected"].mean(), 4),
        "mean_width": round((frame["ci_high"] - frame["ci_low"]).mean(), 4),
        "covered_percent": 100.0 * inside.mean(),
    }


def main() -> None:
    """Simulate and write the table."""
    parser = argparse.ArgumentParser(description="Coverage of differences of Fréchet distances.")
    parser.add_argument("--repetitions", type=int, default=400)
    repetitions = parser.parse_args().repetitions
    lines = [covered(method, shifts, repetitions) for shifts in SHIFTS for method in METHODS]
    table = pd.DataFrame(lines)
    print(table.to_string(index=False))
    with replacing(OUT) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()
