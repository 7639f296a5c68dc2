"""CLIP score in the three scales in use, from the cosines of images and captions."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.intervals import mean_value, without_interval

LOG = logging.getLogger(__name__)
HESSEL_WEIGHT = 2.5


def clip_values(cosines: NDArray[np.floating], too_long: NDArray[np.bool_]) -> list[MetricValue]:
    """Mean match of image and caption, and how many captions the encoder did not read whole.

    - `clip-cos`: mean cosine.
    - `clip-x100`: 100 x mean cosine. torchmetrics' CLIPScore, but for its cut of a negative mean.
    - `clip-w2.5`: mean of 2.5 max(cosine, 0), cut for each pair (Hessel et al. 2021, Eq. 1).
    - `clip_long_captions`: number of captions of which only the beginning was read.

    Intervals are basic bootstraps over pairs; the count has none. Pairs without a cosine (NaN) are
    left out, which a warning says.

    Args:
        cosines: one per sample, [-1, 1], (N,).
        too_long: (N,).

    Raises:
        ValueError: the lengths differ.
    """
    if len(cosines) != len(too_long):
        raise ValueError(
            f"expected one flag per cosine, got {len(too_long)} flags and {len(cosines)} cosines"
        )
    cosines = np.asarray(cosines, np.float64)
    num_missing = int(np.isnan(cosines).sum())
    if num_missing:
        LOG.warning(
            "CLIP score: %d of %d captions have no cosine (NaN) and are left out of the mean; look "
            "at the CLIP network or at these images",
            num_missing,
            len(cosines),
        )
    return [
        mean_value("clip-cos", "all", cosines),
        mean_value("clip-x100", "all", 100.0 * cosines),
        mean_value("clip-w2.5", "all", HESSEL_WEIGHT * np.maximum(cosines, 0.0)),
        without_interval(float(np.sum(too_long))).row("clip_long_captions", "all", len(cosines)),
    ]
