"""Pairs of models: at equal sampling parameter values, at the nearest FID, and what they share
cancels."""

import pytest

from gcdp_bench.comparison.models import MODEL_COLUMNS, compare_models
from gcdp_bench.results.layout import read_point
from gcdp_bench.results.schema import to_frame


@pytest.fixture
def results(write, tmp_path):
    """Two models, two guidances, two seeds; `reference` recalls 0.1 more at guidance 1."""
    rows = []
    for model, fids in (("reference", (2.0, 1.0)), ("imagen", (1.1, 3.0))):
        for guidance, fid in zip((1.0, 4.0), fids, strict=True):
            gain = 0.1 * (model == "reference" and guidance == 1.0)
            rows += [write(model, guidance, seed, fid=fid, gain=gain) for seed in (0, 1)]
    return to_frame(rows), tmp_path


def test_pairs_cancel_what_both_share(results):
    table = compare_models(*results)
    assert list(table.columns) == list(MODEL_COLUMNS)
    equal = table[(table["matched_by"] != "fid") & (table["metric"] == "semantic_recall")]
    assert equal["a"].tolist() == ["reference @ 1", "reference @ 4"]
    gained, same = equal.iloc[0], equal.iloc[1]
    assert gained["difference"] == pytest.approx(0.1)
    assert 0.0 < gained["ci_low"] < 0.1 < gained["ci_high"] < 0.2
    assert same["difference"] == pytest.approx(0.0)
    assert [gained["verdict"], same["verdict"]] == ["win", "tie"]
    assert (equal["num_captions"] == 40).all() and (equal["num_seeds"] == 2).all()


def test_the_nearest_fid_is_matched(results):
    table = compare_models(*results)
    recall = table[table["metric"] == "semantic_recall"]
    matched = [(line.a, line.b, line.matched_by, line.fid_b) for line in recall.itertuples()]
    assert sorted(matched) == [
        ("reference @ 1", "imagen @ 1", "both", 1.1),
        ("reference @ 4", "imagen @ 1", "fid", 1.1),
        ("reference @ 4", "imagen @ 4", "param_value", 3.0),
    ]


def pairs(rows, folder):
    """Each compared pair once: A, its steps, B, its steps, what was equal."""
    table = compare_models(rows, folder)
    recall = table[table["metric"] == "semantic_recall"]
    columns = ["a", "steps_a", "b", "steps_b", "matched_by"]
    return [tuple(line) for line in recall[columns].itertuples(index=False)]


def test_a_gan_is_compared_with_models_of_many_steps(write, tmp_path):
    """psi 1 is not guidance 1: only the nearest FID matches the two."""
    gan = {"param_name": "truncation psi", "steps": 1}
    rows = [
        write("reference", 1.0, 0, fid=2.0),
        write("reference", 4.0, 0, fid=6.0),
        write("lafite", 1.0, 0, fid=5.0, **gan),
        write("lafite", 0.6, 0, fid=3.0, **gan),
    ]
    assert pairs(to_frame(rows), tmp_path) == [
        ("reference @ 1", 10, "lafite @ 0.6", 1, "fid"),
        ("reference @ 4", 10, "lafite @ 1", 1, "fid"),
    ]


def test_models_meet_at_the_steps_that_they_share(write, tmp_path):
    rows = [
        write(model, 2.0, 0, fid=fid, steps=steps, config_hash=f"{model}{steps}")
        for model, steps, fid in (
            ("reference", 25, 2.0),
            ("reference", 100, 1.0),
            ("ldm", 25, 3.0),
            ("ldm", 50, 2.5),
            ("lafite", 1, 4.0),
        )
    ]
    assert pairs(to_frame(rows), tmp_path) == [
        ("reference @ 2", 25, "ldm @ 2", 25, "both"),
        ("reference @ 2", 25, "lafite @ 2", 1, "both"),
        ("reference @ 2", 100, "lafite @ 2", 1, "both"),
        ("ldm @ 2", 25, "lafite @ 2", 1, "both"),
        ("ldm @ 2", 50, "lafite @ 2", 1, "both"),
    ]


def test_models_without_a_parameter_share_no_value(write, tmp_path):
    rows = [write(model, 1.0, 0, fid=2.0, param_name="none") for model in ("palette", "gan")]
    assert pairs(to_frame(rows), tmp_path) == [("palette @ 1", 10, "gan @ 1", 10, "fid")]


def test_one_model_has_nothing_to_compare_with(results):
    rows, folder = results
    table = compare_models(rows[rows["model"] == "imagen"], folder)
    assert len(table) == 0 and "difference" in table.columns


def test_removed_files_are_named(results):
    rows, folder = results
    (folder / "scores" / "imagen-1-0" / "per_sample.parquet").unlink()
    with pytest.raises(FileNotFoundError, match="rerun the sweep"):
        compare_models(rows, folder)
    with pytest.raises(FileNotFoundError, match="rerun the sweep"):
        read_point(folder, "unknown")
