"""Kernel Inception Distance (Binkowski et al. 2018): unbiased MMD^2 with a cubic kernel."""

from __future__ import annotations

import math

import numpy as np

from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.feature_sets import Array, Features, checked_pair
from gcdp_bench.metrics.intervals import at_least_zero
from gcdp_bench.metrics.mmd import (
    Rows,
    kernel_sums,
    kernel_sums_and_subsets,
    normal_interval,
)

SUBSET_SIZE = 1000
NUM_SUBSETS = 100
MOST_PAIRED = 10_000
"""Samples of a side above which the kernel of all pairs, which grows with their square, is not
made: subsets are taken one by one, and the jackknife sees so many of each side."""


def kid_values(suffix: str, x: Features, y: Features, *, seed: int = 0) -> list[MetricValue]:
    """`kid-<suffix>`, without bias for any number of samples; hence it may be negative.

    Where either set has at most 1000 samples: the estimate from all samples of both sets, once.
    Otherwise, as published, the mean over 100 subsets of 1000 of each.

    The interval is normal with the jackknife error of the estimate from all samples, and cut at 0,
    as `corrected` is; with subsets the variance of their mean is added. The spread of subsets alone
    is not an error: it is zero where a subset is the whole set. Of a side with more than 10,000
    samples the jackknife sees 10,000 random ones, whose variance is divided accordingly
    ("jackknife-10000"); where nothing differs the interval is wider. NaN below 2 samples a side, no
    interval below 3.

    Args:
        suffix: the features' protocol.
        x: of the samples, (N, D).
        y: of the reference, (M, D).
        seed: of the subsets.

    Raises:
        ValueError: shapes do not fit, or a value is not finite.
    """
    x, y = checked_pair(x, y)
    metric, smallest = f"kid-{suffix}", min(len(x), len(y))
    if smallest < 2:
        return [MetricValue(metric, "all", math.nan, len(x))]
    method = "jackknife"
    if smallest > SUBSET_SIZE:
        subsets = draw_subsets(len(x), len(y), size=SUBSET_SIZE, num_subsets=NUM_SUBSETS, seed=seed)
        if max(len(x), len(y)) > MOST_PAIRED:
            method = f"jackknife-{MOST_PAIRED}"
            values = np.array(
                [kernel_sums(x[a], y[b], cubic_kernel).unbiased() for a, b in subsets]
            )
            sums = kernel_sums(*_random_parts(x, y, seed), cubic_kernel)
        else:
            sums, values = kernel_sums_and_subsets(x, y, cubic_kernel, subsets)
        value = float(values.mean())
        spread = float(values.std(ddof=1)) / math.sqrt(NUM_SUBSETS)
        error = math.hypot(sums.jackknife_error(len(x), len(y)), spread)
    else:
        sums = kernel_sums(x, y, cubic_kernel)
        value = sums.unbiased()
        error = sums.jackknife_error() if smallest > 2 else math.nan
    found = at_least_zero(normal_interval(value, value, error, method=method))
    return [found.row(metric, "all", len(x))]


def draw_subsets(
    num: int, other: int, *, size: int, num_subsets: int, seed: int
) -> list[tuple[Rows, Rows]]:
    """Rows of random subsets of both sides, (size,) each.

    The draws are torch-fidelity's: `numpy.random.RandomState(seed)`, x before y, so that the same
    seed there (`rng_seed`) gives the same numbers.

    Args:
        num: N, samples of x.
        other: M, samples of y.
        size: of a subset.
        num_subsets: of each side.
        seed: of the draws.

    Raises:
        ValueError: `size` is larger than a set.
    """
    if size > min(num, other):
        raise ValueError(f"size: expected at most {min(num, other)} samples, got {size}")
    state = np.random.RandomState(seed)
    return [
        (state.choice(num, size, replace=False), state.choice(other, size, replace=False))
        for _ in range(num_subsets)
    ]


def _random_parts(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    """`MOST_PAIRED` samples of a side that has more."""
    rng = np.random.default_rng(seed)
    x, y = (
        side[rng.choice(len(side), MOST_PAIRED, replace=False)] if len(side) > MOST_PAIRED else side
        for side in (x, y)
    )
    return x, y


def cubic_kernel(a: Array, b: Array) -> Array:
    """(a . b / D + 1)^3 of every pair, (N, M)."""
    base = a @ b.T / a.shape[1] + 1.0
    cube = base * base  # numpy's power is several times slower
    cube *= base
    return cube
