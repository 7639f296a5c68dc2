"""mIoU between a reference layout and another, from one confusion matrix over the whole set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.metrics.intervals import basic_interval, sample_counts, without_interval
from gcdp_bench.protocols import IGNORE_ID, MetricValue


def confusion_matrices(reference: Tensor, other: Tensor, num_classes: int) -> NDArray[np.int64]:
    """Pixel counts of each layout (B, K, K), rows = reference.

    Pixels ignored in the reference are dropped.

    Args:
        reference: uint8 (B, H, W).
        other: uint8 (B, H, W).
        num_classes: K.

    Raises:
        ValueError: shapes differ, or an id is outside the classes.
    """
    if reference.shape != other.shape:
        raise ValueError(f"expected layouts of one shape, got {reference.shape}, {other.shape}")
    num = len(reference)
    kept = reference != IGNORE_ID  # (B, H, W)
    rows, columns = reference[kept].long(), other[kept].long()
    if rows.numel() and int(torch.maximum(rows.max(), columns.max())) >= num_classes:
        highest = int(torch.maximum(rows.max(), columns.max()))
        raise ValueError(f"expected class ids below {num_classes}, got {highest}")
    image = torch.arange(num)[:, None, None].expand(kept.shape)[kept]
    cells = (image * num_classes + rows) * num_classes + columns
    counts = torch.bincount(cells, minlength=num * num_classes**2)
    return counts.reshape(num, num_classes, num_classes).numpy()


def confusion_matrix(reference: Tensor, other: Tensor, num_classes: int) -> NDArray[np.int64]:
    """Pixel counts of all layouts together (K, K); otherwise as `confusion_matrices`."""
    return confusion_matrices(reference, other, num_classes).sum(0)


def intersection_over_union(confusion: NDArray[np.number]) -> NDArray[np.float64]:
    """IoU of each class, (..., K) from (..., K, K); NaN for a class that neither side has."""
    hits = confusion.diagonal(axis1=-2, axis2=-1)
    union = confusion.sum(-2) + confusion.sum(-1) - hits
    return np.divide(hits, union, out=np.full(hits.shape, np.nan), where=union > 0)


def iou_values(
    confusions: NDArray[np.int64], class_names: Sequence[str], *, num_scored: int | None = None
) -> list[MetricValue]:
    """Agreement of two sets of layouts, all from the sum of the matrices.

    - `miou`: mean IoU of the classes that a side has.
    - `iou`: of each class, NaN where neither side has it.
    - `iou_absent_classes`: number of those, without an interval.
    - `pixel_accuracy`: share of the labelled pixels that agree.

    Intervals: basic bootstrap over images, each resample's matrices summed before anything is
    divided; a resample without a class has no IoU of it.

    Args:
        confusions: pixel counts of each image, (N, K, K).
        class_names: K names.
        num_scored: only the first classes enter `miou` and have an `iou`; the others are answers
            that are wrong wherever they are given. None: all.
    """
    num, num_classes, _ = confusions.shape
    scored = slice(num_scored)
    total = confusions.sum(0)
    counts = sample_counts(num)  # (R, N)
    resampled = counts @ confusions.reshape(num, -1).astype(np.float64)
    resampled = resampled.reshape(-1, num_classes, num_classes)  # (R, K, K)
    iou = intersection_over_union(total)[scored]
    iou_resampled = intersection_over_union(resampled)[:, scored]
    rows = [
        basic_interval(float(_mean_defined(iou)), _mean_defined(iou_resampled)).row(
            "miou", "all", num
        ),
        basic_interval(float(_accuracy(total)), _accuracy(resampled)).row(
            "pixel_accuracy", "all", num
        ),
        without_interval(float(np.isnan(iou).sum())).row("iou_absent_classes", "all", num),
    ]
    for name, value, values in zip(class_names[scored], iou, iou_resampled.T, strict=True):
        rows.append(basic_interval(float(value), values).row("iou", name, num))
    return rows


def _mean_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0.0).sum(-1), defined.sum(-1))


def _accuracy(confusion: NDArray[np.number]) -> NDArray[np.float64]:
    hits = confusion.trace(axis1=-2, axis2=-1)
    return _ratio(hits, confusion.sum((-2, -1)))


def _ratio(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    part, whole = np.asarray(part, np.float64), np.asarray(whole)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
