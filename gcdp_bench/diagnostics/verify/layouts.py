"""Golden numbers of captions and layouts: Semantic Recall, mIoU, CLIP score conventions."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch

from gcdp_bench.core.types import MetricValue
from gcdp_bench.datasets.captions import parse_caption
from gcdp_bench.diagnostics.verify.check import Check
from gcdp_bench.metrics.attribute_recall import attribute_values
from gcdp_bench.metrics.clip_score import clip_values
from gcdp_bench.metrics.layout_iou import confusion_matrices, iou_values
from gcdp_bench.metrics.semantic_recall import prompted_classes, recall_values

NAMES = ("building", "fence", "road", "person", "sky", "unlabeled")
NUM_PIXELS = 10_000
COSINES = np.array([0.30, -0.10, 0.25])

ASKED, FOUND = ({0, 1, 2, 3}, {0, 1}), ({0, 1}, {0, 1})
"""The toy: three ways to average it give 0.75, 0.667 and 0.5."""

EVERYTHING = ({0}, {1}, {0, 1}, {2})
"""Classes that captions prompt while every image shows classes 0 to 3."""

RELEASED_CAPTION = (
    "An image of an urban street view with Buildings, Fences, Roads, People and Skies."
)


def layout_checks() -> list[Check]:
    """Toys that can be counted by hand."""
    return [
        Check(
            name="Semantic Recall, asked {0,1,2,3} {0,1}, found {0,1} {0,1}",
            source="Park et al. 2023, Section 4.3: mean over images",
            expected=0.75,
            tolerance=1e-12,
            compute=lambda: _value(_recall(ASKED, FOUND), "semantic_recall"),
        ),
        Check(
            name="the same toy, mean of the four classes",
            source="two of four classes are found: another number",
            expected=0.5,
            tolerance=1e-12,
            compute=mean_of_classes,
        ),
        Check(
            name="Semantic Recall of every class everywhere",
            source="by definition",
            expected=1.0,
            tolerance=0.0,
            compute=lambda: _value(_recall(EVERYTHING, [{0, 1, 2, 3}] * 4), "semantic_recall"),
        ),
        Check(
            name="Semantic Precision of every class everywhere",
            source="(1 + 1 + 2 + 1) / 4 / 4: it does not pay",
            expected=0.3125,
            tolerance=1e-12,
            compute=lambda: _value(_recall(EVERYTHING, [{0, 1, 2, 3}] * 4), "semantic_precision"),
        ),
        Check(
            name="Semantic Recall at 1 % of classes with 0.99 %",
            source="a class is found from the least area on",
            expected=0.0,
            tolerance=0.0,
            compute=lambda: _value(_recall([{0}], [{0}], pixels=99), "semantic_recall@1%"),
        ),
        Check(
            name="classes read from the released caption's plurals",
            source="GCDP's sample caption: Buildings, Fences, Roads, People, Skies",
            expected=5.0,
            tolerance=0.0,
            compute=lambda: len(parse_caption(RELEASED_CAPTION, NAMES)),
        ),
        Check(
            name="mIoU of two images of four pixels",
            source="one confusion matrix [[3, 2], [0, 3]] (mean of images: 0.375)",
            expected=0.6,
            tolerance=1e-12,
            compute=lambda: _value(toy_iou(), "miou"),
        ),
        Check(
            name="classes of the toy that neither side has",
            source="the third of three: NaN, not 0",
            expected=1.0,
            tolerance=0.0,
            compute=lambda: _value(toy_iou(), "iou_absent_classes"),
        ),
        Check(
            name="pixel accuracy of the toy, an ignored pixel dropped",
            source="6 of 8",
            expected=0.75,
            tolerance=1e-12,
            compute=lambda: _value(toy_iou(), "pixel_accuracy"),
        ),
        Check(
            name="attribute recall of two portraits",
            source="mean of 1/2 (no hat, though asked) and 2/3 (beard, though excluded)",
            expected=(1 / 2 + 2 / 3) / 2,
            tolerance=1e-12,
            compute=lambda: _value(toy_attributes(), "attribute_recall"),
        ),
        *(
            Check(
                name=f"{metric} of cosines 0.30, -0.10, 0.25",
                source=source,
                expected=expected,
                tolerance=1e-9,
                compute=lambda metric=metric: _value(
                    clip_values(COSINES, np.zeros(3, bool)), metric
                ),
            )
            for metric, source, expected in (
                ("clip-cos", "mean", 0.15),
                ("clip-x100", "torchmetrics 1.9.0", 15.0),
                ("clip-w2.5", "2.5 max(cos, 0) per pair, Hessel et al. 2021", 1.375 / 3),
            )
        ),
    ]


def mean_of_classes() -> float:
    """Mean of the per-class recalls of the toy."""
    rows = _recall(ASKED, FOUND)
    recalls = [v.value for v in rows if v.metric == "semantic_recall" and v.class_name != "all"]
    return float(np.nanmean(recalls))


def toy_iou() -> list[MetricValue]:
    """The toy of two images, three classes of which one is nowhere, and an ignored column."""
    ignored = 255
    reference = torch.tensor(
        [[[0, 0, ignored], [0, 0, ignored]], [[0, 1, ignored], [1, 1, ignored]]]
    )
    other = torch.tensor([[[0, 0, 2], [0, 1, 2]], [[1, 1, 2], [1, 1, 2]]])
    return iou_values(confusion_matrices(reference.byte(), other.byte(), 3), ("a", "b", "c"))


def toy_attributes() -> list[MetricValue]:
    """Two captions over hat, glasses, beard: 1 asks, 0 excludes, -1 says nothing."""
    prompted = np.array([[1, 1, -1], [1, 0, 0]], np.int8)
    seen = np.array([[0.1, 0.9, 0.9], [0.9, 0.1, 0.9]])
    return attribute_values(prompted, seen, np.full(3, 0.5), ("hat", "glasses", "beard"))


def _recall(
    prompted: Sequence[Collection[int]], found: Sequence[Collection[int]], pixels: int = 500
) -> list[MetricValue]:
    """Values of captions that ask for these classes of images that show those."""
    num_classes = len(NAMES)
    counts = pixels * prompted_classes(found, num_classes).astype(np.int64)
    return recall_values(
        prompted_classes(prompted, num_classes), counts, NUM_PIXELS, NAMES, range(num_classes - 1)
    )


def _value(values: Sequence[MetricValue], metric: str) -> float:
    return next(v.value for v in values if v.metric == metric and v.class_name == "all")
