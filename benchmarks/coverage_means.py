"""Coverage of the intervals of means near a bound, simulated.

    python -m benchmarks.coverage_means [--repetitions 400]

Samples are shares in [0, 1] with a known mean: yes or no; of five classes; beta; hard images, on
which most classes fail; and a small loss everywhere with a failure now and then. One line of the
table per kind, mean and number of samples.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gcdp_bench.io.atomic import replacing
from gcdp_bench.metrics.intervals import bounded_mean

MEANS = (0.5, 0.9, 0.99, 0.998, 1.0)
NUMS = (20, 50, 200)

Draw = Callable[[np.random.Generator, float, int], NDArray[np.float64]]


def binary(rng: np.random.Generator, mean: float, num: int) -> NDArray[np.float64]:
    """Yes or no."""
    return (rng.random(num) < mean).astype(float)


def classes(rng: np.random.Generator, mean: float, num: int) -> NDArray[np.float64]:
    """Recall of five classes, each detected independently."""
    return rng.binomial(5, mean, num) / 5.0


def beta(rng: np.random.Generator, mean: float, num: int) -> NDArray[np.float64]:
    """Any share, of standard deviation up to 0.17."""
    return rng.beta(8 * mean, 8 * (1 - mean), num) if mean < 1.0 else np.ones(num)


def hard(rng: np.random.Generator, mean: float, num: int) -> NDArray[np.float64]:
    """Recall of two to eight classes; on hard images each is detected in 30 % of cases, else
    always.
    """
    found = np.where(rng.random(num) < (1.0 - mean) / 0.7, 0.3, 1.0)
    total = rng.integers(2, 9, num)
    return rng.binomial(total, found) / total


def failures(rng: np.random.Generator, mean: float, num: int) -> NDArray[np.float64]:
    """Half of the loss everywhere, the other half in images that fail altogether."""
    base = 1.0 - (1.0 - mean) / 2.0
    return np.where(rng.random(num) < 1.0 - mean / base, 0.0, base)


KINDS: Mapping[str, Draw] = {
    draw.__name__: draw for draw in (binary, classes, beta, hard, failures)
}


def covered(draw: Draw, mean: float, num: int, repetitions: int) -> dict:
    """One line of the table."""
    rng = np.random.default_rng(num)
    found = [bounded_mean(draw(rng, mean, num)) for _ in range(repetitions)]
    low, high = (np.array([getattr(one, end) for one in found]) for end in ("low", "high"))
    held = (low <= mean + 1e-12) & (mean - 1e-12 <= high)
    return {
        "kind": draw.__name__,
        "mean": mean,
        "num": num,
        "repetitions": repetitions,
        "covered_percent": round(100.0 * float(held.mean()), 2),
        "width": round(float((high - low).mean()), 4),
    }


def main() -> None:
    """Simulate and write the table."""
    parser = argparse.ArgumentParser(description="Coverage of the intervals of means of shares.")
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path("results/coverage/means.csv"))
    options = parser.parse_args()
    lines = []
    for draw in KINDS.values():
        for mean in MEANS:
            for num in NUMS:
                lines.append(covered(draw, mean, num, options.repetitions))
                print(json.dumps(lines[-1]), flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(options.out) as temporary:
        pd.DataFrame(lines).to_csv(temporary, index=False)


if __name__ == "__main__":
    main()
