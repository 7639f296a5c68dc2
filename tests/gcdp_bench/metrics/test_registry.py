"""The registry: every function gets what it asks for, and defines what it returns."""

import numpy as np
import pytest

from gcdp_bench.core.types import MetricValue
from gcdp_bench.evaluation.inputs import INPUTS
from gcdp_bench.extractors.names import FEATURE_PROTOCOLS
from gcdp_bench.metrics.definitions.features import MEMORISATION_DEFINITIONS
from gcdp_bench.metrics.definitions.layouts import LABELLED_DEFINITIONS
from gcdp_bench.metrics.metric import NEEDS, Curve, Definition, Metric
from gcdp_bench.metrics.registry import DEFINITIONS, METRICS

X, Y = np.random.default_rng(0).random((2, 8, 3))
COUNTS = (100 * Y).astype(np.int64)
GIVEN = {
    "features": X,
    "real_features": Y,
    "class_names": ("a", "b", "c"),
    "counts": COUNTS,
    "real_counts": COUNTS,
    "confusions": np.ones((8, 3, 3), np.int64),
    "prompted": X > 0.5,
    "nameable": (0, 1, 2),
    "cosines": X[:, 0],
    "too_long": X[:, 0] > 0.5,
    "attributes": Y,
    "thresholds": np.full(3, 0.5),
    "attribute_names": ("a", "b", "c"),
    "prompted_attributes": (X > 0.5).astype(np.int8),
    "captions": ("a",) * 8,
    "num_pixels": 100,
    "layouts": COUNTS,
    "real_layouts": COUNTS,
}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_function_returns_the_values_that_are_defined_and_no_other(metric):
    found = {
        value.metric
        for protocol in metric.protocols or ("",)
        for value in metric.fn(*(({**GIVEN, "protocol": protocol})[need] for need in metric.needs))
    }
    derived = {"semantic_recall_of_ceiling"} & set(metric.definitions)
    assert found | derived == set(metric.definitions)
    assert set(metric.protocols) <= set(FEATURE_PROTOCOLS)


def test_every_definition_belongs_to_one_metric_or_to_a_command():
    others = [*MEMORISATION_DEFINITIONS, *LABELLED_DEFINITIONS]
    names = [name for metric in METRICS for name in metric.definitions] + others
    assert sorted(names) == sorted(DEFINITIONS)
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_every_need_has_an_input():
    assert set(INPUTS) == set(NEEDS) == {*GIVEN, "protocol"}


def values(features):
    return [MetricValue("own", "all", 1.0, len(features))]


def own(**changes):
    return Metric(
        **{"name": "own", "fn": values, "needs": ("features",), "definitions": {}, **changes}
    )


@pytest.mark.parametrize(
    ("needs", "problem"),
    [
        (("features", "colour"), "metric own: expected needs of protocol, .*got colour"),
        ((), "metric own: expected needs of .*got none"),
        (("features", "counts"), "one kind of network, got those of features and segmenter"),
    ],
)
def test_needs_that_nothing_provides_are_refused(needs, problem):
    with pytest.raises(ValueError, match=problem):
        own(needs=needs)


def test_the_needs_say_of_what_a_metric_speaks():
    assert (own().network, own().context) == ("features", "samples")
    assert own(needs=("counts", "prompted")).context == "captions"
    assert own(needs=("layouts", "real_layouts")).context == "reference"
    assert own(needs=("num_pixels", "layouts")).network == "none"


def test_a_curve_is_of_something_that_should_be_high():
    words = dict.fromkeys(
        ("title", "formula", "unit", "source", "extractor", "resize", "compared_with", "interval"),
        "x",
    )
    with pytest.raises(ValueError, match="expected higher_is_better of a metric with a curve"):
        Definition(**words, higher_is_better=False, traps=("X.",), curve=Curve("X", 0.0))
