"""95 % intervals over samples: basic bootstrap, Wilson score, normal; all with a fixed seed.

The basic (reverse percentile) interval reflects the resampled values at the estimate. For a mean it
is close to the percentile interval; for a distance, whose resampled values are too large by the
bias that the estimate itself has, only the reflected one covers the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.protocols import MetricValue

NUM_RESAMPLES = 2000
"""Of a mean; distances, which cost more, say their number in the method's name."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its confidence interval."""

    value: float
    low: float
    high: float
    method: str  # "basic", "basic-200", "wilson", "jackknife", ...; "none": ends are NaN
    corrected: float = math.nan  # the value without its small-sample bias, where that is known

    def row(self, metric: str, class_name: str, num_samples: int) -> MetricValue:
        """The interval as a value of a metric."""
        return MetricValue(metric, class_name, self.value, num_samples, self.low, self.high,
                           self.method, self.corrected)  # fmt: skip


def without_interval(value: float) -> Interval:
    """A value that has no interval: a count, or too few samples to resample."""
    return Interval(value, math.nan, math.nan, "none")


def resample_counts(num: int, num_resamples: int, seed: int) -> NDArray[np.int32]:
    """How often each of `num` samples is drawn in each bootstrap resample; (R, N), rows sum to N.

    Row r depends on `num`, `seed` and r only, so that two metrics over the same samples are
    resampled alike.

    Raises:
        ValueError: `num` is below 1.
    """
    if num < 1:
        raise ValueError(f"num: expected at least 1 sample to draw from, got {num}")
    rng = np.random.default_rng(seed)
    counts = np.empty((num_resamples, num), np.int32)
    for row in counts:
        row[:] = np.bincount(rng.integers(num, size=num), minlength=num)
    return counts


def sample_counts(num: int, *, seed: int = 0) -> NDArray[np.int32]:
    """The resamples that all means over `num` samples share, (R, N); of one sample there are none.

    R is `NUM_RESAMPLES`, or 0.
    """
    return resample_counts(num, NUM_RESAMPLES if num > 1 else 0, seed)


def basic_interval(
    value: float, resampled: NDArray[np.floating], *, level: float = 0.95, method: str = "basic"
) -> Interval:
    """[2 v - q_high, 2 v - q_low], q the resampled quantiles (Davison & Hinkley 1997, Eq. 5.6).

    Resamples in which the value is not defined (NaN: no sample of the class was drawn) are left
    out. The ends are not cut at a bound of the metric: an end below zero of a distance says that
    zero is not excluded.

    Args:
        value: of the samples themselves.
        resampled: the same statistic of each resample, (R,).
        level: of confidence.
        method: name of the interval.
    """
    resampled = resampled[~np.isnan(resampled)]
    if math.isnan(value) or not len(resampled):
        return without_interval(value)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Interval(value, 2.0 * value - float(high), 2.0 * value - float(low), method)


def bias_corrected(value: float, resampled: NDArray[np.floating]) -> float:
    """2 v - mean of the resampled values: the estimate less its bootstrap bias."""
    return 2.0 * value - float(np.mean(resampled))


def mean_interval(values: NDArray[np.floating], *, level: float = 0.95, seed: int = 0) -> Interval:
    """Mean of the values that are not NaN, and its basic bootstrap interval.

    For a paired comparison pass the differences: a sample and its pair are then drawn together.

    Raises:
        ValueError: fewer than two values.
    """
    values = _defined(values)
    if len(values) < 2:
        raise ValueError(f"expected at least 2 values that are not NaN, got {len(values)}")
    means = sample_counts(len(values), seed=seed) @ values / len(values)  # (R,)
    return basic_interval(float(values.mean()), means, level=level)


def mean_value(metric: str, class_name: str, values: NDArray[np.floating]) -> MetricValue:
    """A metric that is a mean over samples; NaN are left out and not counted in `num_samples`.

    Without a value the mean is NaN; a single value has no interval.
    """
    values = _defined(values)
    if len(values) >= 2:
        return mean_interval(values).row(metric, class_name, len(values))
    mean = float(values[0]) if len(values) else math.nan
    return without_interval(mean).row(metric, class_name, len(values))


def wilson(hits: int, num: int, *, level: float = 0.95) -> Interval:
    """Share `hits` / `num` with Wilson's score interval (Wilson 1927); NaN where `num` is 0.

    Within [0, 1], and never of width zero: 5 hits of 5 are compatible with a share of 0.57.

    Raises:
        ValueError: `hits` is not in 0..num.
    """
    if not 0 <= hits <= num:
        raise ValueError(f"hits: expected 0..{num}, got {hits}")
    if num == 0:
        return without_interval(math.nan)
    z, share = normal_quantile(level), hits / num
    centre = (share + z**2 / (2 * num)) / (1 + z**2 / num)
    half = z / (1 + z**2 / num) * math.sqrt(share * (1 - share) / num + z**2 / (4 * num**2))
    low = 0.0 if hits == 0 else centre - half  # exact ends, which rounding would miss
    high = 1.0 if hits == num else centre + half
    return Interval(share, low, high, "wilson")


def normal_quantile(level: float) -> float:
    """Half width, in standard errors, of a two-sided normal interval: 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2.0)


def _defined(values: NDArray[np.floating]) -> NDArray[np.float64]:
    values = np.asarray(values, np.float64)
    return values[~np.isnan(values)]
