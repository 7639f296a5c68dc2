"""Bootstrap intervals over samples: basic (reverse percentile), resampled with a fixed seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its confidence interval."""

    value: float
    low: float
    high: float


def mean_interval(values: NDArray[np.floating], *, level: float = 0.95, seed: int = 0) -> Interval:
    """Mean of the values that are not NaN, and its basic bootstrap interval.

    For a paired comparison pass the differences: a sample and its pair are then drawn together.

    Raises:
        ValueError: fewer than two values.
    """
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    if len(values) < 2:
        raise ValueError(f"expected at least 2 values that are not NaN, got {len(values)}")
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(values), size=(NUM_RESAMPLES, len(values)))
    means = values[draws].mean(1)  # (R,)
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    mean = float(values.mean())
    return Interval(mean, 2 * mean - float(high), 2 * mean - float(low))
