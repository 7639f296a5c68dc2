"""Rows say the values and the networks that they depend on."""

import math

import pandas as pd
import pytest

from gcdp_bench.core.types import MetricValue
from gcdp_bench.evaluation import FeatureCache
from gcdp_bench.evaluation.controls import Controls
from gcdp_bench.evaluation.metrics import ScoredMetric, Scores
from gcdp_bench.evaluation.network_alarms import Alarm
from gcdp_bench.metrics.lookup import definition_version
from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.table import merge_rows
from gcdp_bench.sweep.records import (
    control_lines,
    recalls,
    record,
    refuse_other_reference,
    semantic_recall,
    share_of_real,
)
from tests.gcdp_bench.results.test_schema import record as row

RECALL = MetricValue("semantic_recall", "all", 0.6, 40, 0.4, 0.9, "wilson")
OF_CAR = MetricValue("semantic_recall", "car", 0.1, 9)
FID = MetricValue("fid-hrnet", "all", 5.0, 40, 3.0, 4.5, "halves-200", 4.0)


def test_a_row_has_the_value_as_it_is():
    scored = ScoredMetric(FID, "hrnet", "pillow", False, 80)
    assert record(scored) == {
        "metric": "fid-hrnet",
        "definition": definition_version("fid-hrnet"),
        "class": "all",
        "value": 5.0,
        "corrected": 4.0,
        "ci_low": 3.0,
        "ci_high": 4.5,
        "ci_method": "halves-200",
        "num_samples": 40,
        "num_reference": 80,
        "extractor": "hrnet",
        "resizer": "pillow",
        "primary": False,
    }


VALUES = [
    ScoredMetric(FID, "hrnet"),
    ScoredMetric(OF_CAR, "first"),
    ScoredMetric(RECALL, "first"),
    ScoredMetric(MetricValue("semantic_recall", "all", 0.3, 40), "second", primary=False),
    ScoredMetric(MetricValue("semantic_precision", "all", 0.7, 40), "first"),
]


def test_recall_of_every_segmenter():
    assert recalls(VALUES) == {"first": 0.6, "second": 0.3}


def test_recall_relative_to_real_images_of_the_same_extractor():
    shares = share_of_real(
        Scores(VALUES, pd.DataFrame(), FeatureCache((), (), 0, {})), {"first": 0.8, "second": 0.0}
    )
    first, second = (scored.value for scored in shares)
    assert first.metric == second.metric == "semantic_recall_of_ceiling"
    assert (first.value, first.ci_low, first.ci_high) == pytest.approx((0.75, 0.5, 1.125))
    assert math.isnan(second.value)  # real images reach nothing under that extractor
    assert [(scored.extractor, scored.primary) for scored in shares] == [
        ("first", True),
        ("second", False),
    ]


def test_controls_and_alarms_are_rows():
    alarm = Alarm("noise", ("fid-hrnet", "semantic_recall"), "hrnet", 0.5, "reason; remedy")
    controls = Controls(
        {"noise": [ScoredMetric(FID, "hrnet")], "constant": [ScoredMetric(RECALL)]}, (alarm,)
    )
    lines = control_lines(controls, {"dataset": "d", "alarm": "none"}, 24)
    assert [
        tuple(line[name] for name in ("source", "model", "metric", "value", "num_samples", "alarm"))
        for line in lines
    ] == [
        ("control", "noise", "fid-hrnet", 5.0, 24, "none"),
        ("control", "constant", "semantic_recall", 0.6, 24, "none"),
        ("alarm", "noise", "fid-hrnet", 0.5, 24, alarm.sentence),
        ("alarm", "noise", "semantic_recall", 0.5, 24, alarm.sentence),
    ]
    assert all(line["dataset"] == "d" for line in lines)


def test_real_images_of_one_dataset_are_the_same(tmp_path):
    refuse_other_reference(tmp_path, "d", "r")  # no results yet
    rows = [row(), row(dataset="e", reference="of e", config_hash="e")]
    merge_rows(tmp_path, to_frame(rows))
    refuse_other_reference(tmp_path, "d", "r")
    refuse_other_reference(tmp_path, "new", "another")
    with pytest.raises(ValueError, match="other real images of d"):
        refuse_other_reference(tmp_path, "d", "another")


def test_the_recall_of_a_point_is_the_first_segmenters_over_all_classes():
    rows = [
        row(metric="semantic_recall", value=0.3, extractor="second", primary=False),
        row(metric="semantic_recall", value=0.1, **{"class": "car"}),
        row(metric="semantic_precision", value=0.2),
        row(metric="semantic_recall", value=0.9),
    ]
    assert semantic_recall(to_frame(rows)) == 0.9
    assert math.isnan(semantic_recall(to_frame(rows[:3])))
