"""Outpainting keeps what is known, and finds what goes with it."""

import pytest
import torch
from torch import nn

from gcdp_bench.core.images import resize_images, to_float
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import IGNORE_ID
from reference_model import generator
from reference_model.generator import Cascade
from reference_model.joint import JointProcess, Pair
from reference_model.outpainting import KnownRegion, outpaint
from reference_model.stage import Stage
from reference_model.text import build_text_encoder
from reference_model.unet import UNetOutput

from .conftest import TEXT, base_config, build_stage, of_layouts, sr_config

ATOMS = torch.tensor([-0.8, 0.1, 0.8])  # grey of the image whose layout is all of class k
NUM = 48
CLASSES = torch.arange(NUM) % 3


class Exact(nn.Module):
    """The network that Bayes' rule gives for three pairs of equal probability."""

    def __init__(self):
        super().__init__()
        self.parameter = nn.Parameter(torch.zeros(()))  # its device is where samples are drawn

    def encode_text(self, tokens, mask):
        return None

    def forward(self, image, layout, log_snr, text, *, low_res=None):
        alpha_bar = torch.sigmoid(log_snr)[:, None]  # (B, 1)
        clean = ATOMS[None, :, None, None, None]  # (1, 3, 1, 1, 1)
        mean = alpha_bar[..., None, None, None].sqrt() * clean
        squares = (image[:, None] - mean).square().sum((2, 3, 4))  # (B, 3)
        log_image = -squares / (2 * (1 - alpha_bar))
        agree = torch.stack([(layout == k).sum((1, 2)) for k in range(3)], 1)  # (B, 3)
        kept, other = alpha_bar + (1 - alpha_bar) / 3, (1 - alpha_bar) / 3
        log_layout = agree * kept.log() + (layout[0].numel() - agree) * other.log()
        log_weights = torch.log_softmax(log_image + log_layout, 1)  # (B, 3)
        x_0 = (log_weights.exp() @ ATOMS)[:, None, None, None]
        noise = (image - alpha_bar[..., None, None].sqrt() * x_0) / (
            1 - alpha_bar[..., None, None]
        ).sqrt()
        logits = log_weights[:, :, None, None].clamp_min(-60).expand(-1, -1, *layout.shape[1:])
        return UNetOutput(noise, logits)


@pytest.fixture(scope="module")
def exact():
    config = base_config()
    return Stage(config, Exact(), JointProcess(config.process))  # pyright: ignore[reportArgumentType]


def draw(stage, known, *, resampling=1, low_res=None, num_steps=10):
    num = len(known.image_mask)
    text = build_text_encoder(TEXT).encode(["sky"] * num)
    return outpaint(
        stage,
        text,
        known,
        guidance=1.0,
        seeds=range(num),
        num_steps=num_steps,
        resampling=resampling,
        low_res=low_res,
    )


def pairs():
    images = ATOMS[CLASSES][:, None, None, None].expand(-1, 3, 8, 8).clone()
    return Pair(images, CLASSES[:, None, None].expand(-1, 8, 8).clone())


def test_the_exact_network_finds_the_layout_of_an_image(exact):
    z_0 = pairs()
    found = draw(exact, KnownRegion.of_image(z_0.image))
    assert torch.equal(found.layout, z_0.layout)
    assert torch.equal(found.image, z_0.image)


@pytest.mark.slow
def test_resampling_brings_the_image_to_the_layout(exact):
    """RePaint is not exact: what is drawn early need not go with the layout. Chance: 1/3."""
    z_0 = pairs()
    shares = []
    for resampling in (1, 20):
        found = draw(exact, of_layouts(z_0.layout), resampling=resampling, num_steps=25)
        assert torch.equal(found.layout, z_0.layout)
        error = (found.image - z_0.image).abs().amax((1, 2, 3))  # (B,)
        shares.append(float((error < 1e-3).float().mean()))
    assert 0.5 < shares[0] < shares[1] - 0.1
    assert shares[1] > 0.85


def test_a_few_known_pixels_are_enough_for_the_exact_network(exact):
    z_0 = pairs()
    mask = torch.zeros(NUM, 8, 8, dtype=torch.bool)
    mask[:, :3] = True
    found = draw(exact, KnownRegion(z_0, mask, mask), resampling=5)
    error = (found.image - z_0.image).abs().amax((1, 2, 3))  # (B,)
    assert (error < 1e-3).float().mean() > 0.95
    assert (found.layout == z_0.layout).float().mean() > 0.95


@pytest.mark.parametrize("with_low_res", [False, True])
def test_known_pixels_stay_and_samples_do_not_mix(with_low_res):
    config = sr_config() if with_low_res else base_config()
    stage = build_stage(config)
    size = config.image_size
    source = torch.Generator().manual_seed(3)
    z_0 = Pair(
        torch.rand(3, 3, *size, generator=source) * 2 - 1,
        torch.randint(3, (3, *size), generator=source),
    )
    image_mask, layout_mask = torch.rand(2, 3, *size, generator=source) < 0.5
    low = Pair(torch.zeros(3, 3, 8, 8), torch.ones(3, 8, 8, dtype=torch.long))
    low = low if with_low_res else None
    found = draw(
        stage, KnownRegion(z_0, image_mask, layout_mask), resampling=2, low_res=low, num_steps=3
    )
    kept = image_mask[:, None].expand_as(z_0.image)
    assert torch.equal(found.image[kept], z_0.image[kept])
    assert torch.equal(found.layout[layout_mask], z_0.layout[layout_mask])
    assert not torch.equal(found.image[~kept], z_0.image[~kept])
    first = Pair(z_0.image[:1], z_0.layout[:1])
    alone = draw(
        stage,
        KnownRegion(first, image_mask[:1], layout_mask[:1]),
        resampling=2,
        num_steps=3,
        low_res=None if low is None else Pair(low.image[:1], low.layout[:1]),
    )
    torch.testing.assert_close(alone.image, found.image[:1], atol=1e-4, rtol=0)
    assert torch.equal(alone.layout, found.layout[:1])


