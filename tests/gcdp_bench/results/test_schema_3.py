"""A results folder that an earlier version wrote (tests/golden/results-schema-3.tar.gz) opens."""

import tarfile
from pathlib import Path

import pandas as pd
import pytest

from gcdp_bench.cli import main
from gcdp_bench.comparison.points import select_points
from gcdp_bench.comparison.sides import compare_points
from gcdp_bench.report import build_report, build_table_1
from gcdp_bench.results.compatibility import select
from gcdp_bench.results.costs import read_costs
from gcdp_bench.results.schema import COLUMNS, OLD_IDS, REFERENCE_MODELS, RENAMED, SCHEMA_VERSION
from gcdp_bench.results.table import merge_rows, read_rows

ARCHIVE = Path(__file__).parents[2] / "golden" / "results-schema-3.tar.gz"


@pytest.fixture
def results(tmp_path):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old"


@pytest.fixture
def stored(results):
    return pd.read_parquet(results / "results.parquet")


def test_the_folder_is_of_schema_3(stored):
    assert set(stored["schema_version"]) == {3} and {*RENAMED} <= {*stored.columns}


def test_rows_are_migrated_and_no_value_is_lost(results, stored):
    rows = read_rows(results)
    assert list(rows.columns) == list(COLUMNS)
    assert set(rows["schema_version"]) == {SCHEMA_VERSION}
    for old in set(stored.columns) - {"schema_version"}:
        name = RENAMED[old] if old in RENAMED else old
        expected = stored[old].replace(OLD_IDS).astype(COLUMNS[name])  # type: ignore[call-overload]
        pd.testing.assert_series_equal(rows[name], expected, check_names=False)
    assert rows["train_seed"].isna().all()
    for name, value in (("resize", "none"), ("definition", "1"), ("alarm", "none")):
        assert set(rows[name]) == {value}


def test_reading_changes_no_file_and_writing_writes_today_s_schema(results):
    before = (results / "results.parquet").read_bytes()
    rows = read_rows(results)
    assert (results / "results.parquet").read_bytes() == before
    again = merge_rows(results, rows[:3])
    stored = pd.read_parquet(results / "results.parquet")
    assert set(stored["schema_version"]) == {SCHEMA_VERSION} and list(stored.columns) == [*COLUMNS]
    assert len(again) == len(rows)
    pd.testing.assert_frame_equal(again, read_rows(results))


def test_costs_are_read(results):
    costs = read_costs(results)
    assert set(costs["param_value"].dropna()) == {2.0}


@pytest.mark.slow
def test_the_report_and_comparisons_work(results, undrawn, capsys):
    report = build_report(results)
    assert report.page.exists() and len(report.figures) >= 5
    assert set(report.summary["param_value"].dropna()) == {2.0}
    assert report.summary["fid"].notna().sum() == 3
    assert build_table_1(results)[0].count("w 2") == 2
    own, other = (select_points(results, model, 2.0) for model in ("reference", "imagen"))
    assert {"fid", "semantic_recall"} <= set(compare_points(own, other)["metric"])
    main(["report", str(results), "--only", "guidance=2"], standalone_mode=False)
    main(["compare", f"{results}:reference@2", f"{results}:imagen@2"], standalone_mode=False)
    assert "page:" in capsys.readouterr().out


def test_conditions_take_old_and_new_names(results):
    rows = read_rows(results)
    for old, new in (
        ("guidance=2", "param_value=2"),
        ("knob=guidance scale", "param_name=guidance scale"),
    ):
        pd.testing.assert_frame_equal(select(rows, [old]), select(rows, [new]))


def test_real_images_have_their_names_of_today(results):
    """In tables of any version, and in conditions of the command line."""
    rows = read_rows(results)
    assert set(rows[rows["source"] != "generated"]["model"]) == {*REFERENCE_MODELS}
    assert set(rows["source"]) == {"generated", "real", "real-vs-real"}
    today = {new: old for old, new in OLD_IDS.items()}
    written = rows.assign(**{name: rows[name].replace(today) for name in ("model", "source")})
    written.to_parquet(results / "results.parquet")
    pd.testing.assert_frame_equal(read_rows(results), rows)
    for old, new in OLD_IDS.items():
        pd.testing.assert_frame_equal(
            select(rows, [f"model={old}"]), select(rows, [f"model={new}"])
        )


@pytest.mark.parametrize("version", [2, 5])
def test_other_versions_are_refused(results, stored, version):
    stored.assign(schema_version=version).to_parquet(results / "results.parquet")
    with pytest.raises(ValueError, match=f"expected schema version 4, or 3 .*, got {version}; re"):
        read_rows(results)


def test_a_table_of_schema_3_that_lacks_a_column_is_refused(results, stored):
    stored.drop(columns="knob").to_parquet(results / "results.parquet")
    with pytest.raises(ValueError, match="lacks param_name"):
        read_rows(results)
