"""Fréchet Segmentation Distance (Bau et al. 2019): Fréchet distance of class areas in percent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.frechet import frechet_intervals


def area_percent(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each class in the labelled pixels of a layout, in percent.

    Args:
        counts: pixels of each class, (N, K).

    Returns:
        (N, K), rows sum to 100.

    Raises:
        ValueError: a layout has no labelled pixel.
    """
    total = counts.sum(1, keepdims=True)
    if (total == 0).any():
        raise ValueError("expected at least one labelled pixel in every layout")
    return 100.0 * counts / total


def fsd_values(
    areas: NDArray[np.float64], reference: NDArray[np.float64], source: str
) -> list[MetricValue]:
    """`fsd_<source>` and its two terms, all K classes counted, ddof = 1, with intervals.

    Args:
        areas: of the samples, percent, (N, K).
        reference: of the real layouts, percent, (M, K).
        source: "generated" (the generator's layouts) or "predicted" (the segmenter's).
    """
    distance = frechet_intervals(areas, reference)
    num = len(areas)
    return [
        distance.total.row(f"fsd_{source}", "all", num),
        distance.mean_term.row(f"fsd_{source}_mean_term", "all", num),
        distance.covariance_term.row(f"fsd_{source}_covariance_term", "all", num),
    ]


def generated_fsd_values(
    counts: NDArray[np.int64], real_counts: NDArray[np.int64]
) -> list[MetricValue]:
    """FSD of layouts that come with the images, (N, K) and (M, K) pixels of each class."""
    return fsd_values(area_percent(counts), area_percent(real_counts), "generated")


def predicted_fsd_values(
    counts: NDArray[np.int64], real_counts: NDArray[np.int64]
) -> list[MetricValue]:
    """FSD of layouts that a segmenter sees, (N, K) and (M, K) pixels of each class."""
    return fsd_values(area_percent(counts), area_percent(real_counts), "predicted")