@pytest.mark.parametrize(("resampling", "expected"), [(1, 4), (3, 12)])
def test_the_network_is_asked_n_times_a_step(exact, monkeypatch, resampling, expected):
    calls = []
    forward = exact.network.forward
    monkeypatch.setattr(
        exact.network, "forward", lambda *a, **k: calls.append(float(a[2][0])) or forward(*a, **k)
    )
    draw(exact, of_layouts(pairs().layout), resampling=resampling, num_steps=4)
    assert len(calls) == expected
    assert calls == sorted(calls)  # from noise to data, each level n times
    assert len(set(calls)) == 4


def test_unlabelled_pixels_are_unknown():
    layouts = torch.tensor([[[0, IGNORE_ID], [1, 2]]])
    known = of_layouts(layouts)
    assert known.layout_mask.tolist() == [[[True, False], [True, True]]]
    assert not known.image_mask.any()


def test_a_coarse_pixel_is_known_where_all_of_it_is():
    layouts = torch.zeros(1, 4, 4, dtype=torch.long)
    layouts[0, 0, 0] = IGNORE_ID
    layouts[0, :, 2:] = 1
    small = of_layouts(layouts).resized((2, 2))
    assert small.layout_mask.tolist() == [[[False, True], [True, True]]]
    assert small.z_0.layout[small.layout_mask].tolist() == [1, 0, 1]


def test_what_is_unknown_does_not_reach_a_coarse_pixel_that_is_known():
    source = torch.Generator().manual_seed(1)
    z_0 = Pair(
        torch.rand(1, 3, 16, 16, generator=source) * 2 - 1,
        torch.randint(3, (1, 16, 16), generator=source),
    )
    mask = torch.zeros(1, 16, 16, dtype=torch.bool)
    mask[:, :, :8] = True
    other = Pair(torch.where(mask[:, None], z_0.image, 1.0), torch.where(mask, z_0.layout, 2))
    one, two = (KnownRegion(pair, mask, mask).resized((8, 8)) for pair in (z_0, other))
    kept = one.image_mask[:, None].expand_as(one.z_0.image)
    assert torch.equal(one.z_0.image[kept], two.z_0.image[kept])
    assert torch.equal(one.z_0.layout[one.layout_mask], two.z_0.layout[two.layout_mask])
    assert one.image_mask[0, :, :3].all() and not one.image_mask[0, :, 4:].any()


def test_a_cascade_outpaints_in_both_stages(monkeypatch):
    stages = [build_stage(base_config()), build_stage(sr_config())]
    cascade = Cascade(
        "reference", stages, build_text_encoder(TEXT), SamplingConfig(steps=3, sr_steps=2)
    )
    source = torch.Generator().manual_seed(2)
    images = torch.randint(256, (2, 3, 16, 16), dtype=torch.uint8, generator=source)
    seen = []

    def watched(stage, text, known, **settings):
        pair = outpaint(stage, text, known, **settings)
        seen.append((known.image_mask.all(), settings, pair))
        return pair

    monkeypatch.setattr(generator, "outpaint", watched)
    batch = cascade.outpaint(
        ["sky", "cars"],
        KnownRegion.of_image(to_float(images)),
        guidance=2.0,
        seeds=[1, 2],
        resampling=3,
    )
    (all_of_base, base, pair), (all_of_sr, sr, _) = seen
    assert all_of_base and all_of_sr
    torch.testing.assert_close(pair.image, resize_images(to_float(images), (8, 8)))
    assert sr["low_res"] is pair and base["low_res"] is None
    assert (base["num_steps"], base["guidance"], base["resampling"]) == (3, 2.0, 3)
    assert (sr["num_steps"], sr["guidance"], sr["resampling"]) == (2, 1.0, 3)
    assert torch.equal(batch.images, images)
    assert batch.layouts is not None and batch.layouts.shape == (2, 16, 16)


def test_bad_requests_are_refused(exact):
    known = of_layouts(pairs().layout)
    with pytest.raises(ValueError, match="resampling: expected at least 1, got 0"):
        draw(exact, known, resampling=0)
    with pytest.raises(ValueError, match="images alone; use reference"):
        draw(build_stage(base_config(layouts=False)), known)
    with pytest.raises(ValueError, match=r"known: expected masks of \(48, 16, 16\)"):
        draw(build_stage(sr_config()), known)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sampler": "ddim"}, "outpainting has the ancestral sampler alone, got ddim; leave --s"),
        ({"guidance_interval": (0.3, 5.0)}, "outpainting has no guidance interval, got 0.3:5; "),
    ],
)
def test_another_sampler_is_refused(given, message):
    cascade = Cascade(
        "reference", [build_stage(base_config())], build_text_encoder(TEXT), SamplingConfig(**given)
    )
    known = KnownRegion.of_image(pairs().image[:1])
    with pytest.raises(ValueError, match=message):
        cascade.outpaint(["sky"], known, guidance=2.0, seeds=[0], resampling=1)
