"""mIoU between a reference layout and another, from one confusion matrix over the whole set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import IGNORE_ID, MetricValue
from gcdp_bench.metrics.intervals import Interval, bounded_interval, weighted_sums, without_interval

if TYPE_CHECKING:
    from torch import Tensor


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
    import torch

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
    return _ratio(*_hits_and_unions(confusion))


def iou_values(
    confusions: NDArray[np.int64], class_names: Sequence[str], *, num_scored: int | None = None
) -> list[MetricValue]:
    """Agreement of two sets of layouts, all from the sum of the matrices.

    - `miou`: mean IoU of the classes that a side has.
    - `iou`: of each class, NaN where neither side has it.
    - `iou_absent_classes`: number of those, without an interval.
    - `pixel_accuracy`: share of the labelled pixels that agree.

    Intervals: "bounded" (`intervals.bounded_interval`). Images have random weights, under which
    hits and unions are summed before anything is divided. The imagined image of the ends has no
    hit, or nothing but hits, in a union as large as that of an average image; for the IoU of one
    class, of an average image that has the class.

    Args:
        confusions: pixel counts of each image, (N, K, K).
        class_names: K names.
        num_scored: only the first classes enter `miou` and have an `iou`; the others are answers
            that are wrong wherever they are given. None: all.
    """
    num = len(confusions)
    scored = slice(num_scored)
    total = confusions.sum(0)
    hits, unions = (part[:, scored] for part in _hits_and_unions(confusions))  # (N, K) each
    pixels = np.stack([confusions.trace(axis1=1, axis2=2), confusions.sum((1, 2))], 1)  # (N, 2)
    iou = intersection_over_union(total)[scored]
    accuracy = float(_ratio(pixels[:, 0].sum(), pixels[:, 1].sum()))
    mean, shares, per_class = _intervals(hits, unions, pixels, (iou, accuracy))
    rows = [
        mean.row("miou", "all", num),
        shares.row("pixel_accuracy", "all", num),
        without_interval(float(np.isnan(iou).sum())).row("iou_absent_classes", "all", num),
    ]
    for name, interval in zip(class_names[scored], per_class, strict=True):
        rows.append(interval.row("iou", name, num))
    return rows


def miou(confusions: NDArray[np.int64]) -> float:
    """Mean IoU of the classes that a side has; NaN where there is none. Of (N, K, K)."""
    return float(_mean_defined(intersection_over_union(confusions.sum(0))))


def mean_iou_draws(
    confusions: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """mIoU under random weights, the imagined image all wrong and all right, (R,) and (R,).

    Args:
        confusions: pixel counts of each image, (N, K, K).
    """
    hits, unions = _hits_and_unions(confusions)
    sums, imagined = weighted_sums(np.concatenate([hits, unions], 1))
    return _miou_ends(sums, imagined, unions)


def _miou_ends(
    sums: NDArray[np.float64], imagined: NDArray[np.float64], unions: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """mIoU of weighted sums of hits and unions, (R, 2 K)."""
    num_classes = unions.shape[1]
    hit, union = sums[:, :num_classes], sums[:, num_classes:]
    more = imagined[:, None] * unions.mean(0)  # (R, K)
    lower, upper = (_mean_defined(_ratio(hit + part, union + more)) for part in (0.0, more))
    return lower, upper


def _intervals(
    hits: NDArray[np.int64],
    unions: NDArray[np.int64],
    pixels: NDArray[np.int64],
    values: tuple[NDArray[np.float64], float],
) -> tuple[Interval, Interval, list[Interval]]:
    """Intervals of mIoU, pixel accuracy and each class's IoU; none from a single image.

    Args:
        hits: (N, K).
        unions: (N, K).
        pixels: right ones and all, (N, 2).
        values: IoU of each class (K,), and pixel accuracy.
    """
    iou, accuracy = values
    value = float(_mean_defined(iou))
    if len(hits) < 2:
        alone = [without_interval(float(value)) for value in iou]
        return without_interval(value), without_interval(accuracy), alone
    num_classes = len(iou)
    sums, imagined = weighted_sums(np.concatenate([hits, unions, pixels], 1))  # (R, 2 K + 2), (R,)
    hit, union = sums[:, :num_classes], sums[:, num_classes : 2 * num_classes]  # (R, K) each
    mean = bounded_interval(value, *_miou_ends(sums[:, :-2], imagined, unions))
    more = imagined * pixels[:, 1].mean()  # (R,)
    ends = (_ratio(sums[:, -2] + part, sums[:, -1] + more) for part in (0.0, more))
    share = bounded_interval(accuracy, *ends)
    more = imagined[:, None] * _ratio(unions.sum(0), (unions > 0).sum(0))  # (R, K)
    lower, upper = (_ratio(hit + part, union + more) for part in (0.0, more))
    per_class = [
        bounded_interval(float(value), *ends)
        for value, *ends in zip(iou, lower.T, upper.T, strict=True)
    ]
    return mean, share, per_class


def _hits_and_unions(confusion: NDArray[np.number]) -> tuple[NDArray, NDArray]:
    """Pixels of each class that agree, and that a side has; (..., K) from (..., K, K)."""
    hits = confusion.diagonal(axis1=-2, axis2=-1)
    return hits, confusion.sum(-2) + confusion.sum(-1) - hits


def _mean_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis of what is not NaN; NaN where nothing is."""
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0.0).sum(-1), defined.sum(-1))


def _ratio(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    part, whole = np.asarray(part, np.float64), np.asarray(whole)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
