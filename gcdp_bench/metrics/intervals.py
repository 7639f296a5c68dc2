"""95 % intervals over samples, all with a fixed seed.

- `bounded_mean`: of values between two bounds, as shares are; holds near a bound too.
- `wilson`: of a share of yes and no.
- `basic_interval`: of whatever can be resampled, reflected at the estimate.

An interval stays within the bounds of its quantity, and has a width even where all samples agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import MetricValue

NUM_RESAMPLES = 2000
"""Resamples of a mean; the method's name has the number of a distance, which costs more."""

SHARE = (0.0, 1.0)
"""Bounds of a share."""

BLOCK = 2**22
"""Random weights that are held at once, and at most in one entry of a cache."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its confidence interval."""

    value: float
    low: float
    high: float
    method: str  # "bounded", "basic", "wilson", "jackknife", ...; "none": ends are NaN
    corrected: float = math.nan  # the value without its small-sample bias, where it has one

    @property
    def centre(self) -> float:
        """Centre of the interval: the corrected value, or the value where it has no bias."""
        return self.value if math.isnan(self.corrected) else self.corrected

    def row(self, metric: str, class_name: str, num_samples: int) -> MetricValue:
        """The interval as a value of a metric."""
        return MetricValue(
            metric,
            class_name,
            self.value,
            num_samples,
            self.low,
            self.high,
            self.method,
            self.corrected,
        )


def without_interval(value: float) -> Interval:
    """A value that has no interval: a count, or too few samples to resample."""
    return Interval(value, math.nan, math.nan, "none")


def resample_counts(num: int, num_resamples: int, seed: int) -> NDArray[np.int64]:
    """Counts of each of `num` samples in each bootstrap resample; (R, N), rows sum to N.

    Row r depends on `num`, `seed` and r only, so that two metrics over the same samples are
    resampled alike.

    Raises:
        ValueError: `num` is below 1.
    """
    blocks = list(_count_blocks(num, num_resamples, seed))
    return np.concatenate(blocks) if blocks else np.empty((0, num), np.int64)


def resampled_sums(columns: NDArray[np.number], *, seed: int = 0) -> NDArray[np.float64]:
    """Sums over the samples of each resample; of one sample there are no resamples.

    Args:
        columns: what is summed, (N,) or (N, C).
        seed: of the resamples, which all sums over N samples share.

    Returns:
        (R,) or (R, C); R is `NUM_RESAMPLES`, or 0.
    """
    columns = np.asarray(columns, np.float64)
    num = len(columns)
    num_resamples = NUM_RESAMPLES if num > 1 else 0
    if num * num_resamples <= BLOCK:
        return _kept_counts(num, num_resamples, seed) @ columns
    blocks = _count_blocks(num, num_resamples, seed)
    return np.concatenate([block.astype(np.float64) @ columns for block in blocks])


