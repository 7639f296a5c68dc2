"""Pairs of models: at equal guidance, at the nearest FID, and what they share cancels."""

import pytest

from gcdp_bench.compare import compare_models
from gcdp_bench.compare.models import MODEL_COLUMNS
from gcdp_bench.points import read_point
from gcdp_bench.rows import to_frame


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
    assert gained[["difference", "ci_low", "ci_high"]].tolist() == pytest.approx([0.1] * 3)
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
        ("reference @ 4", "imagen @ 4", "guidance", 3.0),
    ]


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
