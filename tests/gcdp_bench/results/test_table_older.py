"""Results folders that earlier versions wrote open (tests/golden/results-schema-*.tar.gz)."""

import tarfile
from pathlib import Path

import pandas as pd
import pytest

from gcdp_bench.cli import main
from gcdp_bench.comparison.points import select_points
from gcdp_bench.comparison.sides import compare_points
from gcdp_bench.report import build_report, build_table_1
from gcdp_bench.results.alarms import alarms_of, read_controls, write_controls
from gcdp_bench.results.compatibility import select
from gcdp_bench.results.costs import read_costs
from gcdp_bench.results.schema import COLUMNS, OLD_IDS, REFERENCE_MODELS, RENAMED, SCHEMA_VERSION
from gcdp_bench.results.table import merge_rows, read_rows

GOLDEN = Path(__file__).parents[2] / "golden"
RENAMED_IN = {"3": {*RENAMED}, "4-judges": {"judges"}}
"""Version of an archive -> its columns that have other names today."""
of_version_3 = pytest.mark.parametrize("version", ["3"])


@pytest.fixture(params=RENAMED_IN)
def version(request):
    return request.param


@pytest.fixture
def results(tmp_path, version):
    with tarfile.open(GOLDEN / f"results-schema-{version}.tar.gz") as archive:
        archive.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old"


@pytest.fixture
def stored(results):
    return pd.read_parquet(results / "results.parquet")


def test_the_folder_is_an_older_one(stored, version):
    assert set(stored["schema_version"]) == {int(version[0])}
    assert {*RENAMED} & {*stored.columns} == RENAMED_IN[version]


def test_rows_are_migrated_and_no_value_is_lost(results, stored):
    rows = read_rows(results)
    assert list(rows.columns) == list(COLUMNS)
    assert set(rows["schema_version"]) == {SCHEMA_VERSION}
    for old in set(stored.columns) - {"schema_version"}:
        name = RENAMED[old] if old in RENAMED else old
        expected = stored[old].replace(OLD_IDS).astype(COLUMNS[name])  # type: ignore[call-overload]
        pd.testing.assert_series_equal(rows[name], expected, check_names=False)


@of_version_3
def test_columns_that_an_older_table_lacks_have_the_values_of_its_rows(results):
    rows = read_rows(results)
    assert rows["train_seed"].isna().all()
    for name, value in (("resize", "none"), ("definition", "1"), ("alarm", "none")):
        assert set(rows[name]) == {value}


@pytest.mark.parametrize("version", ["4-judges"])
def test_alarms_are_read(results):
    rows, controls = read_rows(results), read_controls(results)
    assert controls is not None and set(controls["source"]) == {"control", "alarm"}
    alarms = alarms_of(results, rows)
    assert set(alarms["alarm"]) == set(",".join(rows["alarm"]).split(",")) - {"none"}
    write_controls(results, controls)  # as a sweep that continues does
    pd.testing.assert_frame_equal(read_rows(results / "controls.parquet"), controls)
    pd.testing.assert_frame_equal(read_rows(results), rows)


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


@pytest.mark.parametrize("table", ["results", "controls", "costs"])
@pytest.mark.parametrize("version", ["4-judges"])
@pytest.mark.parametrize("old", RENAMED)
def test_columns_are_renamed_whatever_the_version(results, table, old):
    read = read_costs if table == "costs" else lambda _: read_rows(results / f"{table}.parquet")
    file, expected = results / f"{table}.parquet", read(results)
    pd.read_parquet(file).rename(columns={RENAMED[old]: old}).to_parquet(file)
    pd.testing.assert_frame_equal(read(results), expected)


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


@pytest.mark.parametrize("other", [2, 5])
def test_other_versions_are_refused(results, stored, other):
    stored.assign(schema_version=other).to_parquet(results / "results.parquet")
    with pytest.raises(ValueError, match=f"expected schema version 4, or 3 .*, got {other}; re"):
        read_rows(results)


@of_version_3
def test_a_table_of_schema_3_that_lacks_a_column_is_refused(results, stored):
    stored.drop(columns="knob").to_parquet(results / "results.parquet")
    with pytest.raises(ValueError, match="lacks param_name"):
        read_rows(results)