def weighted_sums(
    columns: NDArray[np.number], *, num: int = NUM_RESAMPLES, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over samples under random weights, and the weights of an imagined sample.

    Weights are those of the Bayesian bootstrap (Rubin 1981): exponential, independent, of mean 1.
    The imagined sample stands for what N samples did not show; its weight is Gamma(1/2), half a
    sample on average.

    Args:
        columns: what is summed, (N, C).
        num: R.
        seed: of the weights; they depend on `seed`, R and N only.

    Returns:
        (R, C) and (R,).
    """
    columns = np.asarray(columns, np.float64)
    if num * len(columns) <= BLOCK:
        weights, imagined = _kept_weights(len(columns), num, seed)
        return weights @ columns, imagined  # (R, C), (R,)
    rng = np.random.default_rng(seed)
    imagined = rng.standard_gamma(0.5, num)  # (R,)
    sums: list[NDArray[np.float64]] = [
        rng.standard_exponential((rows, len(columns))) @ columns
        for rows in _blocks(num, len(columns))
    ]
    return np.concatenate(sums), imagined  # (R, C), (R,)


def bounded_interval(
    value: float,
    lower: NDArray[np.floating],
    upper: NDArray[np.floating],
    *,
    level: float = 0.95,
) -> Interval:
    """From the low quantile of `lower` to the high quantile of `upper`.

    Args:
        value: of the samples themselves.
        lower: the statistic under random weights, the imagined sample at its worst, (R,).
        upper: the same with the imagined sample at its best, (R,).
        level: of confidence.
    """
    if math.isnan(value):
        return without_interval(value)
    tail = (1.0 - level) / 2.0
    return Interval(
        value, float(np.quantile(lower, tail)), float(np.quantile(upper, 1.0 - tail)), "bounded"
    )


def bounded_mean(
    values: NDArray[np.floating],
    bounds: tuple[float, float] = SHARE,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Mean of values within bounds that are not NaN; "bounded" interval.

    Each end is a quantile of the Bayesian bootstrap in which an imagined sample stands at the bound
    on that side with half a sample's weight. Of zeros and ones these are the ends of Jeffreys'
    interval; 20 ones give [0.88, 1]. With a whole sample's weight it would be Gaffke's bound, which
    is Clopper and Pearson's for zeros and ones and covers more than it says.

    Args:
        values: (N,), within `bounds`.
        bounds: of a single value.
        level: of confidence.
        seed: of the draws.

    Raises:
        ValueError: fewer than two values, or one out of bounds.
    """
    values = _defined(values, 2)
    lower, upper = bounded_draws(values, bounds, seed=seed)
    return bounded_interval(float(values.mean()), lower, upper, level=level)


def bounded_draws(
    values: NDArray[np.floating],
    bounds: tuple[float, float],
    *,
    num: int = NUM_RESAMPLES,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means under random weights with the imagined sample at each bound, (R,) and (R,).

    Raises:
        ValueError: a value is out of bounds.
    """
    low, high = bounds
    slack = 1e-9 * (high - low)  # of rounding
    if values.min() < low - slack or values.max() > high + slack:
        raise ValueError(
            f"expected values in [{low:g}, {high:g}], got {values.min():g} to {values.max():g}"
        )
    sums, imagined = weighted_sums(np.stack([values, np.ones_like(values)], 1), num=num, seed=seed)
    total = sums[:, 1] + imagined
    ends = ((sums[:, 0] + imagined * bound) / total for bound in bounds)
    return tuple(np.clip(end, low, high) for end in ends)  # type: ignore[return-value]


def sign_p_value(lower: NDArray[np.floating], upper: NDArray[np.floating]) -> float:
    """Twice the smaller share of draws on the wrong side of 0: p of a mean of 0.

    Below 1 - level where the interval of these draws excludes 0; at least 2 / (R + 1).

    Args:
        lower: draws behind the low end, (R,).
        upper: draws behind the high end, (R,).
    """
    wrong = min(int((lower <= 0).sum()), int((upper >= 0).sum()))
    return min(1.0, 2.0 * (wrong + 1) / (len(lower) + 1))


def holm(p_values: NDArray[np.floating]) -> NDArray[np.float64]:
    """p-values adjusted for testing K hypotheses at once (Holm 1979), (K,).

    The k-th smallest times K - k + 1, at least the adjusted value before it, at most 1.
    """
    order = np.argsort(p_values, kind="stable")
    num = len(order)
    adjusted = np.empty(num)
    adjusted[order] = np.maximum.accumulate(np.asarray(p_values)[order] * np.arange(num, 0, -1))
    return np.minimum(adjusted, 1.0)


def basic_interval(
    value: float, resampled: NDArray[np.floating], *, level: float = 0.95, method: str = "basic"
) -> Interval:
    """[2 v - q_high, 2 v - q_low], q the resampled quantiles (Davison & Hinkley 1997, Eq. 5.6).

    Resamples in which the value is not defined (NaN: no sample of the class was drawn) are left
    out. The ends are not cut at a bound: see `at_least_zero`.

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


def at_least_zero(interval: Interval) -> Interval:
    """The interval of a distance, which cannot be negative, from one that knows no bound.

    Corrected value and ends are cut at 0. An interval whose centre c is below 0 is first moved up
    by -c: cutting alone would leave no width, or nothing.
    """
    below = min(interval.centre, 0.0)
    return replace(
        interval,
        corrected=interval.centre - below,
        low=max(interval.low, 0.0) if not math.isnan(interval.low) else math.nan,
        high=interval.high - below,
    )


def mean_interval(values: NDArray[np.floating], *, level: float = 0.95, seed: int = 0) -> Interval:
    """Mean of values without bounds that are not NaN, and its basic bootstrap interval.

    For a paired comparison pass the differences: a sample and its pair are then drawn together.
    Values that are all the same have no interval: nothing says how far another could lie.

    Raises:
        ValueError: fewer than two values.
    """
    values = _defined(values, 2)
    mean = float(values.mean())
    if np.ptp(values) == 0.0:
        return without_interval(mean)
    means = resampled_sums(values, seed=seed) / len(values)  # (R,)
    return basic_interval(mean, means, level=level)


def mean_value(
    metric: str,
    class_name: str,
    values: NDArray[np.floating],
    bounds: tuple[float, float] | None = None,
) -> MetricValue:
    """A metric that is a mean over samples; NaN are left out and not counted in `num_samples`.

    Without a value the mean is NaN; a single value has no interval.

    Args:
        metric: its name.
        class_name: "all", or a class.
        values: (N,).
        bounds: of a single value; None: it has none.
    """
    values = _defined(values)
    if len(values) >= 2:
        found = mean_interval(values) if bounds is None else bounded_mean(values, bounds)
        return found.row(metric, class_name, len(values))
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


def _defined(values: NDArray[np.floating], num: int = 0) -> NDArray[np.float64]:
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    if len(values) < num:
        raise ValueError(f"expected at least {num} values that are not NaN, got {len(values)}")
    return values


def _count_blocks(num: int, num_resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """The rows of `resample_counts` in blocks; the draws of one row follow those of another."""
    if num < 1:
        raise ValueError(f"num: expected at least 1 sample to draw from, got {num}")
    rng = np.random.default_rng(seed)
    for rows in _blocks(num_resamples, num):
        drawn = rng.integers(num, size=(rows, num))
        drawn += num * np.arange(rows)[:, None]  # place of the count in the block
        yield np.bincount(drawn.ravel(), minlength=rows * num).reshape(rows, num)


@lru_cache(maxsize=2)
def _kept_counts(num: int, num_resamples: int, seed: int) -> NDArray[np.float64]:
    """`resample_counts` to multiply with; read-only."""
    counts = resample_counts(num, num_resamples, seed).astype(np.float64)
    counts.setflags(write=False)
    return counts


@lru_cache(maxsize=2)
def _kept_weights(
    num_samples: int, num: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Random weights (R, N) and those of the imagined sample (R,); both read-only."""
    rng = np.random.default_rng(seed)
    imagined = rng.standard_gamma(0.5, num)
    weights = rng.standard_exponential((num, num_samples))
    for array in (weights, imagined):
        array.setflags(write=False)
    return weights, imagined


def _blocks(num_rows: int, width: int) -> Iterator[int]:
    """Numbers of rows that add up to `num_rows`, of at most `BLOCK` values each."""
    rows = max(1, BLOCK // max(1, width))
    for start in range(0, num_rows, rows):
        yield min(rows, num_rows - start)
