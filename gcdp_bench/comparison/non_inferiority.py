"""The rule by which a faster way to sample is no worse than a baseline."""

from __future__ import annotations

import math

from gcdp_bench.metrics.intervals import Interval

FID_MARGIN = 0.05
"""Largest excess of the Fréchet distance, as a share of the baseline's."""
RECALL_MARGIN = 0.01
"""Largest loss of Semantic Recall, as a share: one point."""


def is_non_inferior(baseline: Interval, fid: Interval, recall: Interval) -> bool | None:
    """Whether both 95 % intervals exclude a difference that matters.

    The upper end of the difference of distances is at most 5 % of the baseline's distance, the
    lower end of the difference of recalls at least -1 point. The baseline's distance is the one
    without its small-sample bias, where that is known, as is the difference's.

    Args:
        baseline: its Fréchet distance.
        fid: distance minus the baseline's, paired.
        recall: Semantic Recall minus the baseline's, paired.

    Returns:
        None where an interval is missing: there are too few samples, or no caption names a class.
    """
    if math.isnan(fid.high) or math.isnan(recall.low):
        return None
    return fid.high <= FID_MARGIN * baseline.centre and recall.low >= -RECALL_MARGIN
