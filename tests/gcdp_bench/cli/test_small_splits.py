"""Of a small split all is taken where no number is given; a number that is given holds."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.datasets.manage import choose_samples
from gcdp_bench.results.table import read_rows
from tests.packages import install_broken

FEW = ["--models", "reference", "--guidance", "1", "--steps", "2"]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def sweep(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return [
        "sweep",
        "--dataset",
        toy.data,
        *FEW,
        *toy.extractors(),
        "--weights",
        f"reference={toy.reference}",
    ]


@pytest.mark.slow
def test_a_sweep_takes_the_whole_split(sweep):
    for more in (["--dry-run"], []):
        result = run(*sweep, *more)
        assert result.exit_code == 0, result.output
        assert "test split has 12 images: 12 samples per point" in result.stderr
    assert "1 point of 12 samples" in run(*sweep, "--dry-run").stdout
    assert read_rows(Path("results/local"))["num_samples"].max() == 12


def test_a_metric_that_cannot_be_imported_is_refused_by_a_dry_run(sweep, tmp_path, monkeypatch):
    install_broken(tmp_path / "package", monkeypatch, "theirs")
    result = run(*sweep, "--dry-run")
    assert result.exit_code == 1 and "pip uninstall their-package" in result.stderr


def test_more_than_there_are_is_refused_early(sweep):
    fault = "num_samples: expected at most 12"
    assert fault in run(*sweep, "--num-samples", 13).stderr
    dry = run(*sweep, "--num-samples", 13, "--dry-run").stdout
    assert "1 missing" in dry and fault in dry and dry.rstrip().endswith("--num-samples 12")
    lacking = run(*sweep, "--num-samples", 13, "--models", "reference,imagen")
    assert fault in lacking.stderr and "- imagen (generator)" in lacking.stderr


def test_samples_and_analyses(toy, tmp_path):
    given = ["--dataset", toy.data, "--weights", f"reference={toy.reference}", "--steps", "2"]
    drawn = run("sample", "reference", *given, "--out", tmp_path / "samples")
    assert drawn.exit_code == 0 and "12 samples in" in drawn.stdout, drawn.output
    assert "test split has 12 images" in drawn.stderr
    for command in (["sample", "reference", "--out", "x"], ["analyze", "outpainting"]):
        assert (
            "num_samples: expected at most 12" in run(*command, *given, "--num-samples", 13).stderr
        )


@pytest.mark.parametrize("command", ["sweep", "sample", "analyze outpainting", "analyze features"])
def test_numbers(toy, tmp_path, command):
    def chosen(given, name=str(toy.data), split="test"):
        return choose_samples(command, name, split, given, data_root=tmp_path)

    assert chosen(None).num == 12 and chosen(3).num == 3 and not chosen(12).fault
    assert chosen(13).fault.endswith("lower --num-samples to 12")
    assert (
        chosen(None, "camvid").num
        == choose_samples(command, "synth-city", "test", None, data_root=None).num
    )
    assert chosen(7, "camvid").num == 7


def test_the_doctor_says_how_many(toy):
    assert "12 samples per point" in run("doctor", "--for", toy.data).stderr
