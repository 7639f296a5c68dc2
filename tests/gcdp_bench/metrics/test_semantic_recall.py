"""Recall, precision and false detections on sets that can be counted by hand."""

import math

import numpy as np
import pytest
import torch

from gcdp_bench.metrics import semantic_recall as sr

NAMES = ("a", "b", "c", "d", "void")


def values(asked, found, nameable=(0, 1, 2, 3)):
    rows = sr.recall_values(sr.classes_asked(asked, 5), sr.classes_asked(found, 5), NAMES, nameable)
    return {(row.metric, row.class_name): row for row in rows}


def test_the_papers_formula_is_the_mean_over_images():
    """Asked {a,b,c,d}, found {a,b}; asked {a,b}, found both: 0.75 (pooled 0.667, by class 0.5)."""
    rows = values([{0, 1, 2, 3}, {0, 1}], [{0, 1}, {0, 1}])
    assert rows["semantic_recall", "all"].value == 0.75
    assert rows["semantic_recall", "a"].value == 1.0
    assert rows["semantic_recall", "c"].value == 0.0
    assert rows["semantic_recall", "c"].num_samples == 1


def test_painting_everything_everywhere_is_caught():
    asked = [{0}, {1}, {0, 1}, {2}]
    rows = values(asked, [{0, 1, 2, 3}] * 4)
    assert rows["semantic_recall", "all"].value == 1.0
    assert rows["semantic_precision", "all"].value == pytest.approx((1 + 1 + 2 + 1) / 4 / 4)
    assert rows["false_detection_rate", "all"].value == 1.0


def test_a_collapsed_generator_has_low_recall():
    rows = values([{0, 1}, {2, 3}, {1, 2}], [{0}, {0}, {0}])
    assert rows["semantic_recall", "all"].value == pytest.approx(1 / 6)


def test_what_no_caption_names_is_neither_asked_for_nor_found():
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
    assert sr.classes_found(layouts, 4).tolist() == [[True, True, False, True]]
    assert sr.classes_found(layouts, 4, min_pixels=2).tolist() == [[True, True, False, False]]
    layouts[0, 1, 0] = 255
    assert sr.class_counts(layouts, 4).tolist() == [[4, 2, 0, 1]]


def test_counts_do_not_depend_on_the_batch():
    layouts = torch.randint(0, 5, (7, 3, 5), generator=torch.Generator().manual_seed(0)).byte()
    parts = np.concatenate([sr.class_counts(layouts[:3], 5), sr.class_counts(layouts[3:], 5)])
    assert np.array_equal(parts, sr.class_counts(layouts, 5))
    expected = [[int((layout == k).sum()) for k in range(5)] for layout in layouts]
    assert parts.tolist() == expected
