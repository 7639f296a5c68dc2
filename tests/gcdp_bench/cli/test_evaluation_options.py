"""A command takes the options of the networks that evaluate as one object."""

from dataclasses import fields

import click
from click.testing import CliRunner

from gcdp_bench.cli.evaluation_options import EvaluationOptions, evaluation_options


def given(*words: str) -> EvaluationOptions:
    found = []

    @click.command()
    @click.argument("folder")
    @evaluation_options
    @click.option("--own", default=1)
    def command(folder: str, evaluation: EvaluationOptions, own: int) -> None:
        found.append((folder, evaluation, own))

    result = CliRunner().invoke(command, ["samples", *words])
    assert result.exit_code == 0, result.output
    ((folder, evaluation, own),) = found
    assert (folder, own) == ("samples", 1)
    assert {field.name for field in fields(EvaluationOptions)} == {
        parameter.name for parameter in command.params
    } - {"folder", "own"}
    return evaluation


def test_nothing_given_is_the_default():
    assert given() == EvaluationOptions()


def test_every_option_reaches_its_field(tmp_path):
    words = [f"--{name}={tmp_path / name}" for name in ("inception", "dinov2", "attributes")]
    words += ["--extractors=standard", "--features=tf1,clean", "--device=cuda:1"]
    found = given(*words, f"--segmenter={tmp_path}", "--segmenter=pretrained", "--clip=pretrained")
    assert found.segmenters == (str(tmp_path), "pretrained")
    assert found.inception == tmp_path / "inception" and found.dinov2 == tmp_path / "dinov2"
    assert found.attributes == tmp_path / "attributes" and found.clip == "pretrained"
    assert (found.extractors, found.features, found.device) == ("standard", "tf1,clean", "cuda:1")
