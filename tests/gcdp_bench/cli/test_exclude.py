"""Evaluation on data of which items are broken: with their list it runs, without it stops."""

import shutil

import pytest

from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import FeatureCache
from gcdp_bench.results.layout import read_point
from gcdp_bench.results.table import read_rows
from tests.gcdp_bench.cli.test_cli import FAST, fails, run, sweep

BROKEN = {"test": "003", "train": "001"}


@pytest.fixture
def data(toy, tmp_path):
    data = shutil.copytree(toy.data, tmp_path / "mine")
    for split, name in BROKEN.items():
        (data / split / "images" / f"{name}.png").write_bytes(b"torn")
    return data


@pytest.fixture
def leave_out(data, tmp_path):
    fails("data", "check", data, "--faulty", tmp_path / "q.jsonl")
    return ["--exclude", tmp_path / "q.jsonl"]


@pytest.mark.slow
def test_a_sweep(toy, data, leave_out, tmp_path):
    arguments = [
        *sweep(toy, tmp_path / "r"),
        "--dataset",
        data,
        "--models",
        "imagen",
        "--guidance",
        1,
        "--seeds",
        1,
    ]
    assert "test/images/003.png: expected a readable image" in fails(*arguments)
    result = run(*arguments, *leave_out)
    assert result.exit_code == 0, result.output
    rows = read_rows(tmp_path / "r")
    fid = rows[(rows["metric"] == "fid-hrnet") & (rows["model"] == "imagen")]
    assert fid["num_reference"].tolist() == [11]
    reference = FeatureCache.load(read_point(tmp_path / "r", fid["config_hash"].iloc[0]).reference)
    assert sorted(reference.ids) == [f"{i:03d}" for i in range(12) if i != 3]
    # Once it is corrected the reference is another one, so the rows would not compare.
    shutil.copy(toy.data / "test" / "images" / "003.png", data / "test" / "images" / "003.png")
    assert "compared with other real images of stripes" in fails(*arguments)
    assert "the data or --exclude or --resize changed" in fails(*arguments)


@pytest.mark.slow
def test_sample_evaluate_and_memorisation(toy, data, leave_out, tmp_path):
    out = tmp_path / "samples"
    sample = [
        "sample",
        "reference",
        "--dataset",
        data,
        "--out",
        out,
        "--num-samples",
        11,
        "--weights",
        toy.reference,
        *FAST,
    ]
    result = run(*sample, *leave_out)
    assert result.exit_code == 0, result.output
    assert len(Folder(out)) == 11
    score = ["evaluate", out, "--dataset", data, *toy.extractors()]
    memorisation = ["memorisation", out, "--dataset", data, *toy.extractors()]
    for arguments, split in ((score, "test"), (memorisation, "train")):
        assert f"{split}/images/{BROKEN[split]}.png" in fails(*arguments)
        result = run(*arguments, *leave_out)
        assert result.exit_code == 0, result.output


def test_a_dataset_without_files_has_nothing_to_leave_out(toy, leave_out, tmp_path):
    output = fails(
        "sweep",
        "--dataset",
        "synth-city-25",
        "--models",
        "reference",
        *toy.extractors(),
        "--results",
        tmp_path / "r",
        *leave_out,
    )
    assert "it is drawn when read" in output
