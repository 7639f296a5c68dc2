"""Rows of older definitions are computed again from what the networks saw, or refused."""

import shutil
from contextlib import contextmanager
from dataclasses import replace

import pandas as pd
import pytest

from gcdp_bench.comparison.points import select_points
from gcdp_bench.comparison.sides import compare_points
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.evaluation import inputs
from gcdp_bench.metrics.definitions.captions import READING
from gcdp_bench.metrics.registry import DEFINITIONS
from gcdp_bench.report import build_report
from gcdp_bench.results.alarms import ids_of, read_controls
from gcdp_bench.results.compatibility import (
    UnlikeRowsError,
    check_comparable,
    old_definitions,
    outdated,
)
from gcdp_bench.results.schema import KEY, REAL_OWN
from gcdp_bench.results.table import merge_rows, read_rows
from gcdp_bench.sweep import Paths, SweepConfig, run_sweep

MADE = ["seconds", "hardware", "git_commit", "versions"]


@pytest.fixture
def old(swept, tmp_path):
    """Results of yesterday's definitions, at one scale."""
    folder = shutil.copytree(swept, tmp_path / "old")
    rows = read_rows(folder)
    rows[rows["param_value"] != 3.0].to_parquet(folder / "results.parquet", index=False)
    return folder


CLASS_METRICS = [name for name, one in DEFINITIONS.items() if READING in one.changes]


def change_definition(patch, of, name):
    held = DEFINITIONS[of]
    changed = replace(held, changes=(*held.changes, "every class is prompted"))
    patch.setitem(DEFINITIONS, name, changed)


@contextmanager
def definitions_of_today():
    """Captions are read in another way: every class is prompted."""
    prompted = inputs.prompted_classes
    with pytest.MonkeyPatch.context() as patch:
        for metric in CLASS_METRICS:
            change_definition(patch, metric, metric)
        patch.setattr(inputs, "prompted_classes", lambda sets, num: prompted(sets, num) | True)
        yield


@pytest.fixture
def today():
    with definitions_of_today():
        yield


@pytest.fixture(scope="module")
def fresh(toy, extractors, tmp_path_factory):  # noqa: F811
    """A new folder of today's definitions; read only."""
    folder = tmp_path_factory.mktemp("fresh")
    with definitions_of_today():
        sweep(toy, folder, extractors)
    return folder


def sweep(toy, results, extractors, seeds=(0, 1)):  # noqa: F811
    config = SweepConfig(
        dataset=str(toy.data),
        guidance=(1.0,),
        seeds=seeds,
        num_samples=4,
        sampling=SamplingConfig(steps=2, sr_steps=2),
        demo=True,
    )
    weights = (("reference", toy.reference), ("imagen", toy.imagen))
    return run_sweep(config, Paths(results=results, weights=weights), extractors, progress=Silent())


def comparable(rows):
    return rows.drop(columns=MADE).sort_values(list(KEY), ignore_index=True)


def test_renewed_rows_are_those_of_a_new_folder(toy, old, extractors, today, fresh):  # noqa: F811
    before = read_rows(old)
    assert old_definitions(before) == [
        f"{name} (version 2, now 3)" for name in sorted(CLASS_METRICS)
    ]
    renewed = sweep(toy, old, extractors)
    pd.testing.assert_frame_equal(comparable(renewed), comparable(read_rows(fresh)))
    assert not outdated(read_rows(old)).any() and len(read_rows(old)) == len(renewed)
    recall = (before["metric"] == "semantic_recall") & (before["model"] == REAL_OWN)
    own = (renewed["metric"] == "semantic_recall") & (renewed["model"] == REAL_OWN)
    assert before[recall]["value"].mean() != renewed[own]["value"].mean()
    for file in (fresh / "scores").glob("*/per_sample.parquet"):
        mine = pd.read_parquet(old / file.relative_to(fresh))
        pd.testing.assert_frame_equal(mine, pd.read_parquet(file))


