"""Tables from rows whose averages are known."""

import math

import pytest

from gcdp_bench.results.schema import REAL_OWN, REAL_VS_REAL, to_frame
from gcdp_bench.results.summary import below_noise, in_units, param_text, readable, summary_table
from tests.gcdp_bench.results.test_schema import record
from tests.packages import install_spread

REAL = {"trained_on": "none", "param_name": "none", "param_value": math.nan, "steps": None}
"""Columns that real images leave empty."""


@pytest.fixture
def rows():
    records = []
    for model, layouts in (("reference", True), ("imagen", False)):
        for guidance, fid in ((1.0, 4.0), (2.0, 3.0)):
            for seed in (0, 1):
                values = {
                    "fid-hrnet": fid + seed,
                    "semantic_recall": 0.8 + 0.1 * seed,
                    "fsd_predicted": 9.0,
                }
                if layouts:
                    values |= {"miou": 0.25, "fsd_generated": 5.0}
                point = dict(model=model, param_value=guidance, seed=seed)
                key = f"{model}{guidance}{seed}"
                records += [
                    record(**point, metric=m, value=v, config_hash=key) for m, v in values.items()
                ]
                records.append(
                    record(
                        **point,
                        metric="semantic_recall",
                        value=0.0,
                        config_hash=key,
                        **{"class": "car"},
                    )
                )
    records.append(
        record(model=REAL_OWN, **REAL, metric="semantic_recall", value=0.95, config_hash="ceiling")
    )
    return to_frame(records)


def test_the_summary_averages_seeds_of_the_totals(rows):
    table = summary_table(rows)
    assert table["model"].tolist() == ["reference"] * 2 + ["imagen"] * 2 + [REAL_OWN]
    first = table.iloc[0]
    assert (first["param_value"], first["num_seeds"], first["num_captions"]) == (1.0, 2, 4)
    assert first["fid"] == 4.5
    assert first["semantic_recall"] == pytest.approx(0.85)
    assert math.isnan(table.iloc[2]["miou"]) and math.isnan(table.iloc[4]["fid"])


def test_undefined_values_are_dashes(rows):
    shown = readable(summary_table(rows))
    assert shown["mIoU % ↑"].tolist() == ["25.0", "25.0", "–", "–", "–"]
    assert shown["Sem. recall % ↑"].tolist()[-1] == "95.0"
    assert shown["steps"].tolist() == ["10"] * 4 + ["–"]
    assert shown["parameter"].tolist() == ["w 1", "w 2", "w 1", "w 2", "–"]


def test_models_of_other_parameters_and_steps_stand_in_one_table(rows):
    """A GAN over psi, and a model without a sampling parameter, beside guidance in many steps."""
    gan = dict(model="lafite", param_name="truncation psi", steps=1)
    more = [
        record(**gan, param_value=psi, metric="fid-hrnet", value=fid, config_hash=f"gan{psi}")
        for psi, fid in ((1.0, 7.0), (0.8, 5.0), (0.6, 9.0))
    ]
    more.append(
        record(
            model="gan",
            param_name="none",
            param_value=1.0,
            steps=1,
            metric="fid-hrnet",
            value=6.0,
            config_hash="none",
        )
    )
    known = rows.drop(columns="schema_version").to_dict("records")
    summary = summary_table(to_frame([*known, *more]))
    lines = readable(summary).set_index("model")
    assert lines.loc["lafite", "parameter"].tolist() == ["ψ 0.6", "ψ 0.8", "ψ 1"]
    assert lines.loc["lafite", "steps"].tolist() == ["1"] * 3
    assert lines.loc["gan", "parameter"] == "–"
    assert param_text("temperature", 0.7) == "temperature 0.7"


