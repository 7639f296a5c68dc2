"""Semantic Recall (Section 4.3), and what keeps it honest: precision and false detections."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.protocols import MetricValue

Presence = NDArray[np.bool_]  # (N, K): sample x class


def classes_found(layouts: Tensor, num_classes: int, min_pixels: int = 1) -> Presence:
    """Classes with at least `min_pixels` pixels in each layout.

    Args:
        layouts: uint8 (B, H, W); ids beyond the classes are not counted.
        num_classes: K.
        min_pixels: 1 is the paper's definition.

    Returns:
        bool (B, K).
    """
    counts = class_counts(layouts, num_classes)  # (B, K)
    return counts >= min_pixels


def class_counts(layouts: Tensor, num_classes: int) -> NDArray[np.int64]:
    """Pixels of each class, (B, K)."""
    num = len(layouts)
    flat = layouts.reshape(num, -1).long().clamp_max(num_classes)  # (B, H W)
    flat = flat + (num_classes + 1) * torch.arange(num)[:, None]
    counts = torch.bincount(flat.flatten(), minlength=num * (num_classes + 1))
    return counts.reshape(num, num_classes + 1)[:, :num_classes].numpy()


def classes_asked(sets: Sequence[Collection[int]], num_classes: int) -> Presence:
    """Classes that each caption names, as bool (N, K)."""
    asked = np.zeros((len(sets), num_classes), bool)
    for row, members in enumerate(sets):
        asked[row, list(members)] = True
    return asked


def recall_per_sample(asked: Presence, found: Presence) -> NDArray[np.float64]:
    """|found and asked| / |asked| of each sample, NaN where nothing was asked for. (N,)"""
    return _ratio((asked & found).sum(1), asked.sum(1))


def precision_per_sample(asked: Presence, found: Presence) -> NDArray[np.float64]:
    """|found and asked| / |found| of each sample, NaN where nothing was found. (N,)"""
    return _ratio((asked & found).sum(1), found.sum(1))


def recall_values(
    asked: Presence, found: Presence, class_names: Sequence[str], nameable: Collection[int]
) -> list[MetricValue]:
    """Semantic Recall, Semantic Precision and false-detection rate, total and per class.

    - `semantic_recall`, all: mean over samples of recall (the paper's formula); per class: share
      of the captions naming the class whose image shows it.
    - `semantic_precision`, all: mean over samples; per class: share of the images showing the
      class whose caption names it.
    - `false_detection_rate`, per class: share of the captions not naming the class whose image
      shows it; all: mean over classes.

    A value without a sample to compute it from is NaN with `num_samples` 0.

    Args:
        asked: bool (N, K).
        found: bool (N, K).
        class_names: K names.
        nameable: ids a caption may name; the others are neither asked for nor counted as found.
    """
    columns = sorted(nameable)
    asked, found = asked[:, columns], found[:, columns]
    values = [
        _mean("semantic_recall", recall_per_sample(asked, found)),
        _mean("semantic_precision", precision_per_sample(asked, found)),
    ]
    rates = []
    for place, column in enumerate(columns):
        name, wanted, seen = class_names[column], asked[:, place], found[:, place]
        rate = _share("false_detection_rate", name, seen[~wanted])
        rates.append(rate.value)
        values += [
            _share("semantic_recall", name, seen[wanted]),
            _share("semantic_precision", name, wanted[seen]),
            rate,
        ]
    defined = np.array(rates)[~np.isnan(rates)]
    total = float(defined.mean()) if len(defined) else float("nan")
    values.append(MetricValue("false_detection_rate", "all", total, len(asked)))
    return values


def _share(metric: str, class_name: str, hits: NDArray[np.bool_]) -> MetricValue:
    value = float(hits.mean()) if len(hits) else float("nan")
    return MetricValue(metric, class_name, value, len(hits))


def _mean(metric: str, per_sample: NDArray[np.float64]) -> MetricValue:
    defined = per_sample[~np.isnan(per_sample)]
    value = float(defined.mean()) if len(defined) else float("nan")
    return MetricValue(metric, "all", value, len(defined))


def _ratio(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