@pytest.mark.slow
def test_nothing_is_sampled_and_other_metrics_keep_their_rows(toy, old, extractors, today):  # noqa: F811
    before = read_rows(old)
    shutil.rmtree(old / "points" / "stripes" / "imagen")
    after = sweep(toy, old, extractors)
    assert not (old / "points" / "stripes" / "imagen").exists()
    kept = ~before["metric"].isin(CLASS_METRICS)
    now = read_rows(old)
    pd.testing.assert_frame_equal(
        before[kept].drop(columns="alarm").reset_index(drop=True),
        now.loc[~now["metric"].isin(CLASS_METRICS)].drop(columns="alarm").reset_index(drop=True),
    )
    assert set(after[after["metric"].isin(CLASS_METRICS)]["definition"]) == {"3"}


@pytest.mark.slow
def test_alarms_are_those_of_today_s_controls(toy, old, extractors, today):  # noqa: F811
    rows = read_rows(old).assign(alarm="of yesterday")
    rows.to_parquet(old / "results.parquet", index=False)
    sweep(toy, old, extractors)
    controls = read_controls(old)
    alarms = controls[controls["source"] == "alarm"]
    rows = read_rows(old)
    assert rows["alarm"].tolist() == ids_of(alarms, rows["metric"], rows["extractor"])
    assert rows["alarm"].nunique() > 1


@pytest.mark.slow
def test_controls_are_measured_again_by_today_s_definitions(toy, old, extractors, today):  # noqa: F811
    before = read_controls(old)
    assert before is not None and outdated(before).any()
    sweep(toy, old, extractors)
    after = read_controls(old)
    assert after is not None and not outdated(after).any()
    own = before["source"] == "control"
    assert len(after[after["source"] == "control"]) == own.sum()


def test_what_the_networks_saw_is_needed(toy, old, extractors, today):  # noqa: F811
    for file in (old / "scores").glob("*/observed.npz"):
        file.unlink()
    before = (old / "results.parquet").read_bytes()
    with pytest.raises(
        FileNotFoundError,
        match="observed.npz: expected what the networks saw, .*choose another --results",
    ):
        sweep(toy, old, extractors)
    assert (old / "results.parquet").read_bytes() == before


def test_a_metric_that_is_not_computed_from_it_is_refused(toy, old, extractors, monkeypatch):  # noqa: F811
    rows = read_rows(old)
    rows.loc[rows["metric"] == "miou", "metric"] = "gone"
    rows.to_parquet(old / "results.parquet", index=False)
    change_definition(monkeypatch, "miou", "gone")
    with pytest.raises(ValueError, match="gone of .*: has another definition now, and is not"):
        sweep(toy, old, extractors)


def test_mixed_rows_are_refused_when_added_and_when_read(old, today, fresh):
    rows = read_rows(fresh)
    own = rows[rows["model"] == "imagen"].assign(model="another", config_hash="another")
    with pytest.raises(
        ValueError,
        match=r"of stripes would hold numbers of different definitions "
        r"\(version 2: .*; version 3: another\).*`gcdp-bench sweep`",
    ):
        merge_rows(old, own)
    mixed = merge_rows(old, own, mixed=True)
    with pytest.raises(UnlikeRowsError, match=r"rows differ in definition \(.*\): 2, 3; .*`gcdp"):
        check_comparable(mixed)
    with pytest.raises(UnlikeRowsError, match="rows differ in definition"):
        build_report(old)


def test_points_of_different_definitions_are_not_compared(old, today, fresh):
    ours, theirs = (select_points(folder, "imagen", None) for folder in (old, fresh))
    with pytest.raises(
        UnlikeRowsError,
        match=r"differ in the definition of .*"
        r"semantic_recall \(versions 2, 3\)",
    ):
        compare_points(ours, theirs)
    assert len(compare_points(ours, select_points(old, "reference", None)))


@pytest.mark.slow
def test_a_report_of_older_definitions_says_so(old, today, undrawn):
    report = build_report(old)
    (warning,) = [text for text in report.warnings if "definitions" in text]
    assert "semantic_recall (version 2, now 3)" in warning and "gcdp-bench sweep" in warning
    assert "semantic_recall (version 2, now 3)" in report.page.read_text()
