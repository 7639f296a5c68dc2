"""Sampling visits every step once, guides both outputs, and does not mix samples."""

import math

import pytest
import torch
from scipy import stats

from gcdp_bench.core.finite import FiniteCheck
from gcdp_bench.core.sampling_config import SAMPLERS
from reference_model import sampler
from reference_model.joint import JointProcess, Pair
from reference_model.schedules import respaced_steps
from reference_model.stage import Stage, guided, noise_low_res, upsample
from reference_model.text import build_text_encoder
from reference_model.unet import TextCondition, UNetOutput

from .conftest import TEXT, base_config, build_stage, sr_config
from .test_outpainting import ATOMS, Exact

CAPTIONS = ["sky and road", "cars", "road"]


def draw(stage, captions, seeds, guidance=2.0, steps=4, low_res=None, **method):
    text = build_text_encoder(TEXT).encode(captions)
    return sampler.sample(
        stage,
        text,
        guidance=guidance,
        seeds=seeds,
        num_steps=steps,
        low_res=low_res,
        method=sampler.Method(**method),
    )


def low_res(num, *, layouts):
    image = torch.rand(num, 3, 8, 8, generator=torch.Generator().manual_seed(5)) * 2 - 1
    return Pair(image, torch.arange(64).reshape(1, 8, 8).repeat(num, 1, 1) % 3 if layouts else None)


def test_shapes_and_ranges(layouts):
    base = draw(build_stage(base_config(layouts=layouts)), CAPTIONS, [1, 2, 3])
    assert base.image.shape == (3, 3, 8, 8)
    assert base.image.abs().max() <= 1.0 + 1e-5
    pair = draw(
        build_stage(sr_config(layouts=layouts)),
        CAPTIONS,
        [1, 2, 3],
        low_res=low_res(3, layouts=layouts),
    )
    assert pair.image.shape == (3, 3, 16, 16)
    if layouts:
        assert pair.layout.shape == (3, 16, 16)
        assert 0 <= int(pair.layout.min()) <= int(pair.layout.max()) < 3
    else:
        assert base.layout is None and pair.layout is None


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sample_does_not_depend_on_its_batch(layouts, guidance, name):
    for config in (base_config(layouts=layouts), sr_config(layouts=layouts)):
        stage = build_stage(config)
        low = low_res(3, layouts=layouts) if config.low_res else None
        one = None
        if low is not None:
            one = Pair(low.image[1:2], low.layout[1:2] if layouts else None)
        together = draw(stage, CAPTIONS, [1, 2, 3], guidance, low_res=low, sampler=name)
        alone = draw(stage, CAPTIONS[1:2], [2], guidance, low_res=one, sampler=name)
        assert torch.allclose(together.image[1:2], alone.image, atol=1e-4)
        if layouts:
            assert torch.equal(together.layout[1:2], alone.layout)


def test_seed_caption_and_guidance_all_matter():
    stage = build_stage(base_config())
    first = draw(stage, ["sky"], [1]).image
    assert torch.equal(first, draw(stage, ["sky"], [1]).image)
    for other in (
        draw(stage, ["sky"], [2]),
        draw(stage, ["cars"], [1]),
        draw(stage, ["sky"], [1], guidance=4.0),
    ):
        assert not torch.equal(first, other.image)


def test_every_step_is_visited_once_and_text_is_encoded_once(monkeypatch):
    stage = build_stage(base_config())
    levels, encoded = [], []
    forward, encode = stage.network.forward, stage.network.encode_text

    def watched(image, layout, log_snr, text, **kwargs):
        levels.append((len(text.pooled), float(log_snr[0])))
        return forward(image, layout, log_snr, text, **kwargs)

    monkeypatch.setattr(stage.network, "forward", watched)
    monkeypatch.setattr(
        stage.network, "encode_text", lambda *args: encoded.append(1) or encode(*args)
    )
    draw(stage, CAPTIONS, [1, 2, 3], guidance=2.0, steps=7)
    expected = [float(stage.process.image.log_snr[t]) for t in respaced_steps(50, 7)]
    assert [level for _, level in levels] == pytest.approx(expected)
    assert {size for size, _ in levels} == {6}, "both passes go through the network as one batch"
    assert len(encoded) == 1
    levels.clear()
    draw(stage, CAPTIONS, [1, 2, 3], guidance=1.0, steps=7)
    assert {size for size, _ in levels} == {3}, "guidance 1 makes no unconditional pass"


