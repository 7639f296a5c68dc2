"""Attribute recall and its guards, on faces that can be counted by hand and by brute force."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import binomtest

from gcdp_bench.metrics.attribute_recall import attribute_values, prompted_attributes
from tests.properties import examples

NAMES = ("smile", "hat", "beard")
METRICS = ("attribute_recall", "attribute_precision", "attribute_false_detection")


def rows(prompted, seen, thresholds=(0.5, 0.5, 0.5)):
    prompted, seen = np.array(prompted, np.int8), np.array(seen, np.float32)
    values = attribute_values(prompted, seen, thresholds, NAMES[: prompted.shape[1]])
    return {(value.metric, value.class_name): value for value in values}


def test_three_faces_by_hand():
    """A smile without a beard, a hat, a beard; the images: smile and beard, hat, nothing."""
    found = rows([[1, -1, 0], [-1, 1, -1], [-1, -1, 1]], [[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    recall = found["attribute_recall", "all"]
    assert recall.value == pytest.approx((1 / 2 + 1 + 0) / 3) and recall.num_samples == 3
    assert found["attribute_recall", "smile"].value == 1.0
    assert found["attribute_recall", "beard"].value == 0.0  # wrongly there, then missing
    assert found["attribute_recall", "beard"].num_samples == 2
    precision = found["attribute_precision", "all"]
    assert precision.value == pytest.approx((1 / 2 + 1) / 2) and precision.num_samples == 2
    assert found["attribute_precision", "beard"].value == 0.0
    false = found["attribute_false_detection", "all"]
    assert false.value == pytest.approx((1 / 2 + 0 + 0) / 3)
    assert found["attribute_false_detection", "beard"].value == 0.5
    assert found["attribute_false_detection", "beard"].num_samples == 2


def test_every_attribute_on_every_face_is_caught():
    prompted = [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    found = rows(prompted, np.ones((3, 3)))
    assert found["attribute_recall", "all"].value == 1.0
    assert found["attribute_precision", "all"].value == pytest.approx(1 / 3)
    assert found["attribute_false_detection", "all"].value == 1.0


def test_what_a_caption_excludes_counts():
    assert rows([[0, 0, 0]] * 2, np.zeros((2, 3)))["attribute_recall", "all"].value == 1.0
    assert rows([[0, 0, 0]] * 2, np.ones((2, 3)))["attribute_recall", "all"].value == 0.0


def test_the_threshold_itself_is_seen_and_each_attribute_has_its_own():
    found = rows([[1, 1, 1]] * 2, [[0.3, 0.5, 0.6]] * 2, thresholds=(0.3, 0.5, 0.7))
    assert found["attribute_recall", "all"].value == pytest.approx(2 / 3)
    assert found["attribute_recall", "beard"].value == 0.0


def test_attributes_never_named_or_not_recognised_are_neither_prompted_nor_detected():
    found = rows([[1, -1, 1], [1, -1, -1]], np.ones((2, 3)), thresholds=(0.5, 0.5, math.nan))
    assert found["attribute_recall", "all"].value == 1.0
    assert found["attribute_precision", "all"].value == 1.0
    assert math.isnan(found["attribute_false_detection", "all"].value)
    for metric in METRICS:
        for name in ("hat", "beard"):
            value = found[metric, name]
            assert math.isnan(value.value) and value.num_samples == 0
            assert value.ci_method == "none" and math.isnan(value.ci_low)


def test_captions_that_name_nothing_do_not_count():
    found = rows([[-1, -1, -1], [1, -1, -1], [1, -1, -1]], [[0, 0, 0], [1, 0, 0], [0, 0, 0]])
    assert found["attribute_recall", "all"].value == 0.5
    assert found["attribute_recall", "all"].num_samples == 2


def test_one_sample_has_no_interval_for_its_total():
    value = rows([[1, 0, -1]], [[1, 1, 0]])["attribute_recall", "all"]
    assert (value.value, value.num_samples, value.ci_method) == (0.5, 1, "none")


def test_the_intervals():
    seen = np.zeros((40, 3))
    seen[:30, 0] = 1
    found = rows([[1, 1, -1]] * 40, seen)
    smile = found["attribute_recall", "smile"]
    expected = binomtest(30, 40).proportion_ci(0.95, method="wilson")
    assert smile.value == 0.75
    assert (smile.ci_low, smile.ci_high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    total = found["attribute_recall", "all"]
    error = float(np.std([0.5] * 30 + [0.0] * 10)) / math.sqrt(40)
    assert total.ci_low == pytest.approx(total.value - 1.96 * error, abs=0.3 * error)
    assert total.ci_high == pytest.approx(total.value + 1.96 * error, abs=0.3 * error)
    assert "none" not in {smile.ci_method, total.ci_method}


ASKED = arrays.arrays(
    np.int8, st.tuples(st.integers(1, 6), st.just(3)), elements=st.integers(-1, 1)
)


@examples(40)
@given(ASKED, st.data())
def test_brute_force(prompted, data):
    seen = data.draw(arrays.arrays(np.bool_, prompted.shape))
    found = rows(prompted, seen)
    num, columns = len(prompted), [a for a in range(3) if any(row[a] >= 0 for row in prompted)]
    named = [(i, a) for i in range(num) for a in columns if prompted[i, a] != -1]
    shown = [(i, a) for i in range(num) for a in columns if seen[i, a]]
    unprompted = [(i, a) for i in range(num) for a in columns if prompted[i, a] != 1]
    for metric, pairs, hit in (
        (METRICS[0], named, lambda i, a: bool(prompted[i, a]) == bool(seen[i, a])),
        (METRICS[1], shown, lambda i, a: prompted[i, a] == 1),
        (METRICS[2], unprompted, lambda i, a: bool(seen[i, a])),
    ):
        for a, name in enumerate(NAMES):
            _same(found[metric, name], [hit(i, b) for i, b in pairs if b == a])
        groups = [[hit(i, a) for j, a in pairs if j == i] for i in range(num)]
        _same(found[metric, "all"], [np.mean(group) for group in groups if group])


def _same(value, hits):
    assert value.num_samples == len(hits)
    if hits:
        assert value.value == pytest.approx(np.mean(hits))
    else:
        assert math.isnan(value.value)


@examples(40, fast=10)
@given(ASKED, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(prompted, random):
    seen = np.random.default_rng(0).random(prompted.shape)
    order = random.sample(range(len(prompted)), len(prompted))
    first, second = rows(prompted, seen), rows(prompted[order], seen[order])
    for key, value in first.items():
        assert value.value == pytest.approx(second[key].value, nan_ok=True)


@examples(80, fast=20)
@given(ASKED)
def test_images_that_do_as_they_are_told_have_recall_one(prompted):
    found = rows(prompted, prompted == 1)
    if (prompted >= 0).any():
        assert found["attribute_recall", "all"].value == 1.0
    if (prompted == 1).any():
        assert found["attribute_precision", "all"].value == 1.0
    assert not found["attribute_false_detection", "all"].value > 0


def test_what_captions_ask_for():
    said = {"smiles, no hat": {0: True, 1: False}, "a face": {}, "bearded": {2: True}}
    dataset = SimpleNamespace(attribute_names=NAMES, caption_attributes=said.__getitem__)
    prompted = prompted_attributes(dataset, list(said))  # type: ignore[arg-type]
    assert prompted.dtype == np.int8
    assert prompted.tolist() == [[1, 0, -1], [-1, -1, -1], [-1, -1, 1]]
    assert prompted_attributes(dataset, []).shape == (0, 3)  # type: ignore[arg-type]


class TestRefusals:
    def test_shapes(self):
        with pytest.raises(ValueError, match=r"expected prompted and probabilities \(1, 2\)"):
            attribute_values(np.zeros((1, 2), np.int8), np.zeros((1, 3)), [0.5] * 2, NAMES[:2])
        with pytest.raises(ValueError, match=r"thresholds \(2,\) for 2 names"):
            attribute_values(np.zeros((1, 2), np.int8), np.zeros((1, 2)), [0.5], NAMES[:2])

    def test_values(self):
        with pytest.raises(ValueError, match=r"got \[2\]; use prompted_attributes"):
            rows([[2, 0, 1]], [[0, 0, 0]])
        for wrong in (-0.5, 3.0, math.nan):
            with pytest.raises(ValueError, match="not its logits"):
                rows([[1, 0, 1]], [[wrong, 0, 0]])
