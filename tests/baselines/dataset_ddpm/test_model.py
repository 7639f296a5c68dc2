"""The folder of a trained DatasetDDPM, and where its diffusion model is found."""

import pytest
import torch

from baselines.dataset_ddpm.model import load_ddpm, read_ddpm, write_ddpm
from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.training.checkpoint import save_weights

from .small import LABELS, ensemble, stage, write_model, write_stage


@pytest.fixture
def folder(tmp_path):
    return write_model(tmp_path / "it")


def test_what_is_written_is_read(folder):
    found = read_ddpm(folder)
    assert found.config == LABELS and found.stage.config == stage().config
    for network, expected in ((found.ensemble, ensemble()), (found.stage.network, stage().network)):
        weights = expected.state_dict()
        assert all(torch.equal(t, weights[name]) for name, t in network.state_dict().items())
        assert not network.training
        assert not any(weight.requires_grad for weight in network.parameters())


def test_the_folder_needs_nothing_else(folder):
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert names == [
        "config.json",
        "ddpm/config.json",
        "ddpm/model.safetensors",
        "model.safetensors",
    ]


def test_a_folder_may_be_written_over_its_own_model(folder):
    write_ddpm(folder, read_ddpm(folder), folder / "ddpm")
    found = read_ddpm(folder).stage.network.state_dict()
    assert all(torch.equal(t, found[name]) for name, t in stage().network.state_dict().items())


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "ddpm/config.json", "ddpm/model.safetensors"]
)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"found no {name}; train one with `gcdp-bench tr"):
        read_ddpm(folder)


def test_another_model_is_refused(folder):
    write_json(folder / "config.json", {"task": {"kind": "ldm"}})
    with pytest.raises(ValueError, match="configuration of a dataset-ddpm, got one of ldm; train"):
        read_ddpm(folder)


def test_another_network_under_it_is_refused(folder):
    write_json(folder / "ddpm" / "config.json", {"task": {"kind": "clip"}})
    with pytest.raises(ValueError, match="configuration of a ddpm, got one of clip; train one wi"):
        read_ddpm(folder)


def test_damaged_weights_are_named(folder):
    path = folder / "model.safetensors"
    weights = ensemble().state_dict()
    weights.pop("members.0.0.weight")
    save_weights(path, weights)
    with pytest.raises(ValueError, match="weights are of another configuration: missing members"):
        read_ddpm(folder)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="it/model.safetensors: expected safetensors"):
        read_ddpm(folder)


def test_a_stage_is_loaded_frozen(tmp_path):
    folder = tmp_path / "stage"
    write_json(folder / "config.json", {"task": {"kind": "x", "stage": to_dict(stage().config)}})
    with pytest.raises(FileNotFoundError, match="found no model.safetensors; train one"):
        load_ddpm(folder, LABELS)
    assert not load_ddpm(write_stage(folder), LABELS).network.training
