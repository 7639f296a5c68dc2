"""mIoU between a reference layout and another, from one confusion matrix over the whole set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.protocols import IGNORE_ID, MetricValue


def confusion_matrix(reference: Tensor, other: Tensor, num_classes: int) -> NDArray[np.int64]:
    """Pixel counts (K, K), rows = reference; pixels ignored in the reference are dropped.

    Args:
        reference: uint8 (B, H, W).
        other: uint8 (B, H, W).
        num_classes: K.

    Raises:
        ValueError: shapes differ, or an id is outside the classes.
    """
    if reference.shape != other.shape:
        raise ValueError(f"expected layouts of one shape, got {reference.shape}, {other.shape}")
    kept = reference != IGNORE_ID
    rows, columns = reference[kept].long(), other[kept].long()
    if rows.numel() and int(torch.maximum(rows.max(), columns.max())) >= num_classes:
        highest = int(torch.maximum(rows.max(), columns.max()))
        raise ValueError(f"expected class ids below {num_classes}, got {highest}")
    counts = torch.bincount(rows * num_classes + columns, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).numpy()


def intersection_over_union(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """IoU of each class, (K,); NaN for a class that neither side has."""
    hits = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hits
    return np.divide(hits, union, out=np.full(len(hits), np.nan), where=union > 0)


def iou_values(
    confusion: NDArray[np.int64], class_names: Sequence[str], num_samples: int
) -> list[MetricValue]:
    """`miou` over the classes present, and `iou` of each class (NaN where absent)."""
    iou = intersection_over_union(confusion)
    present = iou[~np.isnan(iou)]
    mean = float(present.mean()) if len(present) else float("nan")
    per_class = [
        MetricValue("iou", name, float(value), num_samples)
        for name, value in zip(class_names, iou, strict=True)
    ]
    return [MetricValue("miou", "all", mean, num_samples), *per_class]
