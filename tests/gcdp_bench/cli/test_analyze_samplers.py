"""`gcdp-bench analyze samplers` from the command line, with toy models."""

import pandas as pd
import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main


@pytest.fixture
def run(toy, tmp_path):
    def invoke(*more):
        arguments = [
            *("analyze", "samplers", "--dataset", toy.data, "--weights", toy.reference),
            *("--split", "test", "--num-samples", 4, "--steps", "2", "--baseline-steps", 3),
            *("--out", tmp_path / "out", *toy.extractors(), *more),
        ]
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return invoke


def test_table_figure_and_summary(run, tmp_path):
    result = run("--samplers", "dpm-solver++", "--guidance-intervals", "none,0.3:5,0:inf")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out" / "samplers.csv", keep_default_na=False)
    assert table["guidance_interval"].tolist() == ["none", "none", "0.3:5", "0:inf"]
    assert table["steps"].tolist() == table["sr_steps"].tolist() == [3, 2, 2, 2]
    assert table["non_inferior"].iloc[0] == "baseline"
    assert (tmp_path / "out" / "samplers.png").stat().st_size > 1000
    assert "samplers.csv, samplers.png (PDF beside each figure)" in result.output
    assert "dpm-solver++, 2 steps, guidance at 0.3:5" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--samplers", "euler"], "sampler: expected ancestral, ddim, dpm-solver++, got 'euler'"),
        (["--guidance-intervals", "none,5"], "expected LOW:HIGH with noise levels 0 <= LOW < HIGH"),
        (["--steps", "51"], "steps: expected at most 50, as reference was trained with, got 51"),
        (["--guidance", "1"], "guidance 1 acts nowhere"),
        (["--num-samples", "13"], "expected at most 12"),
    ],
)
def test_mistakes_are_found_before_anything_is_sampled(run, tmp_path, options, message):
    result = run(*options)
    assert result.exit_code == 1 and message in result.output, result.output
    assert not (tmp_path / "out").exists()


def test_another_kind_of_model_is_refused(tmp_path):
    arguments = "analyze samplers --dataset synth-city-25 --model ldm --weights pretrained"
    result = CliRunner().invoke(main, [*arguments.split(), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1, result.output
    assert "ldm: sampler: expected dpm-solver++ or ddim, got ancestral" in result.output
