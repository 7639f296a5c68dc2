"""The cascade as a generator: loading, sampling, and stages that do not fit."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.config import digest, to_dict, write_json
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import Generator
from gcdp_bench.training.checkpoint import save_weights
from reference_model.generator import Cascade
from reference_model.text import build_text_encoder

from .conftest import TEXT, base_config, build_stage, sr_config

FAST = SamplingConfig(steps=3, sr_steps=2)


def write_cascade(folder, *, layouts=True):
    for name, config in (
        ("base", base_config(layouts=layouts)),
        ("sr", sr_config(layouts=layouts)),
    ):
        stage = build_stage(config)
        (folder / name).mkdir(parents=True)
        half = {k: v.half() for k, v in stage.network.state_dict().items()}
        save_weights(folder / name / "model.safetensors", half)
        write_json(folder / name / "config.json", {"task": {"stage": to_dict(config)}})
    return folder


def test_load_and_sample(tmp_path, layouts):
    generator = Cascade.load("reference", write_cascade(tmp_path, layouts=layouts), FAST)
    assert isinstance(generator, Generator)
    batch = generator.sample(["sky", "cars"], guidance=2.0, seeds=[1, 2])
    assert batch.images.shape == (2, 3, 16, 16) and batch.images.dtype == torch.uint8
    assert batch.captions == ("sky", "cars")
    assert (batch.layouts is not None) == generator.makes_layouts == layouts
    assert generator.image_size == (16, 16) and generator.num_steps == 3
    alone = generator.sample(["cars"], guidance=2.0, seeds=[2])
    difference = (alone.images.int() - batch.images[1:].int()).abs()
    assert difference.max() <= 1 and (difference > 0).float().mean() < 0.001


def test_an_unconditional_cascade_reads_no_captions_and_has_no_parameter(layouts):
    configs = (replace(c(layouts=layouts), text_drop=1.0) for c in (base_config, sr_config))
    generator = Cascade("c", [build_stage(c) for c in configs], build_text_encoder(TEXT), FAST)
    assert isinstance(generator, Generator)
    assert not generator.reads_captions and generator.parameter is None
    one, two = (generator.sample([caption], guidance=1.0, seeds=[3]) for caption in ("sky", "cars"))
    assert torch.equal(one.images, two.images)
    with pytest.raises(ValueError, match="expected guidance 1 of an unconditional stage, got 2"):
        generator.sample(["sky"], guidance=2.0, seeds=[3])


def test_stages_with_and_without_captions_do_not_fit():
    stages = [build_stage(replace(base_config(), text_drop=1.0)), build_stage(sr_config())]
    with pytest.raises(ValueError, match="only one of the two reads captions"):
        Cascade("c", stages, build_text_encoder(TEXT), FAST)


def test_the_digest_follows_the_weights(tmp_path):
    folder = write_cascade(tmp_path)
    first = Cascade.load("reference", folder, FAST).digest
    assert first == Cascade.load("reference", folder, FAST).digest
    stage = build_stage(sr_config(), seed=1)
    save_weights(folder / "sr" / "model.safetensors", stage.network.state_dict())
    assert first != Cascade.load("reference", folder, FAST).digest


def test_guidance_of_the_super_resolution_stage():
    stages = [build_stage(base_config()), build_stage(sr_config())]
    encoder = build_text_encoder(TEXT)
    images = {
        value: Cascade("c", stages, encoder, replace(FAST, sr_guidance=value))
        .sample(["sky"], guidance=3.0, seeds=[1])
        .images
        for value in (1.0, 3.0, None)
    }
    assert torch.equal(images[3.0], images[None])
    assert not torch.equal(images[1.0], images[3.0])


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({}, {}),
        ({"sampler": "ancestral", "solver": "ddim"}, {}),
        ({"sampler": "ddim"}, {"sampler": "ddim"}),
        ({"guidance_interval": (0.3, 5.0)}, {"guidance_interval": [0.3, 5.0]}),
    ],
)
def test_the_settings_of_earlier_samples_are_those_of_the_usual_sampler(given, added):
    """Names and order are those whose digest rows carry."""
    stages = [build_stage(base_config()), build_stage(sr_config())]
    config = SamplingConfig(steps=6, sr_steps=4, **given)
    settings = Cascade("c", stages, build_text_encoder(TEXT), config).settings
    assert settings == {"steps": 6, "sr_steps": 4, "sr_guidance": 1.0} | added
    is_old = digest({"weights": "x", "sampling": dict(settings)}) == "bf73806fb8e5"
    assert is_old == (not added)


def test_sampler_and_interval_reach_both_stages():
    stages = [build_stage(base_config()), build_stage(sr_config())]
    encoder = build_text_encoder(TEXT)
    slow = replace(FAST, steps=6, sr_steps=5, sr_guidance=None)
    usual, *others = (
        Cascade("c", part, encoder, replace(slow, **given))
        for given in ({}, {"sampler": "dpm-solver++"}, {"guidance_interval": (0.1, 2.0)})
        for part in (stages,)
    )
    first = usual.sample(["sky"], guidance=3.0, seeds=[1]).images
    for other in others:
        assert not torch.equal(other.sample(["sky"], guidance=3.0, seeds=[1]).images, first)


def test_stages_that_do_not_fit():
    encoder = build_text_encoder(TEXT)
    with pytest.raises(ValueError, match="only one of the two makes layouts"):
        Cascade(
            "c", [build_stage(base_config()), build_stage(sr_config(layouts=False))], encoder, FAST
        )
    with pytest.raises(ValueError, match=r"up-samples \(8, 8\), the stage below makes \(16, 16\)"):
        base = build_stage(replace(base_config(), image_size=(16, 16)))
        Cascade("c", [base, build_stage(sr_config())], encoder, FAST)


def test_missing_and_foreign_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a trained stage"):
        Cascade.load("reference", tmp_path / "none", FAST)
    folder = write_cascade(tmp_path)
    save_weights(
        folder / "base" / "model.safetensors", build_stage(sr_config()).network.state_dict()
    )
    with pytest.raises(ValueError, match="of another configuration"):
        Cascade.load("reference", folder, FAST)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="sr_steps: expected at least 1, got 0"):
        SamplingConfig(sr_steps=0)
    with pytest.raises(ValueError, match="unet.text_dim is 16 but text.dim is 8"):
        replace(base_config(), text=replace(TEXT, dim=8))
