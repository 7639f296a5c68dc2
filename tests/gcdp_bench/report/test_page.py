"""What the page says beside its figures: numbers, units and how they were made."""

import math

import pandas as pd

from gcdp_bench.report.page import _cells, _facts, _readable_tradeoff
from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.tradeoff import COLUMNS
from tests.gcdp_bench.results.test_schema import record


def line(**changes):
    base = dict.fromkeys(COLUMNS, math.nan) | {
        "dataset": "d",
        "model": "reference",
        "param_name": "guidance scale",
        "steps": 25,
        "metric": "semantic_recall",
        "fid_metric": "fid-tf1",
        "num_points": 3,
        "reference_fid": 200.0,
        "reference_correspondence": 0.5,
        "hypervolume": 12.5,
        "hypervolume_low": 10.0,
        "hypervolume_high": 14.0,
        "rank": 1.0,
        "rank_kept": 0.875,
        "matched_level": 0.9,
        "fid_at_level": 5.0,
    }
    return base | changes


def test_the_trade_off_has_units_and_dashes_for_what_is_missing():
    table = pd.DataFrame([line(), line(metric="clip-x100", matched_level=21.5, param_name="none")])
    shown, clip = (row for _, row in _readable_tradeoff(table).iterrows())
    assert shown["model"] == "GCDP (reference)" and shown["over"] == "w" and clip["over"] == "–"
    assert shown["FID against"] == "semantic_recall %" and clip["FID against"] == "clip-x100"
    assert shown["hypervolume ↑"] == "12.50"
    assert shown["95 % interval"] == "[10.00, 14.00]" and shown["its 95 % interval"] == "–"
    assert (shown["rank"], shown["rank kept %"]) == ("1", "88")
    assert (shown["matched at"], clip["matched at"]) == ("90.0", "21.5")
    assert (shown["FID there ↓"], shown["up to"]) == ("5.00", "fid-tf1 200, 0.5")


def test_cells_are_grey_where_they_are_marked():
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert _cells(table) == {
        "head": ["a", "b"],
        "body": [[("1", False), ("x", False)], [("2", False), ("y", False)]],
    }
    grey = pd.DataFrame({"b": [True, False]})
    assert _cells(table, grey)["body"] == [
        [("1", False), ("x", True)],
        [("2", False), ("y", False)],
    ]


def test_facts_say_how_the_numbers_were_made():
    none = {"param_name": "none", "param_value": math.nan, "steps": None, "trained_on": "none"}
    rows = to_frame(
        [
            record(seconds=60.0, num_samples=4),
            record(
                seconds=60.0, num_samples=3, metric="semantic_recall", definition="2"
            ),  # one point
            record(seconds=30.0, seed=1, config_hash="i", num_reference=0, extractor="none"),
            record(
                model="lafite",
                param_name="truncation psi",
                param_value=0.5,
                steps=1,
                config_hash="j",
                train_seed=None,
                seconds=math.nan,
            ),
            record(model="real-own", source="real", config_hash="k", num_samples=9, **none),
        ]
    )
    facts = _facts(rows)
    assert facts["models"] == "lafite, reference" and facts["captions per point"] == "9"
    assert facts["sampling steps"] == "1, 10" and facts["sampling seeds"] == "0, 1"
    assert facts["sampling parameters"] == "guidance scale: 2; truncation psi: 0.5"
    assert facts["time spent sampling"] == "1.5 min" and facts["training seeds"] == "0"
    assert facts["reference images"] == "8" and facts["extractors"] == "e"
    assert facts["resize for the extractors"] == "native" and facts["trained on"] == "d"
    assert facts["definitions"] == "version 1, but semantic_recall: 2"
    assert _facts(rows[rows["definition"] == "1"])["definitions"] == "version 1"
    unknown = to_frame([record(train_seed=None)])
    assert _facts(unknown)["training seeds"] == "not recorded"
