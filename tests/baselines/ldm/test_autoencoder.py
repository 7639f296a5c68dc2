"""Building, finding and loading the autoencoder, against diffusers' own reader."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines.ldm.autoencoder import (
    AutoencoderConfig,
    build_autoencoder,
    load_autoencoder,
)
from baselines.ldm.autoencoder_loss import AutoencoderLossConfig
from baselines.ldm.autoencoder_presets import AUTOENCODER_PRESETS
from baselines.ldm.patch_discriminator import PatchConfig
from gcdp_bench.core.config import from_dict, to_dict
from gcdp_bench.training.checkpoint import load_weights, save_weights
from tests.reference_model.conftest import Stripes

CONFIG = AutoencoderConfig(
    dataset="stripes",
    image_size=(16, 16),
    channels=(4, 8),
    layers_per_block=1,
    groups=2,
    discriminator=PatchConfig(channels=(4, 8), groups=2),
    loss=AutoencoderLossConfig(
        kl_weight=1e-6, features_weight=0.1, adversarial_weight=0.01, adversarial_from=3
    ),
)
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A network in diffusers' format."""
    torch.manual_seed(0)
    build_autoencoder(CONFIG).save_pretrained(tmp_path / "vae")
    return tmp_path / "vae"


def same(one: torch.nn.Module, two: torch.nn.Module) -> bool:
    pair = one.state_dict(), two.state_dict()
    return pair[0].keys() == pair[1].keys() and all(
        torch.equal(pair[0][name], pair[1][name]) for name in pair[0]
    )


@pytest.mark.parametrize("preset", ["paper-celeba", "paper-cityscapes"])
def test_paper_size_is_stable_diffusions(preset):
    """83,653,863 weights, latents of 4 channels at an eighth of the size."""
    config = AUTOENCODER_PRESETS[preset].resolve(Stripes()).config
    with torch.device("meta"):
        network: Any = build_autoencoder(config)
        latents = network.encode(torch.empty(1, 3, 64, 128)).latent_dist.mean
    assert sum(p.numel() for p in network.parameters()) == 83_653_863
    assert latents.shape == (1, 4, 8, 16)
    assert config.downscaling == 8


@pytest.mark.parametrize("size", [(64, 128), (128, 128)])
def test_tiny_size(size):
    """At most a million weights; a latent stands for 4 x 4 pixels."""
    config = AUTOENCODER_PRESETS["tiny"].resolve(Stripes(image_size=size)).config
    network: Any = build_autoencoder(config)
    with torch.no_grad():
        latents = network.encode(torch.zeros(1, 3, *size)).latent_dist.mean
        assert network.decode(latents).sample.shape == (1, 3, *size)
    assert sum(p.numel() for p in network.parameters()) < 1_000_000
    assert latents.shape == (1, 4, size[0] // 4, size[1] // 4)


def test_attention_is_a_choice():
    with_attention, without = (
        {*build_autoencoder(replace(CONFIG, attention=on)).state_dict()} for on in (True, False)
    )
    assert without < with_attention
    assert all(".attentions.0." in name for name in with_attention - without)


def test_an_image_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match=r"multiples of 4 .*\(16, 18\)"):
        replace(CONFIG, channels=(4, 8, 8), image_size=(16, 18))


def test_channels_that_cannot_be_grouped_are_refused():
    with pytest.raises(ValueError, match=r"multiples of the 2 groups, got \(4, 9\)"):
        replace(CONFIG, channels=(4, 9))


def test_the_configuration_is_read_back():
    assert from_dict(AutoencoderConfig, json.loads(json.dumps(to_dict(CONFIG)))) == CONFIG


@pytest.mark.parametrize("where", ["vae", "."], ids=["the folder", "the folder above"])
def test_what_diffusers_wrote_is_read(folder, where):
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    network = load_autoencoder(folder if where == "vae" else folder.parent)
    assert same(network, AutoencoderKL.from_pretrained(folder))
    assert network.config["block_out_channels"] == [4, 8]
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_a_pipeline_and_a_run_may_have_their_own_configuration(folder):
    (folder.parent / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    (folder.parent / "config.json").write_text('{"task": {}}')
    assert same(load_autoencoder(folder.parent), load_autoencoder(folder))


@pytest.mark.parametrize("variant", ["fp16", None])
def test_half_precision_is_widened(folder, tmp_path, variant):
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    half = AutoencoderKL.from_pretrained(folder).half()
    half.save_pretrained(tmp_path / "half", variant=variant)
    network = load_autoencoder(tmp_path / "half")
    assert network.dtype == torch.float32
    assert same(network, half.float())


def test_old_names_of_the_attention_block(folder):
    """Stable Diffusion's files have them; diffusers reads them too."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    weights = load_weights(folder / WEIGHTS)
    new_to_old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    old = {}
    for name, weight in weights.items():
        for new, former in new_to_old.items():
            name = name.replace(f".attentions.0.{new}.", f".attentions.0.{former}.")
        old[name] = weight
    assert len(old.keys() - weights.keys()) == 16  # weight and bias of 4, in 2 halves
    network = load_autoencoder(folder)
    save_weights(folder / WEIGHTS, old)
    assert same(load_autoencoder(folder), network)
    assert same(AutoencoderKL.from_pretrained(folder), network)


def test_a_missing_folder(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"nowhere: .* got none; train .*--set ldm.autoencoder"
    ):
        load_autoencoder(tmp_path / "nowhere")


def test_missing_weights(folder):
    (folder / WEIGHTS).rename(folder / "diffusion_pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="safetensors, found none; save the weights"):
        load_autoencoder(folder)


def test_another_class(folder):
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace("AutoencoderKL", "VQModel"))
    with pytest.raises(ValueError, match="_class_name AutoencoderKL, got VQModel; train one"):
        load_autoencoder(folder)
    (folder / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="_class_name AutoencoderKL, got None"):
        load_autoencoder(folder)


def test_images_of_other_channels(folder):
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace('"in_channels": 3', '"in_channels": 1'))
    with pytest.raises(ValueError, match="RGB images, got in_channels 1"):
        load_autoencoder(folder)


def test_another_shape(folder, tmp_path):
    build_autoencoder(replace(CONFIG, channels=(4, 16))).save_pretrained(tmp_path / "wide")
    shutil.copy(tmp_path / "wide" / WEIGHTS, folder)
    with pytest.raises(ValueError, match=r"another configuration: .*expected \(.*differences"):
        load_autoencoder(folder)


def test_damaged_files(folder):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{WEIGHTS}: expected safetensors"):
        load_autoencoder(folder)
    (folder / "config.json").write_text('{"_class_name":')
    with pytest.raises(ValueError, match="config.json: expected JSON"):
        load_autoencoder(folder)


@pytest.mark.parametrize("name", ["scaling_factor", "norm_num_groups", "act_fn"])
def test_a_setting_that_no_tensor_tells_is_not_invented(folder, name):
    config = json.loads((folder / "config.json").read_text())
    del config[name]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=f"got no {name}, for which diffusers would take"):
        load_autoencoder(folder)


@pytest.mark.parametrize("name", ["shift_factor", "latents_mean"])
def test_latents_that_are_shifted_are_refused(folder, name):
    config = json.loads((folder / "config.json").read_text()) | {name: 0.1}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=f"scaled by one number, got one with {name}"):
        load_autoencoder(folder)
