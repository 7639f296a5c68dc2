"""Fréchet distance of two sets of features (Heusel et al. 2017), and how much of it is chance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gcdp_bench.metrics.feature_sets import Array, Features, checked_pair
from gcdp_bench.metrics.frechet_bootstrap import num_resamples, resampled_terms, shortened
from gcdp_bench.metrics.intervals import Interval, basic_interval, bias_corrected
from gcdp_bench.protocols import MetricValue

UNDERSAMPLED = 3.0
"""Ratio of the correction to half the interval's width, above which the method says so."""


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
    """Distance with basic bootstrap intervals: both sides are resampled, independently.

    The distance of finite sets is too large; `corrected` is 2 v - mean of the resampled distances,
    and the interval is one for the distance of the populations, so that the plain value may lie
    outside it. The method is "basic-R" for R resamples.

    The bootstrap sees most of the bias where samples are many for the features, and less where they
    are few. What it misses does not matter while the correction is of the order of the interval;
    where it is more than three times half the width, the method reads "basic-R-undersampled":
    corrected value and interval may be too high, and the truth below them. Take more samples, or
    read KID.

    Raises:
        ValueError: as `frechet_distance`.
    """
    x, y = _checked(x, y)
    distance = frechet_distance(x, y)
    num = num_resamples(len(x), len(y), x.shape[1])
    means, covariances = resampled_terms(x, y, num)  # (R,) each
    totals = means + covariances
    ends = basic_interval(distance.total, totals)
    correction = distance.total - bias_corrected(distance.total, totals)
    few = correction > UNDERSAMPLED * (ends.high - ends.low) / 2.0
    method = f"basic-{num}-undersampled" if few else f"basic-{num}"

    def interval(value: float, resampled: Array) -> Interval:
        ends = basic_interval(value, resampled, method=method)
        return replace(ends, corrected=bias_corrected(value, resampled))

    return FrechetIntervals(
        interval(distance.total, totals),
        interval(distance.mean_term, means),
        interval(distance.covariance_term, covariances),
    )


def frechet_values(metric: str, x: Features, y: Features) -> list[MetricValue]:
    """The distance of samples and reference, with interval and bias-corrected value.

    Args:
        metric: its name, for example "fid-tf1".
        x: of the samples, (N, D).
        y: of the reference, (M, D).
    """
    return [frechet_intervals(x, y).total.row(metric, "all", len(x))]


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
