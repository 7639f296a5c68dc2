"""Latent diffusion as a generator: what samples depend on."""

import json

import pytest
import torch

from baselines.ldm.generator import LatentDiffusion
from gcdp_bench.core.config import read_json
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import GUIDANCE, Generator
from gcdp_bench.training.checkpoint import load_weights, save_weights

from .tiny import CAPTIONS, NAMES, SIZE, ldm_config, write_model

FAST = SamplingConfig(steps=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("ldm"))


@pytest.fixture(scope="module")
def model(folder):
    return LatentDiffusion.load("ldm", folder, FAST)


def test_what_it_says_of_itself(model):
    assert isinstance(model, Generator)
    assert model.name == "ldm" and model.trained_on == "stripes" and model.class_names == NAMES
    assert model.image_size == SIZE and model.parameter == GUIDANCE and not model.makes_layouts
    assert model.num_steps == 4
    assert model.settings == {"steps": 4, "solver": "dpm-solver++"}


@pytest.mark.parametrize(
    ("given", "solver"),
    [
        ({}, "dpm-solver++"),
        ({"solver": "ddim"}, "ddim"),
        ({"sampler": "ddim"}, "ddim"),
        ({"sampler": "ddim", "solver": "dpm-solver++"}, "dpm-solver++"),
        ({"sampler": "ancestral", "solver": "ddim"}, "ddim"),
    ],
)
def test_its_own_option_goes_before_that_of_every_model(folder, given, solver):
    model = LatentDiffusion.load("ldm", folder, SamplingConfig(steps=4, **given))
    assert model.settings == {"steps": 4, "solver": solver}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sampler": "ancestral"}, "ldm: sampler: expected dpm-solver.. or ddim, got ancestral"),
        ({"guidance_interval": (0.3, 5.0)}, "ldm: expected no guidance interval, .* got 0.3:5; "),
    ],
)
def test_a_sampler_that_it_lacks_is_refused(folder, given, message):
    with pytest.raises(ValueError, match=message):
        LatentDiffusion.load("ldm", folder, SamplingConfig(**given))


def test_samples(model):
    batch = model.sample(CAPTIONS, guidance=2.0, seeds=[1, 2, 3])
    assert batch.images.shape == (3, 3, *SIZE) and batch.images.dtype == torch.uint8
    assert batch.layouts is None and batch.captions == tuple(CAPTIONS)


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_the_cut_into_batches_does_not_matter(model, guidance):
    together = model.sample(CAPTIONS, guidance=guidance, seeds=[7, 8, 9]).images.int()
    alone = torch.cat(
        [
            model.sample([caption], guidance=guidance, seeds=[seed]).images.int()
            for caption, seed in zip(CAPTIONS, [7, 8, 9], strict=True)
        ]
    )
    assert (together - alone).abs().max() <= 1


@pytest.mark.parametrize(
    "other",
    [{"captions": ["cars"]}, {"guidance": 5.0}, {"seeds": [2]}],
    ids=["caption", "guidance", "seed"],
)
def test_samples_follow_what_they_are_asked(model, other):
    first = {"captions": ["sky and road"], "guidance": 2.0, "seeds": [1]}
    images = [model.sample(**prompted).images for prompted in (first, first, first | other)]
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])


def test_the_global_generator_is_left_alone(model):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    model.sample(["sky"], guidance=2.0, seeds=[1])
    assert torch.equal(before, torch.get_rng_state())


def test_the_digest_follows_every_weight_and_the_scale(model, tmp_path):
    assert LatentDiffusion.load("ldm", write_model(tmp_path), FAST).digest == model.digest
    digests = {model.digest}
    for part in ("unet", "vae"):
        path = tmp_path / part / "diffusion_pytorch_model.safetensors"
        weights = load_weights(path)
        weights["conv_out.bias" if part == "unet" else "decoder.conv_out.bias"] += 1
        save_weights(path, weights)
        digests.add(LatentDiffusion.load("ldm", tmp_path, FAST).digest)
    settings = read_json(tmp_path / "vae" / "config.json") | {"scaling_factor": 0.25}
    (tmp_path / "vae" / "config.json").write_text(json.dumps(settings))
    digests.add(LatentDiffusion.load("ldm", tmp_path, FAST).digest)
    assert len(digests) == 4


def test_refuses_what_it_cannot_sample(model, folder):
    with pytest.raises(ValueError, match="guidance scale: expected a finite value of at least 0"):
        model.sample(["sky"], guidance=-1.0, seeds=[1])
    with pytest.raises(ValueError, match="one seed per caption, got 2 captions and 1 seeds"):
        model.sample(["sky", "road"], guidance=1.0, seeds=[1])
    with pytest.raises(ValueError, match="steps: expected at most 999, .* got 1000; take fewer"):
        LatentDiffusion.load("ldm", folder, SamplingConfig(steps=1000))


def test_every_allowed_number_of_steps_has_a_solver(folder):
    for solver in ("ddim", "dpm-solver++"):
        sampling = SamplingConfig(steps=999, solver=solver)
        assert LatentDiffusion.load("ldm", folder, sampling).num_steps == 999
        one = LatentDiffusion.load("ldm", folder, SamplingConfig(steps=1, solver=solver))
        assert one.sample(["sky"], guidance=1.0, seeds=[1]).images.shape == (1, 3, *SIZE)


def test_text_weights_that_are_not_there(tmp_path):
    text = {"encoder": "t5", "dim": 16, "max_tokens": 6, "path": str(tmp_path / "t5")}
    write_model(tmp_path, ldm_config())
    record = read_json(tmp_path / "config.json")
    record["task"]["ldm"]["text"] = text
    (tmp_path / "config.json").write_text(json.dumps(record))
    with pytest.raises(FileNotFoundError, match="expected a folder with T5 weights"):
        LatentDiffusion.load("ldm", tmp_path, FAST)
