"""The verb on a folder of copies and on fresh samples."""

import shutil

import pandas as pd
import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["memorisation", *map(str, arguments)])


def test_copies_of_the_training_split(toy, tmp_path):
    shutil.copytree(toy.data / "train", tmp_path / "copies")
    result = run(tmp_path / "copies", "--dataset", toy.data, *toy.extractors())
    assert result.exit_code == 0, result.output
    assert "memorised_share of 6 samples: 100.0 % [61.0, 100.0]" in result.output
    assert "memorised_share of 12 real images of test (what chance gives): " in result.output
    out = tmp_path / "copies" / "memorisation"
    table = pd.read_csv(out / "per_sample.csv", dtype={"id": str, "neighbour": str})
    assert (table["id"] == table["neighbour"]).all() and (table["ratio"] == 0).all()
    assert (out / "nearest.png").stat().st_size > 1000


@pytest.mark.slow
def test_other_images_are_not_all_memorised(toy, tmp_path):
    out = tmp_path / "out"
    result = run(toy.data / "val", "--dataset", toy.data, "--out", out, *toy.extractors())
    assert result.exit_code == 0, result.output
    assert "100.0 %" not in result.output.splitlines()[0]
    assert (out / "nearest.png").exists() and not (toy.data / "val" / "memorisation").exists()


def test_mistakes(toy, tmp_path):
    result = run(toy.data / "val", "--dataset", toy.data, "--unseen-split", "train")
    assert result.exit_code == 2 and "two different splits" in result.output
    result = run(
        toy.data / "val", "--dataset", toy.data, "--train-split", "trian", *toy.extractors()
    )
    assert result.exit_code == 1 and "Traceback" not in result.output
