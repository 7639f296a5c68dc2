"""State dicts of the authors' program give the authors' numbers."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmarks.official_parity import largest_errors
from reference_model.official import load_unet, save_unet
from reference_model.unet import UNet
from tests.reference_model.conftest import BASE_UNET

GOLDEN = Path(__file__).parent.parent / "golden"
TOLERANCE = 1e-4  # of the golden files


def weights(name: str) -> Path:
    return GOLDEN / f"{name}.weights.safetensors"


@pytest.mark.parametrize(
    ("name", "num_outputs"), [("unet_base", 6), ("unet_sr", 6), ("imagen_base", 2)]
)
def test_outputs_equal_the_authors(name, num_outputs):
    errors = largest_errors(weights(name), GOLDEN / f"{name}.io.safetensors")
    assert len(errors) == num_outputs
    assert max(errors.values()) < TOLERANCE


@pytest.mark.parametrize("name", ["unet_base", "unet_sr", "imagen_base"])
def test_sizes_are_read_off_the_tensors(name):
    with safe_open(weights(name), "pt") as file:
        kwargs = json.loads(file.metadata()["kwargs"])
    config = load_unet(weights(name)).config
    assert config.dim == kwargs["dim"]
    assert list(config.dim_mults) == kwargs["dim_mults"]
    assert list(config.num_blocks) == kwargs["num_resnet_blocks"]
    assert config.attention_heads == kwargs["attn_heads"]
    assert config.max_text_tokens == kwargs["max_text_len"]
    assert config.groups == kwargs["resnet_groups"]
    assert list(config.cross_attention) == kwargs["layer_cross_attns"]


def test_image_only_super_resolution_round_trips(tmp_path):
    torch.manual_seed(0)
    config = replace(BASE_UNET, num_classes=None, low_res=True, init_kernels=(3, 7, 15))
    network = UNet(config)
    save_unet(network, tmp_path / "sr.safetensors")
    again = load_unet(tmp_path / "sr.safetensors")
    assert again.config == config
    for name, tensor in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


def test_written_names_are_the_authors(tmp_path):
    save_unet(load_unet(weights("unet_base")), tmp_path / "again.safetensors")
    written, golden = load_file(tmp_path / "again.safetensors"), load_file(weights("unet_base"))
    assert written.keys() == golden.keys()
    assert all(torch.equal(written[name], golden[name]) for name in golden)


def test_a_training_checkpoint_is_read_by_prefix(tmp_path):
    base, sr = load_file(weights("unet_base")), load_file(weights("unet_sr"))
    content = {
        "model": {f"unets.0.{name}": tensor for name, tensor in base.items()}
        | {f"unets.1.{name}": tensor for name, tensor in sr.items()},
        "steps": torch.tensor([7, 7]),
        "version": "1.0",
    }
    torch.save(content, tmp_path / "checkpoint.pt")
    network = load_unet(tmp_path / "checkpoint.pt", prefix="unets.1.", groups=4)
    assert network.config.low_res
    with pytest.raises(ValueError, match=r"expected one network for prefix=None, got 2"):
        load_unet(tmp_path / "checkpoint.pt", groups=4)
    with pytest.raises(ValueError, match=r"pass groups= \(the authors' default is 8\)"):
        load_unet(tmp_path / "checkpoint.pt", prefix="unets.0")


class Exploit:
    """Would run code when unpickled."""

    def __reduce__(self):
        return print, ("ran",)


def test_a_pickle_that_runs_code_is_refused(tmp_path, capsys):
    torch.save({"a": Exploit()}, tmp_path / "evil.pt")
    with pytest.raises(ValueError, match="expected a state dict of plain tensors"):
        load_unet(tmp_path / "evil.pt")
    assert "ran" not in capsys.readouterr().out


def test_missing_surplus_and_foreign_tensors_are_named(tmp_path):
    golden = load_file(weights("unet_base"))
    name = "downs.1.0.1.weight"
    for change, message in (
        ({k: v for k, v in golden.items() if k != name}, name),
        (golden | {"extra.weight": torch.zeros(1)}, "unexpected extra.weight"),
    ):
        save_file(change, tmp_path / "w.safetensors")
        with pytest.raises(ValueError, match=message):
            load_unet(tmp_path / "w.safetensors", groups=4)
    save_file({"other": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="expected a U-Net of the authors' program"):
        load_unet(tmp_path / "w.safetensors")
    with pytest.raises(FileNotFoundError, match="found none; check the path"):
        load_unet(tmp_path / "none.safetensors")


@pytest.mark.parametrize("own", [{"patch": 2}, {"stem_skip": True}, {"noise_skip": True}])
def test_a_network_that_the_authors_cannot_read_is_not_written(tmp_path, own):
    network = UNet(replace(BASE_UNET, **own))
    with pytest.raises(ValueError, match="neither patch nor stem_skip nor noise_skip"):
        save_unet(network, tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())
