"""CLIP score: 100 x the mean cosine of image and caption features, not clipped at zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.protocols import MetricValue


def clip_values(cosines: NDArray[np.floating], num_long_captions: int) -> list[MetricValue]:
    """`clip_score`, and how many captions were longer than the text encoder reads.

    Args:
        cosines: one per sample, [-1, 1], (N,).
        num_long_captions: captions of which only the beginning was read.
    """
    score = 100.0 * float(np.asarray(cosines, np.float64).mean())
    return [
        MetricValue("clip_score", "all", score, len(cosines)),
        MetricValue("clip_long_captions", "all", float(num_long_captions), len(cosines)),
    ]
