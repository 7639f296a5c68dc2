"""mIoU from one confusion matrix: by hand, pixel by pixel, against scikit-learn, torchmetrics."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.metrics import layout_iou
from gcdp_bench.metrics.intervals import bounded_mean
from tests.properties import examples


def layouts(*rows):
    return torch.tensor(rows, dtype=torch.uint8)


def random_layouts(seed, num_classes, shape=(6, 5, 4)):
    rng = np.random.default_rng(seed)
    reference = rng.integers(0, num_classes, shape)
    kept = rng.random(shape) < 0.6
    other = np.where(kept, reference, rng.integers(0, num_classes, shape))
    return [torch.tensor(part, dtype=torch.uint8) for part in (reference, other)]


TOY = layouts([[0, 0], [0, 0]], [[0, 1], [1, 1]]), layouts([[0, 0], [0, 1]], [[1, 1], [1, 1]])


def test_the_two_image_toy():
    """0.6 for the whole set."""
    matrices = layout_iou.confusion_matrices(*TOY, 2)
    assert matrices.tolist() == [[[3, 1], [0, 0]], [[0, 1], [0, 3]]]
    assert layout_iou.confusion_matrix(*TOY, 2).tolist() == [[3, 2], [0, 3]]
    rows = {(row.metric, row.class_name): row for row in layout_iou.iou_values(matrices, "ab")}
    assert rows["miou", "all"].value == pytest.approx(0.6)
    assert rows["iou", "a"].value == rows["iou", "b"].value == pytest.approx(0.6)
    assert rows["pixel_accuracy", "all"].value == 0.75


def test_torchmetrics_averages_over_images_and_differs():
    from torchmetrics.segmentation import MeanIoU

    metric = MeanIoU(num_classes=2, input_format="index")
    metric.update(TOY[1].long(), TOY[0].long())
    assert float(metric.compute()) == pytest.approx(0.375)


@pytest.mark.parametrize("seed", range(3))
def test_it_equals_scikit_learn(seed):
    import sklearn.metrics

    reference, other = random_layouts(seed, 5)
    reference[reference == 3] = 2
    other[other == 3] = 1  # class 3 is on neither side
    reference[:, 0] = 255
    kept = (reference != 255).numpy().ravel()
    true, seen = reference.numpy().ravel()[kept], other.numpy().ravel()[kept]
    matrix = layout_iou.confusion_matrix(reference, other, 5)
    expected = sklearn.metrics.confusion_matrix(true, seen, labels=range(5))
    assert np.array_equal(matrix, expected)
    present = [0, 1, 2, 4]
    jaccard = sklearn.metrics.jaccard_score(true, seen, labels=present, average=None)
    assert layout_iou.intersection_over_union(matrix)[present] == pytest.approx(jaccard, abs=1e-12)
    matrices = layout_iou.confusion_matrices(reference, other, 5)
    rows = {row.metric: row for row in layout_iou.iou_values(matrices, "abcde")[:3]}
    assert rows["miou"].value == pytest.approx(jaccard.mean(), abs=1e-12)
    accuracy = sklearn.metrics.accuracy_score(true, seen)
    assert rows["pixel_accuracy"].value == pytest.approx(accuracy, abs=1e-12)
    assert rows["iou_absent_classes"].value == 1.0


def test_ignored_and_absent():
    matrices = layout_iou.confusion_matrices(layouts([[0, 255]]), layouts([[0, 1]]), 3)
    rows = {(row.metric, row.class_name): row for row in layout_iou.iou_values(matrices, "abc")}
    assert rows["miou", "all"].value == 1.0 and rows["iou", "a"].value == 1.0
    assert math.isnan(rows["iou", "b"].value) and math.isnan(rows["iou", "c"].value)
    assert rows["iou_absent_classes", "all"].value == 2.0
    assert rows["iou_absent_classes", "all"].ci_method == "none"
    assert rows["miou", "all"].ci_method == "none"  # one image cannot be resampled


def test_nothing_labelled_is_missing_not_zero():
    matrices = layout_iou.confusion_matrices(layouts([[255]]), layouts([[0]]), 2)
    assert all(math.isnan(row.value) for row in layout_iou.iou_values(matrices, "ab")[:2])


def test_accuracy_of_images_of_one_size_has_the_interval_of_a_mean():
    reference, other = random_layouts(3, 4, (30, 5, 4))
    matrices = layout_iou.confusion_matrices(reference, other, 4)
    row = layout_iou.iou_values(matrices, "abcd")[1]
    per_image = (reference == other).double().mean((1, 2)).numpy()
    expected = bounded_mean(per_image)
    assert (row.ci_low, row.ci_high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_interval_is_over_images_not_over_pixels():
    """Images that are all right or all wrong: more pixels an image do not narrow it."""
    reference, other = layouts([[0, 1]]).repeat(40, 1, 1), layouts([[0, 1]]).repeat(40, 1, 1)
    other[:10] = 1 - other[:10]
    widths = []
    for repeats in (1, 8):
        wide = (part.repeat(1, 1, repeats) for part in (reference, other))
        row = layout_iou.iou_values(layout_iou.confusion_matrices(*wide, 2), "ab")[0]
        assert row.value == pytest.approx(0.6)  # 0.75 / (2 - 0.75)
        widths.append(row.ci_high - row.ci_low)
    assert widths[0] == pytest.approx(widths[1])
    assert 0.2 < widths[0] < 0.5  # slope 2 / 1.25^2 = 1.28 x 3.92 x sqrt(0.75 x 0.25 / 40) = 0.34


@examples(100)
@given(st.integers(0, 2**31), st.integers(2, 6))
def test_iou_equals_sets_of_pixels(seed, num_classes):
    reference, other = random_layouts(seed, num_classes)
    matrix = layout_iou.confusion_matrix(reference, other, num_classes)
    got = layout_iou.intersection_over_union(matrix)
    for k in range(num_classes):
        ours, theirs = reference == k, other == k
        union = int((ours | theirs).sum())
        assert union == 0 or got[k] == int((ours & theirs).sum()) / union


def test_matrices_do_not_depend_on_the_batch():
    reference, other = random_layouts(9, 4)
    whole = layout_iou.confusion_matrices(reference, other, 4)
    parts = [
        layout_iou.confusion_matrices(reference[i : i + 2], other[i : i + 2], 4) for i in (0, 2, 4)
    ]
    assert np.array_equal(np.concatenate(parts), whole)


def test_refusals():
    with pytest.raises(ValueError, match="one shape"):
        layout_iou.confusion_matrix(layouts([[0]]), layouts([[0, 1]]), 2)
    with pytest.raises(ValueError, match="below 2, got 7"):
        layout_iou.confusion_matrix(layouts([[0]]), layouts([[7]]), 2)


def test_a_class_that_is_not_scored_is_a_wrong_answer():
    """Two of three classes: the third is nowhere true, and taken for the second in a pixel."""
    true = torch.tensor([[[0, 0, 1, 1]]], dtype=torch.uint8)
    found = torch.tensor([[[0, 0, 1, 2]]], dtype=torch.uint8)
    confusions = layout_iou.confusion_matrices(true, found, 3)
    scored, every = (
        {
            (v.metric, v.class_name): v.value
            for v in layout_iou.iou_values(confusions, ("a", "b", "c"), num_scored=num)
        }
        for num in (2, None)
    )
    assert scored["miou", "all"] == pytest.approx((1.0 + 0.5) / 2)
    assert ("iou", "c") not in scored and scored["iou", "b"] == 0.5
    assert every["miou", "all"] == pytest.approx(0.5) and every["iou", "c"] == 0.0
