"""`train --dry-run` says what would be trained, without weights and without the dataset's files."""

import json

import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.datasets.outline import Outline
from gcdp_bench.generators.registry import NETWORKS
from gcdp_bench.train import Request, plan, resolve


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine with neither data nor weights, and none that ships either."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GCDP_DATA", raising=False)
    monkeypatch.delenv("CITYSCAPES_DATASET", raising=False)
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path / "store"))
    monkeypatch.setattr("gcdp_bench.training.runs.PROJECT", tmp_path)


ABLATIONS = ("-no-layout-loss", "-layouts-cosine-p", "-layouts-linear")


@pytest.mark.parametrize("dataset", ["celeba-25", "cityscapes", "camvid", "synth-city-25"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_on_a_bare_machine(bare, network, dataset):
    for preset in NETWORKS[network].presets:
        if network == "imagen" and preset.endswith(ABLATIONS):  # it has no layouts
            continue
        result = CliRunner().invoke(
            main, ["train", network, "--dataset", dataset, "--preset", preset, "--dry-run"]
        )
        assert result.exit_code == 0, result.output
        config, _ = json.JSONDecoder().raw_decode(result.stdout)
        assert config["training"]["steps"] > 0


def test_it_is_what_training_resolves(toy):
    """But for what is counted in the data."""
    for network, stage in (("reference", "base"), ("reference", "sr"), ("gansformer", None)):
        request = Request(model=network, dataset=str(toy.data), stage=stage)
        assert resolve(request).settings == plan(request).settings


def test_settings_are_checked(bare):
    def output(*more):
        command = ["train", "reference", "--stage", "base", "--dataset", "celeba-25", "--dry-run"]
        return CliRunner().invoke(main, [*command, *more])

    good = output("--set", "text.path=none", "--set", "stage.unet.dim=16")
    assert json.loads(good.stdout)["stage"]["text"]["path"] == "none"
    assert "did you mean 'dim'" in output("--set", "stage.unet.dimm=16").output


def test_what_this_machine_could_not_train_is_said(bare, monkeypatch):
    monkeypatch.setattr("torch.accelerator.is_available", lambda: False)
    command = ["train", "segmenter", "--dataset", "celeba-25", "--dry-run"]
    result = CliRunner().invoke(main, [*command, "--set", "training.precision=fp16"])
    assert result.exit_code == 0 and json.loads(result.stdout)["training"]["precision"] == "fp16"
    assert "note: precision: expected no or bf16 without a GPU, got fp16" in result.stderr
    assert "train would refuse on this machine" in result.stderr
    assert "note:" not in CliRunner().invoke(main, command).stderr


def test_what_is_read_from_the_data_is_said(bare):
    for network in ("clip", "lafite-clip", "attributes"):
        command = ["train", network, "--dataset", "celeba-25", "--dry-run"]
        result = CliRunner().invoke(main, command)
        assert "training reads it" in result.stderr or "training counts them" in result.stderr


def test_an_outline_has_no_items():
    outline = Outline("a", "train", ("road",), (8, 8))
    assert len(outline) == 0 and not outline.caption_classes("road")
    with pytest.raises(IndexError):
        outline[0]
