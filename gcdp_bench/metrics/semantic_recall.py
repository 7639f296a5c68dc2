"""Semantic Recall (Section 4.3), and what keeps it honest: precision and false detections."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.intervals import (
    SHARE,
    bounded_interval,
    mean_value,
    weighted_sums,
    wilson,
    without_interval,
)

if TYPE_CHECKING:
    from torch import Tensor

Presence = NDArray[np.bool_]  # (N, K): sample x class

MIN_AREAS: Mapping[str, int] = MappingProxyType({"": 0, "@0.01%": 1, "@0.1%": 10, "@1%": 100})
"""Suffix of the metric -> area, in ten-thousandths of the image, from which a class is found."""


def class_counts(layouts: Tensor, num_classes: int) -> NDArray[np.int64]:
    """Pixels of each class, (B, K)."""
    import torch

    num = len(layouts)
    flat = layouts.reshape(num, -1).long().clamp_max(num_classes)  # (B, H W)
    flat = flat + (num_classes + 1) * torch.arange(num)[:, None]
    counts = torch.bincount(flat.flatten(), minlength=num * (num_classes + 1))
    return counts.reshape(num, num_classes + 1)[:, :num_classes].numpy()


def prompted_classes(sets: Sequence[Collection[int]], num_classes: int) -> Presence:
    """Classes that each caption names, as bool (N, K)."""
    prompted = np.zeros((len(sets), num_classes), bool)
    for row, members in enumerate(sets):
        prompted[row, list(members)] = True
    return prompted


def recall_per_sample(prompted: Presence, found: Presence) -> NDArray[np.float64]:
    """|found and asked| / |asked| of each sample, NaN where nothing was prompted. (N,)"""
    return _ratio((prompted & found).sum(1), prompted.sum(1))


def precision_per_sample(prompted: Presence, found: Presence) -> NDArray[np.float64]:
    """|found and asked| / |found| of each sample, NaN where nothing was found. (N,)"""
    return _ratio((prompted & found).sum(1), found.sum(1))


def pixels_of_area(area: int, num_pixels: int) -> int:
    """Pixels that make up an area, rounded up; at least one.

    Args:
        area: in ten-thousandths of the image.
        num_pixels: H W.
    """
    return max(1, -(-area * num_pixels // 10_000))


def recall_values(
    prompted: Presence,
    counts: NDArray[np.integer],
    num_pixels: int,
    class_names: Sequence[str],
    nameable: Collection[int],
) -> list[MetricValue]:
    """Semantic Recall, Semantic Precision and false-detection rate at four minimum areas.

    A class is found where its pixels make up the area: one pixel (the paper's definition, no
    suffix), 0.01 %, 0.1 % and 1 % of the image (`@0.01%`, ...), one pixel at least. Then

    - `semantic_recall`, all: mean over samples of recall (the paper's formula); per class: share
      of the captions naming the class whose image shows it.
    - `semantic_precision`, all: mean over samples; per class: share of the images showing the
      class whose caption names it.
    - `false_detection_rate`, per class: share of the captions not naming the class whose image
      shows it; all: mean over classes.

    A value without a sample to compute it from is NaN with `num_samples` 0. Intervals: "bounded"
    for all (`intervals.bounded_mean`), Wilson's score interval per class.

    Args:
        asked: bool (N, K).
        counts: pixels of each class in the predicted layouts, (N, K).
        num_pixels: H W of a layout.
        class_names: K names.
        nameable: ids a caption may name; the others are neither prompted nor counted as found.

    Raises:
        ValueError: shapes differ.
    """
    if prompted.shape != counts.shape:
        raise ValueError(
            f"expected counts of shape {prompted.shape}, as prompted, got {counts.shape}"
        )
    columns = sorted(nameable)
    names = [class_names[column] for column in columns]
    values: list[MetricValue] = []
    for suffix, area in MIN_AREAS.items():
        found = counts[:, columns] >= pixels_of_area(area, num_pixels)
        values += _values_of(prompted[:, columns], found, names, suffix)
    return values


def _values_of(
    prompted: Presence, found: Presence, names: Sequence[str], suffix: str
) -> list[MetricValue]:
    recall, precision, rate = (
        f"{name}{suffix}"
        for name in ("semantic_recall", "semantic_precision", "false_detection_rate")
    )
    values = [
        mean_value(recall, "all", recall_per_sample(prompted, found), SHARE),
        mean_value(precision, "all", precision_per_sample(prompted, found), SHARE),
        _mean_false_rate(rate, prompted, found),
    ]
    for name, wanted, seen in zip(names, prompted.T, found.T, strict=True):
        values += [
            _share(recall, name, seen[wanted]),
            _share(precision, name, wanted[seen]),
            _share(rate, name, seen[~wanted]),
        ]
    return values


def _mean_false_rate(metric: str, prompted: Presence, found: Presence) -> MetricValue:
    """The imagined sample of the interval's ends could show what an average one could."""
    num, num_classes = prompted.shape
    false, possible = (
        (found & ~prompted).astype(np.float64),
        (~prompted).astype(np.float64),
    )  # (N, K)
    value = float(_mean_rate(false.sum(0)[None], possible.sum(0)[None])[0])
    if num < 2 or math.isnan(value):
        return without_interval(value).row(metric, "all", num)
    sums, imagined = weighted_sums(np.concatenate([false, possible], 1))  # (R, 2 K), (R,)
    more = imagined[:, None] * possible.mean(0)  # (R, K)
    false, possible = sums[:, :num_classes], sums[:, num_classes:] + more
    lower, upper = _mean_rate(false, possible), _mean_rate(false + more, possible)  # (R,)
    return bounded_interval(value, lower, upper).row(metric, "all", num)


def _mean_rate(false: NDArray[np.float64], possible: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the classes that have a rate, (R,) from (R, K) and (R, K)."""
    defined = possible > 0
    rates = np.divide(false, possible, out=np.zeros_like(false), where=defined)
    return _ratio(rates.sum(1), defined.sum(1))


def _share(metric: str, class_name: str, hits: NDArray[np.bool_]) -> MetricValue:
    return wilson(int(hits.sum()), len(hits)).row(metric, class_name, len(hits))


def _ratio(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
