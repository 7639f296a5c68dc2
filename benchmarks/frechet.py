"""Time of the Fréchet distance: nuclear norm against square roots of D x D matrices.

    python -m benchmarks.frechet [--samples 500 --reference 500 --width 2048]

Prints one JSON line per case: the route (`nuclear` is `gcdp_bench.metrics.frechet`; `eigen` is
below: `eigh` of one covariance, `eigvalsh` of the product), its time_sec, the distance, and for
`bootstrap` the time of the distance with its interval. The number of threads is the BLAS
library's; set OMP_NUM_THREADS to choose it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from gcdp_bench.metrics.feature_sets import Array
from gcdp_bench.metrics.frechet import frechet_distance, frechet_intervals


def main() -> None:
    """Time every route on the same features."""
    parser = argparse.ArgumentParser(description="Speed of the Fréchet distance.")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--reference", type=int, default=500)
    parser.add_argument("--width", type=int, default=2048)
    options = parser.parse_args()
    x, y = make_features(options.samples, options.reference, options.width)
    routes: dict[str, Callable[[], float]] = {
        "nuclear": lambda: frechet_distance(x, y).total,
        "eigen": lambda: eigen_distance(x, y),
        "bootstrap": lambda: frechet_intervals(x, y).total.value,
    }
    frechet_distance(x[:10, :10], y[:10, :10])  # loads libraries before time is taken
    for name, route in routes.items():
        start = time.perf_counter()
        distance = route()
        case = {
            "route": name,
            "time_sec": round(time.perf_counter() - start, 3),
            "distance": distance,
            "samples": options.samples,
            "reference": options.reference,
            "width": options.width,
        }
        print(json.dumps(case), flush=True)


def make_features(num: int, other: int, width: int) -> tuple[Array, Array]:
    """Two Gaussian samples whose variances fall as 1/i, as those of features roughly do."""
    rng = np.random.default_rng(0)
    scale = np.arange(1, width + 1) ** -0.5
    return rng.standard_normal((num, width)) * scale, rng.standard_normal((other, width)) * scale


def eigen_distance(x: Array, y: Array) -> float:
    """|m1 - m2|^2 + Tr(S1 + S2) - 2 sum sqrt(eig(S1^(1/2) S2 S1^(1/2))), by covariances."""
    covariance_x, covariance_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)  # (D, D)
    values, vectors = np.linalg.eigh(covariance_x)
    root_x = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T  # (D, D)
    inner = np.linalg.eigvalsh(root_x @ covariance_y @ root_x)  # (D,)
    mean_term = ((x.mean(0) - y.mean(0)) ** 2).sum()
    traces = covariance_x.trace() + covariance_y.trace()
    return float(mean_term + traces - 2.0 * np.sqrt(np.clip(inner, 0, None)).sum())


if __name__ == "__main__":
    main()
