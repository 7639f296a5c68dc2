"""Fréchet distance of two sets of features (Heusel et al. 2017), and how much of it is chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.definitions.features import frechet_name
from gcdp_bench.metrics.feature_sets import Array, Features, checked_pair
from gcdp_bench.metrics.frechet_halves import halved_terms, num_halves
from gcdp_bench.metrics.frechet_influence import (
    NUM_HALVES,
    Expansion,
    estimates,
    expanded,
    is_costly,
)
from gcdp_bench.metrics.intervals import (
    Interval,
    at_least_zero,
    bias_corrected,
    normal_quantile,
    without_interval,
)
from gcdp_bench.metrics.spectrum import effective_rank, shortened

UNDERSAMPLED = "undersampled"
"""Ends the name of the method where samples are too few, see `is_undersampled`."""

MIN_SAMPLES = 50
MIN_PER_RANK = 6.0
"""From these on the interval holds, see `benchmarks/coverage.py`."""

MIN_HALVED = 4
"""Samples a side without which there are no halves of two."""


@dataclass(frozen=True)
class FrechetDistance:
    """|m1 - m2|^2 and Tr(S1 + S2 - 2 (S1 S2)^(1/2)), apart."""

    mean_term: float
    covariance_term: float

    @property
    def total(self) -> float:
        """The distance (squared, as the field reports it)."""
        return self.mean_term + self.covariance_term


@dataclass(frozen=True)
class FrechetIntervals:
    """The distance and its two terms, each with an interval and a bias-corrected value."""

    total: Interval
    mean_term: Interval
    covariance_term: Interval

    def map(self, change: Callable[[Interval], Interval]) -> FrechetIntervals:
        """Each of them changed."""
        return FrechetIntervals(*map(change, (self.total, self.mean_term, self.covariance_term)))


def frechet_distance(x: Features, y: Features) -> FrechetDistance:
    """Distance between Gaussians fitted to two sets, in float64, covariances with ddof = 1.

    Tr (S1 S2)^(1/2) is the nuclear norm of X Y^T / sqrt((N - 1)(M - 1)), X and Y the centred sets.
    A set with more samples than features is first replaced by the triangular factor of its QR
    decomposition, which has the same covariance. Exact for every N, M and D; no covariance matrix
    and no matrix square root is made, so that singular covariances need no care.

    Args:
        x: (N, D), N >= 2.
        y: (M, D), M >= 2.

    Raises:
        ValueError: shapes do not fit, fewer than two samples, or a value is not finite.
    """
    x, y = _checked(x, y)
    mean_x, mean_y = x.mean(0), y.mean(0)
    a, b = x - mean_x, y - mean_y
    traces = (a**2).sum() / (len(a) - 1) + (b**2).sum() / (len(b) - 1)
    root = _trace_root(a, b)
    return FrechetDistance(float(((mean_x - mean_y) ** 2).sum()), float(traces - 2.0 * root))


def frechet_intervals(x: Features, y: Features) -> FrechetIntervals:
    """Distance with intervals for the distance of the populations, both sides being samples.

    The distance v of finite sets is too large, by about b / N where M / N is fixed. Of random
    halves (h) it is too large by twice as much, so that

        corrected = v - (mean h - v),    ends = corrected -+ 1.96 e,    e^2 = mean ((h - h') / 2)^2,

    h and h' of both parts of a split. Parts of a set drawn without replacement differ as sets of
    that size do (delete-half jackknife; Shao & Tu 1995, Section 2.3); half the difference of two is
    the error of the whole, and more where nothing differs: what then varies is quadratic in the
    samples, and e is too large by sqrt(2). Corrected value and ends are cut at 0, see
    `intervals.at_least_zero`, and the plain value may lie outside. The method is "halves-R" for R
    halves, or "halves-R-undersampled", see `is_undersampled`: then the terms of higher order, which
    halves do not show, matter, and the truth may lie below the interval. Where halves are costly,
    three of them and the influence of each sample serve instead, see `frechet_influence`: the
    method is "influence-3".

    Raises:
        ValueError: as `frechet_distance`.
    """
    return frechet_intervals_unbounded(x, y).map(at_least_zero)


def frechet_intervals_unbounded(x: Features, y: Features) -> FrechetIntervals:
    """The same before anything is cut at 0: what a simulation of the coverage looks at."""
    x, y = _checked(x, y)
    if is_costly(len(x), len(y), x.shape[1]):
        return influence_intervals(x, y)
    distance = frechet_distance(x, y)
    values = (distance.total, distance.mean_term, distance.covariance_term)
    if min(len(x), len(y)) < MIN_HALVED:
        return FrechetIntervals(*map(without_interval, values))
    num = num_halves(len(x), len(y), x.shape[1])
    means, covariances = halved_terms(x, y, num)  # (R,) each
    method = f"halves-{num}"
    if is_undersampled(x, y):
        method += f"-{UNDERSAMPLED}"
    halved = (means + covariances, means, covariances)
    return FrechetIntervals(
        *(halves_interval(*part, method=method) for part in zip(values, halved, strict=True))
    )


def influence_intervals(x: Array, y: Array) -> FrechetIntervals:
    """The same where halves are costly, see `frechet_influence`; float64 with 4 samples a side."""
    return expansion_intervals(expanded(x, y))


def expansion_intervals(expansion: Expansion) -> FrechetIntervals:
    """Intervals of a distance, or of a difference of two, from its expansion."""
    found = estimates(expansion)
    method = f"influence-{NUM_HALVES}"
    if _has_few(len(expansion.of_x), len(expansion.of_y), max(found.ranks)):
        method += f"-{UNDERSAMPLED}"
    half_widths = normal_quantile(0.95) * found.errors
    ends = zip(found.values, found.corrected, half_widths, strict=True)
    return FrechetIntervals(
        *(
            Interval(float(v), float(c - half), float(c + half), method, float(c))
            for v, c, half in ends
        )
    )


def halves_interval(value: float, halved: Array, *, method: str) -> Interval:
    """v - (mean h - v), plus and minus 1.96 times the root mean square of (h - h') / 2.

    Args:
        value: v, of the sets themselves.
        halved: of both parts of each split, one after the other, (R,).
        method: name of the interval.
    """
    corrected = bias_corrected(value, halved)
    error = math.sqrt(float(((halved[::2] - halved[1::2]) ** 2).mean())) / 2.0
    half_width = normal_quantile(0.95) * error
    return Interval(value, corrected - half_width, corrected + half_width, method, corrected)


def is_undersampled(x: Features, y: Features) -> bool:
    """Whether samples are too few for the interval: what halves do not show of the bias matters.

    That is where a side has fewer than `MIN_SAMPLES`, or 1 / (1 / N + 1 / M) is below
    `MIN_PER_RANK` times the effective rank: the larger one of both sides, as the smaller side shows
    too little of it.

    Args:
        x: (N, D).
        y: (M, D).
    """
    return _has_few(len(x), len(y), max(effective_rank(x), effective_rank(y)))


def _has_few(num: int, other: int, rank: float) -> bool:
    return min(num, other) < MIN_SAMPLES or num * other / (num + other) < MIN_PER_RANK * rank


def frechet_values(protocol: str, x: Features, y: Features) -> list[MetricValue]:
    """`fid-<protocol>` or `fd-...` with interval and bias-corrected value.

    Args:
        protocol: of the features.
        x: of the samples, (N, D).
        y: of the reference, (M, D).
    """
    return [frechet_intervals(x, y).total.row(frechet_name(protocol), "all", len(x))]


def expected_distance_of_equals(eigenvalues: Features, num: int, other: int) -> float:
    """Expected distance of two samples of one Gaussian, to first order in 1/num and 1/other.

    (1/n + 1/m) [ sum_i l_i + 1/2 sum_ij l_i l_j (1 + [i = j]) / (l_i + l_j) ]; in one dimension
    1.5 variance (1/n + 1/m). Heavier tails than a Gaussian's raise it.

    Args:
        eigenvalues: l, of the covariance, none negative, (D,); D well below both sizes.
        num: n, samples on one side.
        other: m, samples on the other.
    """
    values = np.asarray(eigenvalues, np.float64)
    values = values[values > 0.0]
    pairs = np.outer(values, values) / np.add.outer(values, values)  # (D, D)
    return float((1 / num + 1 / other) * (values.sum() + 0.5 * (pairs.sum() + pairs.trace())))


def _trace_root(x: Array, y: Array) -> float:
    """Tr (S1 S2)^(1/2) of centred sets."""
    singular = np.linalg.svd(shortened(x) @ shortened(y).T, compute_uv=False)
    return float(singular.sum() / np.sqrt((len(x) - 1) * (len(y) - 1)))


def _checked(x: Features, y: Features) -> tuple[Array, Array]:
    x, y = checked_pair(x, y)
    if min(len(x), len(y)) < 2:
        raise ValueError(f"expected at least 2 samples on each side, got {len(x)} and {len(y)}")
    return x, y
