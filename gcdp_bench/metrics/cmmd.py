"""CMMD (Jayasumana et al. 2024): MMD^2 of CLIP embeddings with a Gaussian kernel, times 1000."""

from __future__ import annotations

import math

import numpy as np

from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.feature_sets import Array, Features, checked_pair, squared_distances
from gcdp_bench.metrics.intervals import at_least_zero
from gcdp_bench.metrics.mmd import kernel_sums, normal_interval

SIGMA = 10.0
SCALE = 1000.0


def cmmd_values(x: Features, y: Features) -> list[MetricValue]:
    """`cmmd` of embeddings, which are scaled to length 1 first, as the paper's are.

    The value is the paper's: the biased estimate, all pairs. `corrected` is the unbiased one, and
    the interval is around it: normal, with the jackknife error over both sides; both are cut at 0.
    NaN below 2 samples a side, no interval below 3.

    Args:
        x: of the samples, (N, D).
        y: of the reference, (M, D).

    Raises:
        ValueError: shapes do not fit, a value is not finite, or an embedding is zero.
    """
    x, y = (_unit(part) for part in checked_pair(x, y))
    smallest = min(len(x), len(y))
    if smallest < 2:
        return [MetricValue("cmmd", "all", math.nan, len(x))]
    sums = kernel_sums(x, y, gaussian_kernel)
    value, corrected = SCALE * sums.biased(), SCALE * sums.unbiased()
    error = SCALE * sums.jackknife_error() if smallest > 2 else math.nan
    found = at_least_zero(normal_interval(value, corrected, error))
    return [found.row("cmmd", "all", len(x))]


def gaussian_kernel(a: Array, b: Array) -> Array:
    """exp(-|a - b|^2 / (2 sigma^2)) of every pair, (N, M)."""
    return np.exp(squared_distances(a, b) / (-2.0 * SIGMA**2))


def _unit(embeddings: Array) -> Array:
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    if not (lengths > 0.0).all():
        raise ValueError("expected embeddings of positive length; got one that is zero")
    return embeddings / lengths
