"""Paired differences on values that can be computed by hand."""

import numpy as np
import pandas as pd
import pytest

from gcdp_bench.compare import compare_models
from gcdp_bench.points import read_point, write_point
from gcdp_bench.rows import to_frame
from tests.gcdp_bench.test_rows import record

IDS = [f"{i:03d}" for i in range(40)]


@pytest.fixture
def results(tmp_path):
    """Two models, two guidances, two seeds; `reference` recalls 0.1 more at guidance 1."""
    random = np.random.default_rng(0)
    easy = random.uniform(0.2, 0.8, len(IDS))  # the same captions are hard for both
    rows = []
    for model, fids in (("reference", (2.0, 1.0)), ("imagen", (1.1, 3.0))):
        for guidance, fid in zip((1.0, 4.0), fids, strict=True):
            for seed in (0, 1):
                key = f"{model}-{guidance}-{seed}"
                gain = 0.1 * (model == "reference" and guidance == 1.0)
                frame = pd.DataFrame({"id": IDS, "recall": easy + gain, "precision": easy,
                                      "clip": easy / 10})  # fmt: skip
                write_point(tmp_path, key, tmp_path / "points" / key, frame)
                rows.append(record(model=model, guidance=guidance, seed=seed, metric="fid-hrnet",
                                   value=fid, config_hash=key))  # fmt: skip
    return to_frame(rows), tmp_path


def test_pairs_cancel_what_both_share(results):
    table = compare_models(*results)
    equal = table[(table["matched_by"] == "guidance") & (table["measure"] == "recall")]
    assert equal[["model", "other"]].drop_duplicates().values.tolist() == [["reference", "imagen"]]
    by_guidance = equal.set_index("guidance")
    assert by_guidance.loc[1.0, "difference"] == pytest.approx(10.0)
    assert by_guidance.loc[1.0, "low"] == pytest.approx(10.0)
    assert by_guidance.loc[1.0, "high"] == pytest.approx(10.0)
    assert by_guidance.loc[4.0, "difference"] == pytest.approx(0.0)
    assert (equal["num_captions"] == 40).all() and (equal["num_seeds"] == 2).all()


def test_the_nearest_fid_is_matched(results):
    table = compare_models(*results)
    near = table[(table["matched_by"] == "fid") & (table["measure"] == "recall")]
    matched = {line.guidance: (line.other_guidance, line.other_fid) for line in near.itertuples()}
    assert matched == {1.0: (1.0, 1.1), 4.0: (1.0, 1.1)}


def test_one_model_has_nothing_to_compare_with(results):
    rows, folder = results
    table = compare_models(rows[rows["model"] == "imagen"], folder)
    assert len(table) == 0 and "difference" in table.columns


def test_removed_files_are_named(results):
    rows, folder = results
    (folder / "scores" / "imagen-1.0-0" / "per_sample.parquet").unlink()
    with pytest.raises(FileNotFoundError, match="rerun the sweep"):
        compare_models(rows, folder)
    with pytest.raises(FileNotFoundError, match="rerun the sweep"):
        read_point(folder, "unknown")
