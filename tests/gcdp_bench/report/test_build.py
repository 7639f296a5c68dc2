"""The report: every file is there, the page is one file, and it says what it shows."""

import base64
import io
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gcdp_bench.core.images import read_image
from gcdp_bench.report import build_report, build_table_1
from gcdp_bench.report.costs import cost_table
from gcdp_bench.report.page import Section, Tables, render_page
from gcdp_bench.report.table_1 import table_1
from gcdp_bench.results.compatibility import UnlikeRowsError
from gcdp_bench.results.costs import to_frame
from gcdp_bench.results.rank_agreement import extractor_agreement
from gcdp_bench.results.schema import COLUMNS, REFERENCE_MODELS
from gcdp_bench.results.table import merge_rows, read_rows
from tests.packages import install_broken


@pytest.fixture(scope="module")
def results(swept, tmp_path_factory):
    return shutil.copytree(swept, tmp_path_factory.mktemp("report") / "results")


@pytest.fixture(scope="module")
def report(results):
    return build_report(results)


def test_figures_are_pictures(report):
    names = {path.stem for path in report.figures}
    assert names == {
        "fid-semantic-recall",
        "fid-clip",
        "class-recall",
        "samples",
        "guidance-reference",
        "guidance-imagen",
    }
    for path in report.figures:
        picture = read_image(path).float()
        assert picture.shape[1] > 200 and picture.std() > 5
        assert not path.with_suffix(".pdf").exists()


def test_tables_are_written(report):
    assert {path.name for path in report.tables} == {
        "summary.csv",
        "table-1.csv",
        "table-1.md",
        "table-1.tex",
        "comparison.csv",
        "tradeoff.csv",
        "costs.csv",
        "published.csv",
        "alarms.csv",
    }
    assert all(path.stat().st_size > 100 for path in report.tables)


def test_the_page_shows_the_tradeoff_as_numbers(report):
    (path,) = [path for path in report.tables if path.stem == "tradeoff"]
    table = pd.read_csv(path)
    assert set(table["model"]) == {"reference", "imagen"} and (table["num_points"] == 2).all()
    page = report.page.read_text()
    assert "Trade-off as numbers" in page and "semantic_recall %" in page
    recall = table[table["metric"] == "semantic_recall"]
    for area, level in recall[["hypervolume", "matched_level"]].to_numpy(float):
        assert f"<td>{area:.2f}</td>" in page and f"<td>{100.0 * level:.1f}</td>" in page


def test_the_page_shows_costs_or_says_that_there_are_none(report, results):
    tables = {
        path.stem: pd.read_csv(path, keep_default_na=False, na_values="")
        for path in report.tables
        if path.suffix == ".csv"
    }
    together = tables["costs"][tables["costs"]["part"] == "all"]
    assert set(together["model"]) == {"reference", "imagen"}
    assert (together["sec_per_sample"] > 0).all()
    rows = read_rows(results)
    (dataset,) = rows["dataset"].unique()
    best = together[together["model"] == "imagen"].iloc[0]
    weights = rows[rows["model"] == "imagen"]["weights"].iloc[0]
    line = {
        "dataset": dataset,
        "model": "imagen",
        "weights": weights,
        "part": "sampling",
        "param_value": best["param_value"],
        "flops": 12.3e9,
        "num_parameters": 456000,
    }

    def page(costs):
        shown = Tables(
            report.summary,
            table_1(rows),
            tables["comparison"],
            tables["tradeoff"],
            extractor_agreement(rows),
            cost_table(rows, to_frame(costs)),
        )
        return render_page(rows, [Section(dataset)], shown, (), pd.DataFrame())

    without, with_costs = page([]), page([line])
    assert "<h3>Costs</h3>" in report.page.read_text()
    assert "has no line of these models" in without and "<td>not recorded</td>" in without
    assert "has no line of these models" not in with_costs
    assert "<td>12.3 G</td>" in with_costs and "<td>456 k</td>" in with_costs
    assert "12.3 G" not in without


def test_the_page_needs_nothing_else(report):
    page = report.page.read_text()
    embedded = re.findall(r"data:image/webp;base64,([^\"]*)", page)
    assert len(embedded) == len(report.figures)
    for data, path in zip(embedded, report.figures, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        assert (pixels == read_image(path).permute(1, 2, 0).numpy()).all()
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)", page)
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)


def test_the_page_says_that_it_is_a_demonstration(report):
    page = report.page.read_text()
    assert "A demonstration, not a result" in page
    for text in ("stripes", "GCDP (reference)", "Imagen", "hrnet-tiny"):
        assert text in page
    assert "Park et al. 2023, for Cityscapes" not in page


