"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

A sample's ball reaches to its k-th neighbour in its own set, itself not counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.feature_sets import Array, Features, checked_pair, squared_distances
from gcdp_bench.metrics.intervals import Interval, at_least_zero, bounded_mean, mean_interval

K_PRECISION = 3
K_DENSITY = 5
CHUNK_ROWS = 512


@dataclass(frozen=True)
class Neighbourhoods:
    """Terms of the four means; N generated, M real."""

    precision: NDArray[np.bool_]  # (N,), in the ball of a real sample
    recall: NDArray[np.bool_]  # (M,), in the ball of a generated sample
    density: Array  # (N,), real balls that it is in, divided by k
    coverage: NDArray[np.bool_]  # (M,), a generated sample is in its ball


def prdc_values(suffix: str, x: Features, y: Features) -> list[MetricValue]:
    """`precision-<suffix>`, `recall-...` (k = 3), `density-...` and `coverage-...` (k = 5).

    Intervals are of one side: the samples that are averaged (generated for precision and density,
    real for recall and coverage) are resampled, the other set and all radii stay as they are. The
    choice of the other set is not in them, which the method's name says ("bounded-one-side",
    density "basic-one-side"). NaN below 6 samples a side.

    Args:
        suffix: the features' protocol.
        x: generated, (N, D).
        y: real, (M, D).

    Raises:
        ValueError: shapes do not fit, or a value is not finite.
    """
    names = [f"{name}-{suffix}" for name in ("precision", "recall", "density", "coverage")]
    x, y = checked_pair(x, y)
    if min(len(x), len(y)) <= max(K_PRECISION, K_DENSITY):
        return [MetricValue(name, "all", math.nan, len(x)) for name in names]
    found = neighbourhoods(x, y)
    shares = (found.precision, found.recall, found.coverage)
    precision, recall, coverage = (bounded_mean(share.astype(np.float64)) for share in shares)
    density = at_least_zero(mean_interval(found.density))
    intervals = (precision, recall, replace(density, corrected=math.nan), coverage)
    return [
        _one_side(part).row(name, "all", len(x))
        for name, part in zip(names, intervals, strict=True)
    ]


def _one_side(interval: Interval) -> Interval:
    """With a name that says that the other side is not in it."""
    has_ends = interval.method != "none"
    return replace(interval, method=f"{interval.method}-one-side") if has_ends else interval


def neighbourhoods(
    x: Array, y: Array, *, k_precision: int = K_PRECISION, k_density: int = K_DENSITY
) -> Neighbourhoods:
    """Membership of points in balls; a block of rows of the distance matrix at a time.

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
