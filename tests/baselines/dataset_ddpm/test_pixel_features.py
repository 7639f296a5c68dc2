"""Features of pixels: which, how wide, up-sampled how, and of one image alone."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from baselines.dataset_ddpm.pixel_features import (
    check_ddpm,
    feature_maps,
    feature_width,
    features_at,
    shared_noise,
)
from gcdp_bench.core.images import to_float
from reference_model.features import block_names, features_under_noise
from tests.reference_model.conftest import base_config, build_stage, sr_config

from .small import LABELS, SIZE, stage, stage_config, stripes_images

ALL = replace(LABELS, blocks=("middle", "up.0", "up.1", "final"))


@pytest.fixture(scope="module")
def trained():
    return stage()


@pytest.fixture(scope="module")
def maps(trained):
    return feature_maps(trained, ALL, stripes_images())


def test_the_noise_is_always_the_same():
    assert torch.equal(shared_noise(SIZE), shared_noise(SIZE))
    assert shared_noise(SIZE).shape == (3, *SIZE)


def test_width_is_channels_times_timesteps(trained, maps):
    assert ALL.blocks == block_names(trained.network)
    assert [tuple(part.shape[1:]) for part in maps] == [
        (2, 4, 3 * 16),
        (2, 4, 3 * 16),
        (4, 8, 3 * 8),
        (8, 16, 3 * 8),
    ]
    assert feature_width(ALL, trained.config.unet) == 3 * (16 + 16 + 8 + 8)
    assert feature_width(LABELS, trained.config.unet) == 3 * (16 + 8)


def test_maps_are_the_blocks_at_every_timestep(trained, maps):
    found = features_under_noise(
        trained,
        to_float(stripes_images()),
        shared_noise(SIZE),
        timesteps=ALL.timesteps,
        blocks=ALL.blocks,
    )
    for part, block in zip(maps, ALL.blocks, strict=True):
        for place, t in enumerate(ALL.timesteps):
            width = found[t, block].shape[1]
            own = part[..., place * width : (place + 1) * width].permute(0, 3, 1, 2)
            torch.testing.assert_close(own, found[t, block], atol=1e-5, rtol=1e-4)


def test_features_are_upsampled_bilinearly(maps):
    """Against the library, every pixel of every image."""
    expected = torch.cat(
        [
            F.interpolate(part.permute(0, 3, 1, 2), size=SIZE, mode="bilinear", align_corners=False)
            for part in maps
        ],
        1,
    )
    area = SIZE[0] * SIZE[1]
    places = torch.arange(6 * area)
    found = features_at(maps, places // area, places % area, SIZE)  # (P, F)
    torch.testing.assert_close(found, expected.permute(0, 2, 3, 1).flatten(0, 2))


def test_half_precision_is_widened(maps):
    image, pixel = torch.tensor([0, 5, 2]), torch.tensor([0, 511, 77])
    found = features_at([part.half() for part in maps], image, pixel, SIZE)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, features_at(maps, image, pixel, SIZE), atol=5e-3, rtol=5e-3)


def test_features_do_not_depend_on_the_batch(trained, maps):
    alone = feature_maps(trained, ALL, stripes_images()[3:4])
    for one, all_of_them in zip(alone, maps, strict=True):
        torch.testing.assert_close(one, all_of_them[3:4], atol=1e-5, rtol=1e-4)


def test_a_model_that_does_not_fit_is_refused(trained):
    pairs = build_stage(base_config())
    captions = build_stage(stage_config(text_drop=0.1))
    for other in (pairs, captions, build_stage(sr_config(layouts=False))):
        with pytest.raises(ValueError, match="it: expected an unconditional diffusion model of im"):
            check_ddpm("it", LABELS, other)
    with pytest.raises(ValueError, match=r"images of \(8, 16\), got \(16, 32\); take one of `gcdp"):
        check_ddpm("it", replace(LABELS, image_size=(8, 16)), trained)
    with pytest.raises(ValueError, match="blocks of middle, up.0, up.1, final, got up.2"):
        check_ddpm("it", replace(LABELS, blocks=("up.2",)), trained)
    with pytest.raises(ValueError, match=r"timesteps of 1 to 50, got \[51\]"):
        check_ddpm("it", replace(LABELS, timesteps=(51,)), trained)
    check_ddpm("it", ALL, trained)
