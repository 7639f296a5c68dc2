"""Recall, precision and false detections on sets that can be counted by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.synth_city import SynthCity
from gcdp_bench.metrics import semantic_recall as sr
from gcdp_bench.metrics.intervals import weighted_sums, wilson
from tests.properties import examples

NAMES = ("a", "b", "c", "d", "void")


def values(prompted, found, nameable=(0, 1, 2, 3)):
    """Rows of sets of classes, each class found in one pixel of ten million."""
    counts = sr.prompted_classes(found, 5).astype(np.int64)
    rows = sr.recall_values(sr.prompted_classes(prompted, 5), counts, 10_000_000, NAMES, nameable)
    return {(row.metric, row.class_name): row for row in rows}


def test_the_papers_formula_is_the_mean_over_images():
    """Prompted {a,b,c,d}, detected {a,b}; prompted {a,b}, detected both:
    0.75 (pooled 0.667, by class 0.5)."""
    rows = values([{0, 1, 2, 3}, {0, 1}], [{0, 1}, {0, 1}])
    assert rows["semantic_recall", "all"].value == 0.75
    assert rows["semantic_recall", "a"].value == 1.0
    assert rows["semantic_recall", "c"].value == 0.0
    assert rows["semantic_recall", "c"].num_samples == 1
    per_class = [rows["semantic_recall", name].value for name in "abcd"]
    assert np.mean(per_class) == 0.5


def test_painting_everything_everywhere_is_caught():
    prompted = [{0}, {1}, {0, 1}, {2}]
    rows = values(prompted, [{0, 1, 2, 3}] * 4)
    assert rows["semantic_recall", "all"].value == 1.0
    assert rows["semantic_precision", "all"].value == pytest.approx((1 + 1 + 2 + 1) / 4 / 4)
    assert rows["false_detection_rate", "all"].value == 1.0


def test_a_collapsed_generator_has_low_recall():
    rows = values([{0, 1}, {2, 3}, {1, 2}], [{0}, {0}, {0}])
    assert rows["semantic_recall", "all"].value == pytest.approx(1 / 6)


def test_classes_that_no_caption_names_are_neither_prompted_nor_detected():
    rows = values([{0}], [{0, 4}])
    assert rows["semantic_precision", "all"].value == 1.0
    assert ("semantic_recall", "void") not in rows


def test_a_value_without_support_is_missing_not_zero():
    rows = values([{0}, {0}], [{0}, set()])
    assert math.isnan(rows["semantic_recall", "b"].value)
    assert rows["semantic_recall", "b"].num_samples == 0
    assert math.isnan(rows["false_detection_rate", "a"].value)
    assert rows["semantic_precision", "all"].num_samples == 1


def test_images_of_captions_that_name_nothing_do_not_count():
    rows = values([set(), {0}], [{1}, {0}])
    assert rows["semantic_recall", "all"].value == 1.0
    assert rows["semantic_recall", "all"].num_samples == 1


def test_detection_counts_pixels():
    layouts = torch.zeros(1, 2, 4, dtype=torch.uint8)
    layouts[0, 0, :3] = torch.tensor([1, 1, 3])
    assert sr.class_counts(layouts, 4).tolist() == [[5, 2, 0, 1]]
    layouts[0, 1, 0] = 255
    assert sr.class_counts(layouts, 4).tolist() == [[4, 2, 0, 1]]


def test_counts_do_not_depend_on_the_batch():
    layouts = torch.randint(0, 5, (7, 3, 5), generator=torch.Generator().manual_seed(0)).byte()
    parts = np.concatenate([sr.class_counts(layouts[:3], 5), sr.class_counts(layouts[3:], 5)])
    assert np.array_equal(parts, sr.class_counts(layouts, 5))
    expected = [[int((layout == k).sum()) for k in range(5)] for layout in layouts]
    assert parts.tolist() == expected


@pytest.mark.parametrize(
    ("area", "num_pixels", "expected"),
    [(0, 8192, 1), (1, 8192, 1), (10, 8192, 9), (100, 8192, 82), (100, 700, 7), (1, 131_072, 14)],
)
def test_areas_are_rounded_up_to_pixels_and_are_at_least_one(area, num_pixels, expected):
    assert sr.pixels_of_area(area, num_pixels) == expected


def test_larger_areas_find_less():
    """Class b covers 9 of 8192 pixels: found at one pixel, 0.01 % and 0.1 %, not at 1 %."""
    prompted = np.array([[True, True], [True, True]])
    rows = sr.recall_values(prompted, np.array([[8183, 9], [8192, 0]]), 8192, "ab", (0, 1))
    found = {row.metric: row.value for row in rows if row.class_name == "b"}
    recall = [found[f"semantic_recall{suffix}"] for suffix in ("", "@0.01%", "@0.1%", "@1%")]
    assert recall == [0.5, 0.5, 0.5, 0.0]
    assert found["semantic_precision"] == 1.0 and math.isnan(found["semantic_precision@1%"])
    names = {row.metric for row in rows}
    assert len(names) == 12 and {"semantic_precision@0.1%", "false_detection_rate@1%"} <= names


@examples(32, fast=8)
@given(st.integers(0, 2**31))
def test_recall_never_rises_with_the_area(seed):
    rng = np.random.default_rng(seed)
    prompted = rng.random((6, 3)) < 0.5
    counts = rng.integers(0, 3, (6, 3)) * rng.integers(0, 200, (6, 3))
    rows = sr.recall_values(prompted, counts, 8192, "abc", range(3))
    for name in ("all", *"abc"):
        curve = [
            r.value for r in rows if r.metric.startswith("semantic_recall") and r.class_name == name
        ]
        assert np.isnan(curve).all() or (np.diff(curve) <= 0).all()


def test_a_generator_that_paints_every_class_everywhere_is_caught_on_synth_city():
    """Equal stripes of all classes, against the captions of 100 test scenes."""
    scenes = SynthCity("test")
    prompted = [scenes.caption_classes(scenes[index].caption) for index in range(100)]
    nameable = frozenset().union(*prompted)
    num_classes, num_pixels = len(scenes.class_names), 64 * 128
    counts = np.full((100, num_classes), num_pixels // num_classes)
    rows = sr.recall_values(
        sr.prompted_classes(prompted, num_classes), counts, num_pixels, scenes.class_names, nameable
    )
    totals = {row.metric: row for row in rows if row.class_name == "all"}
    for suffix in sr.MIN_AREAS:
        assert totals[f"semantic_recall{suffix}"].value == 1.0
        assert totals[f"semantic_precision{suffix}"].value < 0.6
        assert totals[f"false_detection_rate{suffix}"].value == 1.0


def test_intervals_of_classes_are_wilsons_with_the_support_as_their_number():
    prompted = [{0}] * 9 + [{1}]
    rows = values(prompted, [{0}] * 6 + [{1}] * 4)
    row, expected = rows["semantic_recall", "a"], wilson(6, 9)
    assert (row.ci_low, row.ci_high, row.num_samples) == (expected.low, expected.high, 9)
    assert row.ci_method == "wilson"
    assert rows["semantic_recall", "b"].ci_method == "wilson"
    assert rows["semantic_recall", "c"].ci_method == "none"


def test_the_interval_of_the_mean_false_rate_equals_a_loop_over_weights():
    """The imagined sample could show each class as often as an average caption lets it."""
    rng = np.random.default_rng(0)
    prompted, found = rng.random((2, 12, 3)) < 0.6
    rows = sr.recall_values(prompted, found.astype(int), 10_000_000, "abc", range(3))
    (row,) = [r for r in rows if (r.metric, r.class_name) == ("false_detection_rate", "all")]
    weights, imagined = weighted_sums(np.eye(12))  # (R, 12), (R,)
    ends = {0.0: [], 1.0: []}
    for own, extra in zip(weights, imagined, strict=True):
        for shown, draws in ends.items():
            rates = []
            for k in range(3):
                more = extra * (~prompted[:, k]).mean()
                false = own[found[:, k] & ~prompted[:, k]].sum() + shown * more
                rates.append(false / (own[~prompted[:, k]].sum() + more))
            draws.append(np.mean(rates))
    expected = np.quantile(ends[0.0], 0.025), np.quantile(ends[1.0], 0.975)
    assert (row.ci_low, row.ci_high) == pytest.approx(expected)
    assert row.ci_method == "bounded"


def test_totals_at_a_bound_have_an_interval():
    rows = values([{0}] * 20 + [{0, 1}] * 4, [{0}] * 20 + [{0, 1}] * 4)
    for metric, end in (
        ("semantic_recall", 1.0),
        ("semantic_precision", 1.0),
        ("false_detection_rate", 0.0),
    ):
        row = rows[metric, "all"]
        assert row.value == end and end in (row.ci_low, row.ci_high)
        assert 0.05 < row.ci_high - row.ci_low < 0.3


def test_counts_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="expected counts of shape"):
        sr.recall_values(np.ones((2, 3), bool), np.ones((2, 4)), 10, "abc", (0,))
