"""Rows of controls and alarms: written once, read back, matched with the rows that they concern."""

import math

import pandas as pd

from gcdp_bench.results.alarms import alarms_of, datasets_without_controls, ids_of, write_controls
from gcdp_bench.results.schema import to_frame
from tests.gcdp_bench.results.test_schema import record


def alarm(metric: str, **changes) -> dict:
    return record(
        source="alarm",
        model="control-noise",
        metric=metric,
        value=1.0,
        extractor="extractor",
        alarm="cannot tell noise",
        **changes,
    )


def test_a_row_carries_the_ids_of_the_alarms_about_its_metric_and_network():
    table = to_frame(
        [
            alarm("semantic_recall"),
            alarm("fid-hrnet"),
            alarm("fid-hrnet") | {"model": "few-samples"},
        ]
    )
    metrics = ["semantic_recall", "semantic_recall@1%", "semantic_recall", "fid-hrnet", "miou"]
    extractors = ["extractor", "extractor", "another", "extractor", "extractor"]
    assert ids_of(table, metrics, extractors) == [
        "control-noise",
        "control-noise",
        "none",
        "control-noise,few-samples",
        "none",
    ]


def test_rows_are_kept_once_and_read_as_one_line_per_alarm(tmp_path):
    lines = to_frame(
        [
            alarm("semantic_recall"),
            alarm("semantic_precision"),
            record(
                source="control",
                model="control-noise",
                metric="semantic_recall",
                extractor="extractor",
            ),
        ]
    )
    for _ in range(2):
        write_controls(tmp_path, lines)
    assert len(pd.read_csv(tmp_path / "controls.csv")) == 3
    found = alarms_of(tmp_path, to_frame([record()]))
    assert list(found["sentence"]) == ["cannot tell noise"]
    assert found["metrics"].iloc[0] == "semantic_precision,semantic_recall"


def test_alarms_of_other_networks_or_numbers_of_samples_are_not_those_of_the_rows(tmp_path):
    write_controls(tmp_path, to_frame([alarm("miou")]))
    assert len(alarms_of(tmp_path, to_frame([record()]))) == 1
    for other in ({"extractors": "others"}, {"num_samples": 7}, {"dataset": "elsewhere"}):
        assert not len(alarms_of(tmp_path, to_frame([record(**other)])))


def test_a_folder_without_controls_is_said(tmp_path):
    assert datasets_without_controls(tmp_path, ["b", "a", "a"]) == ["a", "b"]
    assert not len(alarms_of(tmp_path, to_frame([record()])))
    write_controls(tmp_path, to_frame([alarm("miou") | {"value": math.nan}]))
    (dataset,) = to_frame([record()])["dataset"]
    assert datasets_without_controls(tmp_path, [dataset, "b"]) == ["b"]


def test_alarms_that_rows_name_and_the_table_has_not_are_said(tmp_path):
    """Somebody removed the table, or it has no line of the alarm."""
    rows = to_frame([record(alarm="few-samples,control-noise"), record(metric="fid-hrnet")])
    lost = alarms_of(tmp_path, rows)
    assert list(lost["alarm"]) == ["control-noise", "few-samples"] and set(lost["metrics"]) == {
        "miou"
    }
    write_controls(tmp_path, to_frame([alarm("miou")]))
    told, lost = alarms_of(tmp_path, rows)["sentence"]
    assert told == "cannot tell noise"
    assert "d have the alarm few-samples, of which controls.parquet has no reason" in lost
