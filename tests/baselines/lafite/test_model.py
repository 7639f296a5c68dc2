"""Configuration and folder of a trained Lafite."""

from dataclasses import replace

import pytest
import torch

from baselines.lafite.generator_network import LafiteGenerator
from baselines.lafite.model import check_teacher, read_lafite, write_lafite
from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.training.checkpoint import load_weights
from tests.baselines.lafite.taught import LAFITE, LOSS, teacher, write_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def folder(clip, tmp_path):
    torch.manual_seed(0)
    write_lafite(tmp_path, LafiteGenerator(LAFITE.network), teacher(clip))
    write_json(tmp_path / "config.json", {"task": {"kind": "lafite", "lafite": to_dict(LAFITE)}})
    return tmp_path


def test_what_is_written_is_read(folder, clip):
    found = read_lafite(folder)
    assert found.config == LAFITE
    assert found.teacher.digest == teacher(clip).digest
    assert found.network.state_dict().keys() == load_weights(folder / "model.safetensors").keys()
    torch.manual_seed(0)
    fresh = LafiteGenerator(LAFITE.network).state_dict()
    assert all(torch.equal(t, fresh[name]) for name, t in found.network.state_dict().items())
    assert not found.network.training
    assert not any(weight.requires_grad for weight in found.network.parameters())


def test_the_folder_needs_nothing_else(folder):
    """Generator and CLIP: no discriminator, no checkpoint."""
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert names == [
        "clip/config.json",
        "clip/model.safetensors",
        "config.json",
        "model.safetensors",
    ]


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "clip/config.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"found no {name}; train one with"):
        read_lafite(folder)


def test_another_model_is_refused(folder):
    write_json(folder / "config.json", {"task": {"kind": "ldm"}})
    with pytest.raises(ValueError, match="expected the configuration of a lafite, got one of ldm"):
        read_lafite(folder)


def test_weights_of_another_size_are_refused(folder):
    wider = replace(LAFITE, network=replace(LAFITE.network, w_dim=9))
    write_json(folder / "config.json", {"task": {"lafite": to_dict(wider)}})
    with pytest.raises(ValueError, match="weights are of another configuration"):
        read_lafite(folder)


def test_a_teacher_of_another_width_is_refused(tmp_path):
    found = teacher(write_clip(tmp_path, embed_dim=4))
    with pytest.raises(ValueError, match=r"of width 6, got 4; .* lafite.network.text_dim=4"):
        check_teacher(tmp_path, LAFITE, found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mixing_prob": 1.5}, "mixing_prob: expected 0 to 1, got 1.5"),
        ({"style_mixing": -0.1}, "style_mixing: expected 0 to 1, got -0.1"),
        ({"ada_ramp_images": 0}, "ada_ramp_images: expected at least 1, got 0"),
    ],
)
def test_values_that_mean_nothing_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(LAFITE, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"r1_every": 0}, "loss.r1_every: expected at least 1, got 0"),
        ({"path_every": 0}, "loss.path_every: expected at least 1, got 0"),
        ({"r1_gamma": -1.0}, "loss.r1_gamma: expected 0 or more, got -1.0"),
        ({"tau": 0.0}, "loss.tau: expected above 0, got 0.0"),
    ],
)
def test_losses_that_mean_nothing_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(LOSS, **change)
