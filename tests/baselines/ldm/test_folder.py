"""The folder against diffusers' own reader, and folders that cannot be used."""

import json
import shutil

import pytest
import torch

from baselines.ldm.folder import read_pipeline, write_pipeline
from baselines.ldm.generator import LatentDiffusion
from baselines.ldm.network import build_unet
from baselines.ldm.sampler import initial_latents
from gcdp_bench.core.config import read_json, write_json
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.training.checkpoint import load_weights, save_weights
from reference_model.text import build_text_encoder

from .tiny import CAPTIONS, NUMPY_2, TEXT, autoencoder, ldm_config, write_model

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("ldm"))


@pytest.fixture
def broken(model, tmp_path):
    """A copy to break."""
    return shutil.copytree(model, tmp_path / "model")


@NUMPY_2
@pytest.mark.parametrize("solver", ["dpm-solver++", "ddim"])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_opens_with_diffusers_alone(model, solver, guidance):
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (
        StableDiffusionPipeline,
    )
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    seeds = [1, 2, 3]
    pipeline = StableDiffusionPipeline.from_pretrained(model, text_encoder=None, tokenizer=None)
    if solver == "ddim":
        pipeline.scheduler = DDIMScheduler.from_config(
            pipeline.scheduler.config,
            clip_sample=False,
            set_alpha_to_one=False,
            timestep_spacing="leading",
        )
    pipeline.set_progress_bar_config(disable=True)
    text = build_text_encoder(TEXT).encode(CAPTIONS).tokens
    expected = pipeline(
        prompt_embeds=text,
        negative_prompt_embeds=torch.zeros_like(text),
        latents=initial_latents(seeds, (4, 8, 16)),
        num_inference_steps=6,
        guidance_scale=guidance,
        output_type="pt",
    ).images  # float [0, 1] (B, 3, H, W)
    own = LatentDiffusion.load("ldm", model, SamplingConfig(steps=6, solver=solver))
    images = own.sample(CAPTIONS, guidance=guidance, seeds=seeds).images
    assert images.shape == expected.shape
    assert (images - 255 * expected).abs().max() < 0.51  # half for rounding to uint8
    assert images.float().std() > 5


def test_half_precision_is_widened(model, broken):
    for part in ("unet", "vae"):
        weights = load_weights(broken / part / WEIGHTS)
        save_weights(broken / part / WEIGHTS, {name: w.half() for name, w in weights.items()})
    wide, half = read_pipeline(model), read_pipeline(broken)
    for network, other in ((wide.unet, half.unet), (wide.autoencoder, half.autoencoder)):
        for name, weight in other.state_dict().items():
            assert weight.dtype == torch.float32
            assert torch.equal(weight, network.state_dict()[name].half().float())


def test_networks_are_read_frozen(model):
    pipeline = read_pipeline(model)
    for network in (pipeline.unet, pipeline.autoencoder):
        assert not network.training
        assert not any(parameter.requires_grad for parameter in network.parameters())


def test_written_again_over_the_remains_of_an_interruption(broken):
    (broken / ".unet.tmp" / "stale").mkdir(parents=True)
    (broken / "unet" / "stale").write_text("")
    torch.manual_seed(5)
    unet = build_unet(ldm_config())
    write_pipeline(broken, ldm_config(), unet, autoencoder())
    found = read_pipeline(broken).unet.state_dict()
    assert all(torch.equal(found[name], weight) for name, weight in unet.state_dict().items())
    assert not (broken / ".unet.tmp").exists() and not (broken / "unet" / "stale").exists()
    assert (broken / "config.json").exists()


@pytest.mark.parametrize("name", ["config.json", "model_index.json"])
def test_no_trained_model(broken, name):
    (broken / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"found no {name}; train one with `gcdp-bench"):
        read_pipeline(broken)


@pytest.mark.parametrize("name", ["unet/config.json", f"unet/{WEIGHTS}", f"vae/{WEIGHTS}"])
def test_a_missing_part(broken, name):
    (broken / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"(?s){name.split('/')[0]}.*expected.*found none"):
        read_pipeline(broken)


def test_another_pipeline(broken):
    _change(broken / "model_index.json", _class_name="FluxPipeline")
    with pytest.raises(ValueError, match="expected a StableDiffusionPipeline, got FluxPipeline"):
        read_pipeline(broken)


def test_the_run_of_another_network(broken):
    write_json(broken / "config.json", {"task": {"kind": "segmenter", "segmenter": {}}})
    with pytest.raises(ValueError, match="expected the configuration of an ldm, got one of segm"):
        read_pipeline(broken)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cross_attention_dim", 24, r"cross_attention_dim 16 \(width of the text encoder"),
        ("in_channels", 8, r"in_channels 4 \(channels of the latents"),
        ("sample_size", [8, 8], r"sample_size \(8, 16\) \(height and width of the latents"),
    ],
)
def test_a_unet_of_another_shape(broken, name, value, message):
    """Its own configuration and weights agree, but not with what it was trained on."""
    config = read_json(broken / "unet" / "config.json") | {name: value}
    unet = type(read_pipeline(broken).unet).from_config(config)
    unet.save_pretrained(broken / "unet")
    with pytest.raises(ValueError, match=message):
        read_pipeline(broken)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 3}, "vae: expected 4 latent channels, got 3; .* set ldm.latent_channels=3"),
        ({"levels": 3}, "vae: expected 2 pixels per latent, got 4; .* set ldm.downscaling=4"),
    ],
)
def test_an_autoencoder_of_another_shape(broken, changes, message):
    autoencoder(**changes).save_pretrained(broken / "vae")
    with pytest.raises(ValueError, match=message):
        read_pipeline(broken)


def test_weights_of_another_unet(broken):
    weights = load_weights(broken / "unet" / WEIGHTS)
    weights.pop("conv_in.bias")
    weights["conv_out.bias"] = torch.zeros(5)
    save_weights(broken / "unet" / WEIGHTS, weights)
    with pytest.raises(ValueError, match=r"conv_out.bias is \(5,\), expected \(4,\); missing conv"):
        read_pipeline(broken)


def test_truncated_weights(broken):
    path = broken / "unet" / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="expected safetensors, got"):
        read_pipeline(broken)


def test_damaged_index(broken):
    (broken / "model_index.json").write_text("{")
    with pytest.raises(ValueError, match=r"model_index.json: expected JSON"):
        read_pipeline(broken)


def _change(path, **values):
    path.write_text(json.dumps(read_json(path) | values))


@pytest.mark.parametrize("name", ["attention_head_dim", "norm_num_groups", "flip_sin_to_cos"])
def test_a_setting_of_the_unet_that_no_tensor_tells_is_not_invented(broken, name):
    config = read_json(broken / "unet" / "config.json")
    del config[name]
    write_json(broken / "unet" / "config.json", config)
    with pytest.raises(ValueError, match=f"got no {name}, for which diffusers would take"):
        read_pipeline(broken)