def test_guidance_extrapolates_noise_and_logits(layouts):
    stage = build_stage(base_config(layouts=layouts))
    text = build_text_encoder(TEXT).encode(["sky", "cars"])
    conditional = stage.network.encode_text(text.tokens, text.mask)
    null = stage.network.null_text(2)
    z_t = Pair(
        torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)),
        torch.zeros(2, 8, 8, dtype=torch.long) if layouts else None,
    )
    both = TextCondition.cat([conditional, null])
    noise, logits = sampler.predict(
        stage, z_t, 20, both, guidance=3.0, low_res=None, check=FiniteCheck()
    )
    level = torch.full((2,), float(stage.process.image.log_snr[20]))
    with_text: UNetOutput = stage.network(z_t.image, z_t.layout, level, conditional)
    without: UNetOutput = stage.network(z_t.image, z_t.layout, level, null)
    assert torch.allclose(noise, without.noise + 3 * (with_text.noise - without.noise), atol=1e-4)
    assert torch.equal(guided(noise, noise * 2, 1.0), noise * 2)
    if not layouts:
        assert logits is None
        return
    assert torch.allclose(
        logits, without.logits + 3 * (with_text.logits - without.logits), atol=1e-4
    )


def sigma(stage, t):
    """Noise level at t, from alpha_bar."""
    alpha_bar = float(stage.process.image.alpha_bar[t])
    return math.sqrt((1.0 - alpha_bar) / alpha_bar)


def test_outside_its_interval_guidance_makes_no_pass(monkeypatch, layouts):
    """Steps 50, 38, 25, 13 of 50: both ends are levels that are visited; the high one belongs."""
    stage = build_stage(base_config(layouts=layouts))
    sizes, forward = [], stage.network.forward
    monkeypatch.setattr(
        stage.network,
        "forward",
        lambda *args, **kwargs: sizes.append(len(args[3].pooled)) or forward(*args, **kwargs),
    )
    interval = (sigma(stage, 13) * (1 + 1e-9), sigma(stage, 38) * (1 + 1e-9))
    inside = draw(stage, CAPTIONS, [1, 2, 3], guidance_interval=interval)
    assert sizes == [3, 6, 6, 3]
    for other in ({"guidance": 1.0}, {"guidance": 2.0}):
        assert not torch.equal(inside.image, draw(stage, CAPTIONS, [1, 2, 3], **other).image)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_whole_interval_is_none_and_an_empty_one_is_guidance_1(layouts, name):
    for config in (base_config(layouts=layouts), sr_config(layouts=layouts)):
        stage = build_stage(config)
        low = low_res(3, layouts=layouts) if config.low_res else None

        def drawn(guidance, stage=stage, low=low, **interval):
            return draw(stage, CAPTIONS, [1, 2, 3], guidance, low_res=low, sampler=name, **interval)

        for one, other in (
            (drawn(2.0), drawn(2.0, guidance_interval=(0.0, math.inf))),
            (drawn(1.0), drawn(2.0, guidance_interval=(1e9, math.inf))),
        ):
            assert torch.equal(one.image, other.image)
            assert not layouts or torch.equal(one.layout, other.layout)


def test_labels_that_do_not_follow_the_image_are_the_same_with_every_sampler(monkeypatch):
    """A seed has the same uniform numbers for every sampler of the image."""
    stage = build_stage(base_config())
    forward = stage.network.forward

    def blind(image, *args, **kwargs):
        seen = forward(torch.zeros_like(image), *args, **kwargs)
        passes = len(seen.noise) // len(image)
        return UNetOutput(torch.tanh(image).repeat(passes, 1, 1, 1), seen.logits)

    monkeypatch.setattr(stage.network, "forward", blind)
    first, *others = (draw(stage, CAPTIONS, [1, 2, 3], sampler=name) for name in SAMPLERS)
    for other in others:
        assert torch.equal(first.layout, other.layout)
        assert not torch.equal(first.image, other.image)


@pytest.mark.parametrize("name", SAMPLERS)
def test_pairs_of_the_exact_network_have_their_distribution(name):
    """Three pairs of equal probability, each a grey image with a layout of one class."""
    config, num = base_config(), 300
    stage = Stage(config, Exact(), JointProcess(config.process))  # pyright: ignore[reportArgumentType]
    found = draw(stage, ["sky"] * num, range(num), 1.0, 50, sampler=name)
    classes = found.layout[:, 0, 0]
    assert torch.equal(found.layout, classes[:, None, None].expand_as(found.layout))
    expected = ATOMS[classes][:, None, None, None].expand_as(found.image)
    assert torch.allclose(found.image, expected, atol=0.01)
    assert stats.chisquare(torch.bincount(classes, minlength=3)).pvalue > 1e-3


