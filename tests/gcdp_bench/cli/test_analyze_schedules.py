"""`gcdp-bench analyze schedules` from the command line, with toy models."""

import pandas as pd
import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from tests.gcdp_bench.analysis.test_variants import ablated


@pytest.fixture
def run(toy, tmp_path):
    linear = ablated(toy.reference, tmp_path / "linear", name="linear")
    options = [
        "--num-samples",
        4,
        "--steps",
        3,
        "--sr-steps",
        2,
        "--out",
        tmp_path / "out",
        *toy.extractors(),
    ]

    def invoke(*more, dataset=toy.data):
        arguments = ["analyze", "schedules", linear, *more, "--dataset", dataset, *options]
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return invoke


@pytest.mark.slow
def test_tables_figure_and_summary(run, toy, tmp_path):
    result = run(toy.reference)
    assert result.exit_code == 0, result.output
    for name in ("scores", "order", "converged", "levels"):
        table = pd.read_csv(tmp_path / "out" / f"{name}.csv", keep_default_na=False)
        assert {"cosine", "linear"} <= set(table["schedule"])
    assert (tmp_path / "out" / "schedules.png").stat().st_size > 1000
    assert (tmp_path / "out" / "schedules.pdf").exists()
    assert "schedules.png (PDF beside each figure)" in result.output
    assert "lead of prediction" in result.output


def test_mistakes(run, toy, tmp_path):
    for folders, message in (
        ((), "expected two or more folders of trained cascades"),
        ((toy.imagen,), "expected a cascade of images and layouts"),
        ((toy.data,), "expected a trained cascade with a base stage"),
    ):
        result = run(*folders)
        assert result.exit_code == 1 and message in result.output, result.output
    result = run(toy.reference, dataset="synth-city-25")
    assert result.exit_code == 1 and "trained on synth-city-25, got one of stripes" in result.output
    assert not (tmp_path / "out").exists()
