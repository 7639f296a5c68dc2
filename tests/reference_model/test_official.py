"""State dicts of the authors' program give the authors' numbers."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmarks.official_parity import largest_errors
from gcdp_bench.core.finite import FiniteCheck
from gcdp_bench.core.sampling_config import SamplingConfig
from reference_model.generator import Cascade
from reference_model.joint import JointProcess, NoiseDraw, Pair, ProcessConfig, reverse_step
from reference_model.official import load_unet
from reference_model.sampler import predict
from reference_model.schedules import Schedule
from reference_model.stage import LowResConfig, Stage, StageConfig, noise_low_res
from reference_model.text import TextConfig, build_text_encoder
from reference_model.unet import TextCondition, UNet
from tests.reference_model.authors import save_unet
from tests.reference_model.conftest import BASE_UNET

GOLDEN = Path(__file__).parent.parent / "golden"
TOLERANCE = 1e-4  # of the golden files


def weights(name: str) -> Path:
    return GOLDEN / f"{name}.weights.safetensors"


@pytest.mark.parametrize(
    ("name", "num_outputs"),
    [("unet_base", 6), ("unet_sr", 6), ("imagen_base", 2), ("imagen_sr", 3)],
)
def test_outputs_equal_the_authors(name, num_outputs):
    errors = largest_errors(weights(name), GOLDEN / f"{name}.io.safetensors")
    assert len(errors) == num_outputs
    assert max(errors.values()) < TOLERANCE


@pytest.mark.parametrize("name", ["unet_base", "unet_sr", "imagen_base", "imagen_sr"])
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


def imagen(name: str, **settings) -> Stage:
    """Stage of an image-only network that imagen-pytorch made."""
    network = load_unet(weights(f"imagen_{name}")).eval()
    config = StageConfig(
        dataset="stripes",
        class_names=("sky", "road", "car"),
        unet=network.config,
        process=ProcessConfig(num_classes=None),
        text=TextConfig(encoder="hash-ngram", dim=6, max_tokens=4),
        **settings,
    )
    return Stage(config, network, JointProcess(config.process))


@torch.no_grad()
def test_a_step_of_super_resolution_equals_imagen_pytorch():
    """Noise-conditioning augmentation, guidance 3 and dynamic thresholding, at t = 500."""
    golden = load_file(GOLDEN / "imagen_sr.io.safetensors")
    stage = imagen("sr", image_size=(16, 16), low_res=LowResConfig(size=(8, 8)))
    assert stage.config.low_res is not None
    low = noise_low_res(
        Schedule(stage.config.low_res.schedule),
        Pair(golden["lowres_clean"], None),
        torch.full((2,), stage.config.low_res.sample_level),
        num_classes=None,
        normal=golden["lowres_normal"],
        uniform=None,
    )
    assert low.layout is None
    torch.testing.assert_close(low.image, golden["augmented"], rtol=0, atol=1e-5)
    both = TextCondition.cat(
        [
            stage.network.encode_text(golden["text_embeds"], golden["text_mask"]),
            stage.network.null_text(2),
        ]
    )
    z_t = Pair(golden["image"], None)
    noise, logits = predict(stage, z_t, 500, both, guidance=3.0, low_res=low, check=FiniteCheck())
    silent = NoiseDraw(torch.zeros_like(z_t.image), None)
    means = [
        reverse_step(stage.process, z_t, 500, 490, noise, logits, silent, threshold=on).image
        for on in (True, False)
    ]
    torch.testing.assert_close(means[0], golden["step_mean"], rtol=0, atol=TOLERANCE)
    assert (means[1] - golden["step_mean"]).abs().max() > 0.1, "thresholding acts in this step"
    ones = NoiseDraw(torch.ones_like(z_t.image), None)
    noisy = reverse_step(stage.process, z_t, 500, 490, noise, logits, ones).image
    variance = ((noisy - means[0]) ** 2).amax((1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
    torch.testing.assert_close(variance, golden["step_variance"], rtol=1e-3, atol=0)


def test_two_networks_of_imagen_pytorch_are_a_cascade():
    base = imagen("base", image_size=(8, 8))
    sr = imagen("sr", image_size=(16, 16), low_res=LowResConfig(size=(8, 8)))
    encoder = build_text_encoder(base.config.text)
    cascade = Cascade("imagen", [base, sr], encoder, SamplingConfig(steps=4, sr_steps=3))
    batch = cascade.sample(["sky", "cars"], guidance=2.0, seeds=[1, 2])
    assert batch.images.shape == (2, 3, 16, 16) and batch.layouts is None
    assert not cascade.makes_layouts
    other = cascade.sample(["sky", "cars"], guidance=1.0, seeds=[1, 2])
    assert not torch.equal(batch.images, other.images)


@pytest.mark.parametrize(
    ("layers", "setting"),
    [
        ("init_resnet_block.", "memory_efficient=True"),
        ("text_to_cond.", "cond_on_text=True"),
        ("attn_pool.", "attn_pool_text=True"),
        ("mid_attn.", "attend_at_middle=True, of imagen-pytorch 1.11.14 to 1.15.1"),
    ],
)
def test_other_networks_of_imagen_pytorch_are_refused(tmp_path, layers, setting):
    rest = {k: v for k, v in load_file(weights("imagen_sr")).items() if not k.startswith(layers)}
    save_file(rest, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=f"expected a U-Net with {setting}, but no tensor is"):
        load_unet(tmp_path / "w.safetensors", groups=4)


@pytest.mark.parametrize(
    ("name", "other"), [("cosine_sim_attn", True), ("scale_skip_connection", False)]
)
def test_settings_that_no_tensor_tells_are_read_from_the_metadata(tmp_path, name, other):
    tensors = load_file(weights("imagen_sr"))
    for value in (not other, other):
        metadata = {"kwargs": json.dumps({"resnet_groups": 4, name: value})}
        save_file(tensors, tmp_path / "w.safetensors", metadata)
        if value != other:
            load_unet(tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=f"{name}={not other}, its metadata says {other}"):
        load_unet(tmp_path / "w.safetensors")


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
