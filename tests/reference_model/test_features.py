"""Internal features: the right block at the right step, of one image alone, without the layout."""

from dataclasses import replace

import pytest
import torch

from gcdp_bench.core.images import to_float
from reference_model.features import (
    block_names,
    features_under_noise,
    internal_features,
    nearest_steps,
)
from reference_model.joint import Pair, q_sample
from reference_model.sampler import NoiseStreams
from reference_model.text import build_text_encoder

from .conftest import TEXT, Stripes, base_config, build_stage

SEEDS = (3, 4)
CAPTIONS = ["sky and road", "sky and road and cars"]


@pytest.fixture(scope="module", params=[True, False], ids=["pairs", "images"])
def stage(request):
    return build_stage(base_config(layouts=request.param))


def images(num: int = 2) -> torch.Tensor:
    scenes = Stripes(image_size=(8, 8))
    random = torch.Generator().manual_seed(0)
    noise = [torch.rand(3, 8, 8, generator=random) for _ in range(num)]
    return torch.stack([to_float(scenes[i].image) * 0.5 + noise[i] * 0.5 for i in range(num)])


def look(stage, given, *, captions=CAPTIONS, seeds=SEEDS, timesteps=(10, 50), blocks=None):
    return internal_features(
        stage,
        build_text_encoder(TEXT).encode(captions),
        given,
        timesteps=timesteps,
        blocks=blocks or block_names(stage.network),
        seeds=seeds,
        num_steps=5,
    )


def test_every_block_and_step_is_recorded_and_no_hook_is_left(stage):
    found = look(stage, images())
    assert set(found) == {(t, b) for t in (10, 50) for b in ("middle", "up.0", "up.1", "final")}
    shapes = {block: tuple(found[10, block].shape) for block in block_names(stage.network)}
    assert shapes == {
        "middle": (2, 16, 2, 2),
        "up.0": (2, 16, 2, 2),
        "up.1": (2, 8, 4, 4),
        "final": (2, 8, 8, 8),
    }
    assert not torch.equal(found[10, "final"], found[50, "final"])
    assert not stage.network._forward_pre_hooks
    assert not any(module._forward_hooks for module in stage.network.modules())


def test_a_pair_does_not_depend_on_its_batch(stage):
    together, alone = (
        look(stage, images()),
        look(stage, images()[1:], captions=CAPTIONS[1:], seeds=SEEDS[1:]),
    )
    for key, features in alone.items():
        torch.testing.assert_close(together[key][1:], features, atol=1e-5, rtol=1e-4)


def test_an_image_model_sees_the_image_noised_to_t():
    stage = build_stage(base_config(layouts=False))
    seen = {}

    def keep(module, inputs):
        seen[float(inputs[2][0])] = inputs[0]

    handle = stage.network.register_forward_pre_hook(keep)
    look(stage, images(), timesteps=(50, 10))
    handle.remove()
    streams = NoiseStreams(stage, SEEDS, "base")
    for t in (50, 10):
        z_t = q_sample(stage.process, Pair(images(), None), torch.tensor([t, t]), streams.draw())
        torch.testing.assert_close(seen[float(stage.process.image.log_snr[t].float())], z_t.image)


def test_wrong_blocks_and_steps_are_named(stage):
    with pytest.raises(ValueError, match="expected some of middle, up.0, up.1, final, got up.7"):
        look(stage, images(), blocks=("up.7", "final"))
    with pytest.raises(ValueError, match=r"timesteps: expected some of \[50, 40, .* got \[11\]"):
        look(stage, images(), timesteps=(11,))


def test_nearest_steps():
    assert nearest_steps(50, 5, (9, 32, 50)) == (10, 30, 50)
    with pytest.raises(ValueError, match="expected 1 to 50, got \\[0\\]"):
        nearest_steps(50, 5, (0, 10))
    with pytest.raises(ValueError, match="different steps, got \\[10, 10\\] of 5 sampling"):
        nearest_steps(50, 5, (9, 11))


@pytest.fixture(scope="module")
def unconditional():
    return build_stage(replace(base_config(layouts=False), text_drop=1.0))


def test_one_noise_for_every_image_and_step(unconditional):
    """x_t by hand, (B, 3, H, W) at each step; recorded blocks as if each image came alone."""
    noise = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))
    seen = []
    handle = unconditional.network.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    found = features_under_noise(
        unconditional, images(), noise, timesteps=(10, 49), blocks=("up.0", "final")
    )
    handle.remove()
    for x_t, t in zip(seen, (10, 49), strict=True):
        alpha_bar = unconditional.process.image.alpha_bar[t].float()
        torch.testing.assert_close(
            x_t, alpha_bar.sqrt() * images() + (1 - alpha_bar).sqrt() * noise
        )
    assert set(found) == {(t, block) for t in (10, 49) for block in ("up.0", "final")}
    alone = features_under_noise(
        unconditional, images()[1:], noise, timesteps=(49,), blocks=("final",)
    )
    torch.testing.assert_close(found[49, "final"][1:], alone[49, "final"], atol=1e-5, rtol=1e-4)


def test_one_noise_is_for_unconditional_image_models(stage, unconditional):
    noise = torch.zeros(3, 8, 8)
    with pytest.raises(ValueError, match="expected an unconditional stage without layouts"):
        features_under_noise(stage, images(), noise, timesteps=(10,), blocks=("final",))
    with pytest.raises(ValueError, match="expected 1 to 50, got \\[51\\]"):
        features_under_noise(unconditional, images(), noise, timesteps=(51,), blocks=("final",))
