"""Attribute recall (Figure 1): does the image show what the caption says of the face?

Figure 1 of Park et al. 2023 gives no formula. The one here is that of Semantic Recall with
attributes in place of classes, extended to what a caption excludes ("no beard").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcdp_bench.core.types import AttributedDataset, MetricValue
from gcdp_bench.metrics.intervals import SHARE, mean_value, wilson

NAMED_TRUE, NAMED_FALSE, NOT_NAMED = 1, 0, -1

Prompted = NDArray[np.int8]  # (N, A): sample x attribute, one of the three


def prompted_attributes(dataset: AttributedDataset, captions: Sequence[str]) -> Prompted:
    """Reading of each caption for each attribute, int8 (N, A).

    1: asks for it; 0: excludes it; -1: does not name it.
    """
    prompted = np.full((len(captions), len(dataset.attribute_names)), NOT_NAMED, np.int8)
    for row, caption in enumerate(captions):
        for attribute, wanted in dataset.caption_attributes(caption).items():
            prompted[row, attribute] = NAMED_TRUE if wanted else NAMED_FALSE
    return prompted


def attribute_values(
    prompted: Prompted,
    probabilities: NDArray[np.floating],
    thresholds: ArrayLike,
    names: Sequence[str],
) -> list[MetricValue]:
    """Attribute recall, precision and false detections, total and per attribute.

    An attribute is seen in an image where its probability reaches its threshold.

    - `attribute_recall`, all: mean over samples of the share of the named attributes that the
      image confirms (prompted and seen, or excluded and not seen); per attribute: share of the
      captions naming it whose image confirms it.
    - `attribute_precision`, all: mean over samples of the share of the seen attributes that the
      caption asks for; per attribute: share of the images showing it whose caption asks for it.
    - `attribute_false_detection`, all: mean over samples of the share of the attributes not asked
      for that are seen; per attribute: share of the captions not asking for it whose image shows
      it.

    The last two are guards, read beside the same values of real images: what a caption does not
    mention may well be true. Attributes that no caption names, and those whose threshold is NaN,
    are not counted; samples without anything to take a share of are left out. A value without a
    sample is NaN with `num_samples` 0. Intervals: "bounded" for totals, Wilson's per attribute.

    Args:
        asked: int8 (N, A), see `prompted_attributes`.
        probabilities: (N, A), from the classifier, in [0, 1].
        thresholds: (A,), of the classifier; NaN: not evaluated.
        names: A names.

    Raises:
        ValueError: shapes or values do not fit.
    """
    limits = np.asarray(thresholds, np.float64)  # (A,)
    _check(prompted, probabilities, limits, names)
    counted = (prompted != NOT_NAMED).any(0) & ~np.isnan(limits)  # (A,)
    seen = (probabilities >= limits) & counted  # (N, A)
    wanted = (prompted == NAMED_TRUE) & counted
    named = (prompted != NOT_NAMED) & counted
    parts = {  # metric: (hits, of these)
        "attribute_recall": (seen == wanted, named),
        "attribute_precision": (wanted, seen),
        "attribute_false_detection": (seen, ~wanted & counted),
    }
    values = []
    for metric, (hits, among) in parts.items():
        num_hits, num = (hits & among).sum(1), among.sum(1)  # (N,)
        shares = num_hits[num > 0] / num[num > 0]
        values.append(mean_value(metric, "all", shares, SHARE))
        for name, hit, of in zip(names, hits.T, among.T, strict=True):
            values.append(wilson(int(hit[of].sum()), len(hit[of])).row(metric, name, len(hit[of])))
    return values


def _check(
    prompted: Prompted,
    probabilities: NDArray[np.floating],
    thresholds: NDArray[np.floating],
    names: Sequence[str],
) -> None:
    shape = (len(prompted), len(names))
    if prompted.shape != shape or probabilities.shape != shape or thresholds.shape != shape[1:]:
        raise ValueError(
            f"attributes: expected prompted and probabilities {shape} and thresholds {shape[1:]} "
            f"for {len(names)} names, got {prompted.shape}, {probabilities.shape} and "
            f"{thresholds.shape}; "
            "take names and thresholds from the classifier that gave the probabilities"
        )
    if not np.isin(prompted, (NAMED_TRUE, NAMED_FALSE, NOT_NAMED)).all():
        raise ValueError(
            f"prompted: expected 1 (prompted), 0 (excluded) or -1 (not named), got "
            f"{sorted({*np.unique(prompted).tolist()} - {1, 0, -1})}; use prompted_attributes"
        )
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError(
            "probabilities: expected values in [0, 1], got others or NaN; pass the classifier's "
            "probabilities, not its logits"
        )
