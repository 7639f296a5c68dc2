"""What is taken where nothing is named, and that it is said."""

import shutil

import pytest

from gcdp_bench.datasets.defaults import default_dataset, default_results
from tests.gcdp_bench.datasets.trees import write_celeba


def test_the_embedded_dataset_where_there_is_no_other(tmp_path, monkeypatch):
    monkeypatch.delenv("GCDP_DATA", raising=False)
    name, line = default_dataset(None)
    assert name == "synth-city-25" and line.startswith("dataset: synth-city-25, embedded")
    name, line = default_dataset(tmp_path)
    assert name == "synth-city-25" and str(tmp_path) in line


def test_the_only_dataset_in_the_data_root(toy, tmp_path, monkeypatch):
    shutil.copytree(toy.data, tmp_path / "own" / "stripes")
    assert default_dataset(tmp_path / "own")[0] == str(tmp_path / "own" / "stripes")
    assert default_dataset(tmp_path / "own" / "stripes")[0] == str(tmp_path / "own" / "stripes")
    write_celeba(tmp_path / "faces" / "celeba")
    monkeypatch.setenv("GCDP_DATA", str(tmp_path / "faces"))
    name, line = default_dataset(None)
    assert name == "celeba-25" and "the only one" in line
    shutil.copytree(toy.data, tmp_path / "faces" / "stripes")
    with pytest.raises(ValueError, match="found celeba-25, .*stripes in .*choose one"):
        default_dataset(None)


def test_the_only_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert default_results()[0].as_posix() == "results/local"

    def put(name):
        (tmp_path / "results" / name).mkdir(parents=True)
        (tmp_path / "results" / name / "results.parquet").touch()

    put("demo")
    assert default_results()[0].as_posix() == "results/demo"
    put("other")
    with pytest.raises(ValueError, match="found results/demo, results/other; choose one"):
        default_results()
    put("local")
    assert default_results()[0].as_posix() == "results/local"