@pytest.mark.slow
def test_the_same_results_give_the_same_figures(report, results):
    before = {path: path.read_bytes() for path in report.figures}
    again = build_report(results, pdf=True)
    assert {path: path.read_bytes() for path in again.figures} == before
    assert again.page.read_text() == report.page.read_text()
    pdf = report.figures[0].with_suffix(".pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and b"CreationDate" not in pdf


def test_no_results_say_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="run `gcdp-bench sweep` first"):
        build_report(tmp_path)


@pytest.mark.slow
def test_unlike_rows_are_refused_and_can_be_chosen_from(results, report, undrawn, tmp_path):
    shutil.copytree(results, tmp_path / "r")
    rows = read_rows(tmp_path / "r")
    other = rows[rows["model"] == "imagen"].assign(resizer="bicubic", config_hash="other", seed=5)
    merge_rows(tmp_path / "r", other)
    with pytest.raises(UnlikeRowsError, match="rows differ in resizer .*--only resizer=native"):
        build_report(tmp_path / "r")
    chosen = build_report(tmp_path / "r", only=["resizer=native"])
    assert set(chosen.summary["model"]) == set(report.summary["model"])


@pytest.mark.slow
def test_models_of_other_subsets_are_refused_and_named_when_allowed(results, undrawn, tmp_path):
    shutil.copytree(results, tmp_path / "r")
    rows = read_rows(tmp_path / "r")
    other = rows["model"] == "imagen"
    rows["trained_on"] = rows["trained_on"].mask(other, "stripes-100")
    (tmp_path / "r" / "results.parquet").unlink()
    merge_rows(tmp_path / "r", rows)
    with pytest.raises(UnlikeRowsError, match="rows differ in trained_on .*--allow-subsets"):
        build_report(tmp_path / "r")
    mixed = build_report(tmp_path / "r", allow_subsets=True)
    assert {"reference (stripes)", "imagen (stripes-100)"} <= set(mixed.summary["model"])
    assert "Imagen (stripes-100)" in mixed.page.read_text()
    alone = build_report(tmp_path / "r", only=["trained_on=stripes-100"])
    assert set(alone.summary["model"]) == {"imagen", *REFERENCE_MODELS}


def test_published_numbers_are_rows_of_their_own(report):
    (path,) = [path for path in report.tables if path.stem == "published"]
    table = pd.read_csv(path)
    assert set(table["source"]) == {"paper"} and set(table["protocol"]) == {"unknown"}
    assert 42.22 in table["value"].tolist()


KINDS = (
    "model=real-own",
    "source=real-vs-real",
    "class=car",
    "knob=none",
    "metric=clip-x100",
    "ci_method=pooled-2-seeds",
    "seed=1",
)
"""Conditions that leave no generator, no FID, no totals, or no row of a single seed."""
MORE_KINDS = (
    "model=real-ceiling",
    "trained_on=none",
    "metric=miou",
    "metric=fid-hrnet",
    "definition=2",
    "primary=True",
)


@pytest.mark.parametrize(
    "condition", [*KINDS, *(pytest.param(kind, marks=pytest.mark.slow) for kind in MORE_KINDS)]
)
def test_conditions_leave_a_report_of_the_other_rows(results, undrawn, condition):
    report = build_report(results, only=[condition])
    page = report.page.read_text()
    assert all(path.exists() for path in report.tables)
    table = pd.read_csv(report.page.parent / "tables" / "table-1.csv")
    assert ("Table 1 of the paper" in page) == bool(len(table))


@pytest.mark.slow
@pytest.mark.parametrize("column", COLUMNS)
def test_a_condition_on_any_column_leaves_a_report_or_a_sentence(results, undrawn, column):
    values = read_rows(results)[column].dropna()
    if len(values):
        assert build_report(results, only=[f"{column}={values.iloc[0]}"]).page.exists()
    with pytest.raises(ValueError, match=f"--only {column}=no such: no row has it; present: "):
        build_report(results, only=[f"{column}=no such"])


def test_values_of_a_package_that_cannot_be_imported_are_left_out_with_a_note(
    results, undrawn, tmp_path, monkeypatch
):
    folder = shutil.copytree(results, tmp_path / "results")
    rows = read_rows(folder)
    merge_rows(folder, rows[rows["metric"] == "miou"].assign(metric="theirs"))
    install_broken(tmp_path / "package", monkeypatch, "theirs")
    report = build_report(folder)
    (note,) = (warning for warning in report.warnings if "their-package" in warning)
    assert "pip uninstall their-package" in note and "results.csv" in note
    assert "theirs" not in report.summary and "miou" in report.summary


def test_table_1_alone_needs_a_generator_with_an_fid(results):
    with pytest.raises(ValueError, match=r"Table 1 ranks .* by FID, which none of the rows has"):
        build_table_1(results, only=["model=real-own"])
