"""mIoU from one confusion matrix, counted by hand and pixel by pixel."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gcdp_bench.metrics import layout_iou


def layouts(*rows):
    return torch.tensor(rows, dtype=torch.uint8)


def test_the_two_image_toy():
    """0.6 for the whole set; averaging per image would give 0.375."""
    reference = layouts([[0, 0], [0, 0]], [[0, 1], [1, 1]])
    other = layouts([[0, 0], [0, 1]], [[1, 1], [1, 1]])
    matrix = layout_iou.confusion_matrix(reference, other, 2)
    assert matrix.tolist() == [[3, 2], [0, 3]]
    rows = layout_iou.iou_values(matrix, ("a", "b"), 2)
    assert [row.value for row in rows] == pytest.approx([0.6, 0.6, 0.6])


def test_ignored_and_absent():
    matrix = layout_iou.confusion_matrix(layouts([[0, 255]]), layouts([[0, 1]]), 3)
    rows = {row.class_name: row.value for row in layout_iou.iou_values(matrix, "abc", 1)}
    assert rows["all"] == 1.0 and rows["a"] == 1.0
    assert math.isnan(rows["b"]) and math.isnan(rows["c"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 6))
def test_iou_equals_sets_of_pixels(seed, num_classes):
    rng = np.random.default_rng(seed)
    reference, other = rng.integers(0, num_classes, (2, 3, 4, 5))
    matrix = layout_iou.confusion_matrix(
        torch.tensor(reference, dtype=torch.uint8), torch.tensor(other, dtype=torch.uint8),
        num_classes,
    )  # fmt: skip
    got = layout_iou.intersection_over_union(matrix)
    for k in range(num_classes):
        ours, theirs = reference == k, other == k
        union = (ours | theirs).sum()
        assert union == 0 or got[k] == (ours & theirs).sum() / union


def test_refusals():
    with pytest.raises(ValueError, match="one shape"):
        layout_iou.confusion_matrix(layouts([[0]]), layouts([[0, 1]]), 2)
    with pytest.raises(ValueError, match="below 2, got 7"):
        layout_iou.confusion_matrix(layouts([[0]]), layouts([[7]]), 2)