# seeds 3 and 5, before any network: the first three normal and uniform numbers of either stage
NOISE = {
    "base": (
        [[-0.072047502, -0.941532433, 0.280011266], [0.849507213, 0.178900123, -0.155208483]],
        [[0.881826222, 0.239806712, 0.318053424], [0.763302088, 0.821961880, 0.224722862]],
    ),
    "sr": (
        [[-0.928116858, 0.104463533, 0.834398985], [-0.452506661, 0.717764139, -1.045739651]],
        [[0.869256079, 0.717185855, 0.452360332], [0.853748977, 0.228017151, 0.311340094]],
    ),
}


@pytest.mark.parametrize("purpose", ["base", "sr"])
def test_the_golden_noise(purpose):
    """A seed is worth the same draws in every version, or samples could not be drawn again."""
    stage = build_stage(base_config())
    draw = sampler.NoiseStreams(stage, [3, 5], purpose).draw()
    normal, uniform = NOISE[purpose]
    assert torch.allclose(draw.normal[:, 0, 0, :3], torch.tensor(normal), atol=1e-7)
    assert torch.allclose(draw.uniform[:, 0, :3], torch.tensor(uniform), atol=1e-7)


# one pixel's colour and one row's labels of the same seeds, after base and super-resolution stage
GOLDEN = {
    True: (
        [[0.517851, -1.0, -0.123765], [-0.124791, 0.316711, -0.264059]],
        [
            [1, 2, 1, 0, 2, 1, 1, 2, 0, 0, 0, 1, 2, 1, 1, 0],
            [2, 0, 0, 1, 2, 1, 0, 0, 1, 2, 1, 1, 0, 1, 0, 1],
        ],
    ),
    False: ([[-0.625302, -0.666069, -0.808920], [-0.069616, 0.968913, -0.308597]], None),
}


def test_the_golden_samples(layouts):
    """Made by this test's own lines on a CPU with torch 2.15; float32 sums may differ by 1e-4."""
    captions = ["sky and road", "cars"]
    base = draw(build_stage(base_config(layouts=layouts)), captions, [3, 5], 2.0, 4)
    up = draw(build_stage(sr_config(layouts=layouts)), captions, [3, 5], 1.5, 3, base)
    colours, labels = GOLDEN[layouts]
    assert torch.allclose(up.image[:, :, 7, 9], torch.tensor(colours), atol=1e-3)
    if layouts:
        assert up.layout[:, 7].tolist() == labels


def test_augmentation_of_the_low_resolution_pair():
    """At level 0 nothing changes; at u the share of changed labels is (1 - abar)(K - 1)/K."""
    stage = build_stage(sr_config())
    schedule = stage.process.image
    pair = upsample(low_res(1, layouts=True), (64, 64))
    source = torch.Generator().manual_seed(0)
    noise = {
        "normal": torch.randn(1, 3, 64, 64, generator=source),
        "uniform": torch.rand(1, 64, 64, generator=source),
    }
    clean = noise_low_res(schedule, pair, torch.tensor([0]), num_classes=3, **noise)
    assert torch.allclose(clean.image, pair.image) and torch.equal(clean.layout, pair.layout)
    noisy = noise_low_res(schedule, pair, torch.tensor([20]), num_classes=3, **noise)
    changed = float((noisy.layout != pair.layout).float().mean())
    expected = (1 - float(schedule.alpha_bar[20])) * 2 / 3
    assert changed == pytest.approx(expected, abs=0.03)


def test_refusals():
    stage = build_stage(base_config())
    with pytest.raises(
        ValueError, match="guidance scale: expected a finite value of at least 0, got -1"
    ):
        draw(stage, ["sky"], [1], guidance=-1.0)
    with pytest.raises(ValueError, match="one seed per caption"):
        draw(stage, ["sky"], [1, 2])
    with pytest.raises(ValueError, match="super-resolution stage was sampled without"):
        draw(build_stage(sr_config()), ["sky"], [1])
    with pytest.raises(ValueError, match="base stage was sampled with"):
        draw(stage, ["sky"], [1], low_res=low_res(1, layouts=True))
    with pytest.raises(ValueError, match="num_steps: expected 1 to 50"):
        draw(stage, ["sky"], [1], steps=51)