def test_the_second_extractor_and_pooled_rows_do_not_count_twice(rows):
    more = [
        record(
            model="reference",
            param_value=1.0,
            metric="semantic_recall",
            value=0.1,
            extractor="second",
            primary=False,
            config_hash="reference1.00",
        ),
        record(
            model="reference",
            param_value=1.0,
            metric="semantic_recall",
            value=0.2,
            seed=None,
            config_hash="pooled",
        ),
    ]
    known = rows.drop(columns="schema_version").to_dict("records")
    table = summary_table(to_frame([*known, *more]))
    assert table.iloc[0]["semantic_recall"] == pytest.approx(0.85)


def test_distances_that_real_images_reach_are_marked(rows):
    floor = record(
        model=REAL_VS_REAL,
        source="real-vs-real",
        **REAL,
        metric="fid-hrnet",
        value=4.0,
        config_hash="split",
    )
    known = rows.drop(columns="schema_version").to_dict("records")
    summary = summary_table(to_frame([*known, floor]))
    marks = below_noise(summary)["FID ↓"]
    assert marks[summary["model"] == "reference"].tolist() == [False, True]  # 4.5 and 3.5
    assert not marks[summary["model"].isin([REAL_OWN, REAL_VS_REAL])].any()


def test_intervals_and_corrections_stay_with_their_value(rows):
    records = rows.drop(columns="schema_version").to_dict("records")
    for line in records:
        line["ci_low"], line["ci_high"] = line["value"] - 0.1, line["value"] + 0.3
        line["corrected"] = line["value"] - 0.05
    first = summary_table(to_frame(records)).iloc[0]
    assert first["fid_low"] == pytest.approx(4.4) and first["fid_high"] == pytest.approx(4.8)
    assert first["fid_corrected"] == pytest.approx(4.45)
    assert first["miou_low"] == pytest.approx(0.15)


def test_intervals_are_shown_beside_the_corrected_value(rows):
    records = rows.drop(columns="schema_version").to_dict("records")
    for line in records:
        if line["metric"].startswith("f"):  # distances
            line["corrected"] = line["value"] - 1.5
            line["ci_low"], line["ci_high"] = line["value"] - 2.0, line["value"] - 0.5
    shown = readable(summary_table(to_frame(records)))
    assert shown["FID ↓"].iloc[0] == "4.50"
    assert shown["FID, bias-corrected [95 %] ↓"].iloc[0] == "3.00 [2.50, 4.00]"
    assert shown["FSD segmented, bias-corrected [95 %] ↓"].iloc[0] == "7.5 [7.0, 8.5]"
    assert "[" not in "".join(shown["FID ↓"]) + "".join(shown["FSD segmented ↓"])


def test_a_seed_without_a_value_does_not_count(rows):
    records = rows.drop(columns="schema_version").to_dict("records")
    for line in records:
        if (line["metric"], line["seed"], line["model"]) == ("fid-hrnet", 1, "reference"):
            line["value"] = math.nan
    table = summary_table(to_frame(records))
    assert table["num_seeds"].tolist() == [1, 1, 2, 2, 1]
    assert table.iloc[0]["fid"] == 4.0


def test_units_are_those_of_the_definitions():
    from gcdp_bench.metrics.registry import DEFINITIONS

    for metric, definition in DEFINITIONS.items():
        in_percent = "(tables print percent)" in definition.unit
        expected = "99.81 %" if in_percent else "0.9981"
        assert in_units(metric, 0.9981) == (expected,), metric
    assert in_units("miou", math.nan, 0.5) == ("–", "50.00 %")


def test_a_metric_of_an_installed_package_has_its_column(tmp_path, monkeypatch):
    records = [
        record(model="reference", metric=metric, value=value)
        for metric, value in (("fid-hrnet", 4.0), ("spread", 0.25))
    ]
    assert "spread" not in summary_table(to_frame(records)).columns  # nothing says what it is
    install_spread(tmp_path / "a", monkeypatch)
    table = summary_table(to_frame(records))
    assert table["spread"].tolist() == [0.25]
    assert readable(table)["Spread ↑"].tolist() == ["0.250"]
