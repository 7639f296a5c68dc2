"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

A sample's ball reaches to its k-th neighbour in its own set, itself not counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.metrics.feature_sets import Array, Features, checked_pair, squared_distances
from gcdp_bench.metrics.intervals import Interval, normal_quantile, wilson_share
from gcdp_bench.protocols import MetricValue

K_PRECISION = 3
K_DENSITY = 5
CHUNK_ROWS = 512
DENSITY = 2
"""Its place among the four."""

MIN_HALVED = 14
"""Samples a side without which a half has fewer than 7."""

MAX_PART = 1000
"""Samples in a part of the larger side."""


@dataclass(frozen=True)
class Neighbourhoods:
    """What each sample adds to the four means; N generated, M real."""

    precision: NDArray[np.bool_]  # (N,), in the ball of a real sample
    recall: NDArray[np.bool_]  # (M,), in the ball of a generated sample
    density: Array  # (N,), real balls that it is in, divided by k
    coverage: NDArray[np.bool_]  # (M,), a generated sample is in its ball

    @property
    def means(self) -> Array:
        """Precision, recall, density, coverage."""
        parts = (self.precision, self.recall, self.density, self.coverage)
        return np.array([part.mean(dtype=np.float64) for part in parts])


def prdc_values(suffix: str, x: Features, y: Features) -> list[MetricValue]:
    """`precision-<suffix>`, `recall-...` (k = 3), `density-...` and `coverage-...` (k = 5).

    Intervals: for what these are on average over samples of N and M, both sides being samples. The
    error e is that of halves (`errors_from_parts`). A share p has Wilson's interval with
    p (1 - p) / e^2 samples, at most as many as it is a mean of, the smaller side's number where p
    is 0 or 1; density has +-1.96 e, cut at 0. NaN below 6 samples a side, no interval below 14.

    Args:
        suffix: the features' protocol.
        x: generated, (N, D).
        y: real, (M, D).

    Raises:
        ValueError: shapes do not fit, or a value is not finite.
    """
    names = [f"{name}-{suffix}" for name in ("precision", "recall", "density", "coverage")]
    x, y = checked_pair(x, y)
    smallest = min(len(x), len(y))
    if smallest <= max(K_PRECISION, K_DENSITY):
        return [MetricValue(name, "all", math.nan, len(x)) for name in names]
    found = neighbourhoods(x, y).means
    if smallest < MIN_HALVED:
        return [MetricValue(name, "all", float(value), len(x)) for name, value in zip(names, found)]
    sizes = (len(x), len(y), len(x), len(y))  # of the sides that are averaged
    intervals = [
        _density(value, error) if place == DENSITY else _share(value, error, size, smallest)
        for place, (value, error, size) in enumerate(
            zip(found, errors_from_parts(x, y), sizes, strict=True)
        )
    ]
    return [part.row(name, "all", len(x)) for name, part in zip(names, intervals, strict=True)]


def errors_from_parts(x: Array, y: Array, *, num_splits: int = 20, seed: int = 0) -> Array:
    """Standard errors of the four means, (4,), from random parts of both sides without overlap.

    A part is a share f of each side, half of it where neither has more than 2000 samples, else
    1000 of the larger one. Two of them differ by d; the error of the whole is the root of
    f / 2 mean d^2.

    Args:
        x: generated, (N, D).
        y: real, (M, D).
        num_splits: how often both sides are split.
        seed: of the splits.
    """
    rng = np.random.default_rng(seed)
    share = min(0.5, MAX_PART / max(len(x), len(y)))
    size, other = (max(K_DENSITY + 1, int(share * len(side))) for side in (x, y))
    differences = np.empty((num_splits, 4))
    for split in range(num_splits):
        rows, columns = rng.permutation(len(x)), rng.permutation(len(y))
        one, two = (
            neighbourhoods(
                x[rows[part * size : (part + 1) * size]],
                y[columns[part * other : (part + 1) * other]],
            ).means
            for part in (0, 1)
        )
        differences[split] = one - two
    return np.sqrt(share / 2.0 * (differences**2).mean(0))


def _share(value: float, error: float, num: int, smallest: int) -> Interval:
    varies = error > 0.0 and 0.0 < value < 1.0
    worth = min(value * (1.0 - value) / error**2, num) if varies else smallest
    return wilson_share(float(value), worth, method="halves-wilson")


def _density(value: float, error: float) -> Interval:
    half = normal_quantile(0.95) * error
    return Interval(float(value), max(0.0, value - half), value + half, "halves")


def neighbourhoods(
    x: Array, y: Array, *, k_precision: int = K_PRECISION, k_density: int = K_DENSITY
) -> Neighbourhoods:
    """Who lies in whose ball; a block of rows of the distance matrix at a time.

    Precision and recall count the ball's surface as inside, density and coverage do not, each as
    its authors' program does.

    Args:
        x: generated, float64 (N, D), N > k_precision.
        y: real, float64 (M, D), M > both k.
        k_precision: of precision and recall.
        k_density: of density and coverage.
    """
    centre = y.mean(0)
    x, y = x - centre, y - centre  # distances are taken from products: small norms, small errors
    (radius_x,) = _radii(x, (k_precision,)).T  # (N,)
    radius_y, radius_density = _radii(y, (k_precision, k_density)).T  # (M,)
    precision, density = np.empty(len(x), bool), np.empty(len(x))
    recall, nearest = np.zeros(len(y), bool), np.full(len(y), np.inf)
    for start in range(0, len(x), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        squares = squared_distances(x[rows], y)  # (chunk, M)
        precision[rows] = (squares <= radius_y).any(1)
        density[rows] = (squares < radius_density).sum(1) / k_density
        recall |= (squares <= radius_x[rows, None]).any(0)
        nearest = np.minimum(nearest, squares.min(0))
    return Neighbourhoods(precision, recall, density, nearest < radius_density)


def _radii(x: Array, ks: tuple[int, ...]) -> Array:
    """Squared distance of each sample to its k-th neighbours, (N, len(ks))."""
    radii = np.empty((len(x), len(ks)))
    places = [k - 1 for k in ks]
    for start in range(0, len(x), CHUNK_ROWS):
        squares = squared_distances(x[start : start + CHUNK_ROWS], x)  # (chunk, N)
        own = np.arange(len(squares))
        squares[own, start + own] = np.inf
        radii[start : start + CHUNK_ROWS] = np.partition(squares, places, axis=1)[:, places]
    return radii
