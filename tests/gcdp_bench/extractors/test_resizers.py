"""Each resize against the program that defines it, on sizes where the conventions differ."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x,
)

from gcdp_bench.diagnostics.verify.resizing import one_over_f
from gcdp_bench.extractors.resizers import clean_bicubic, tf1_bilinear, torch_bilinear
from tests.properties import examples

RESIZERS = (tf1_bilinear, clean_bicubic, torch_bilinear)
SIZES = [(32, 32), (128, 128), (256, 256), (299, 299), (256, 512), (1024, 1024)]
at_every_size = pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")


def noise(size, num=1):
    return one_over_f(*size, num=num)


def torch_fidelity(images):
    return interpolate_bilinear_2d_like_tensorflow1x(
        images.float(), size=(299, 299), align_corners=False
    )


def clean_fid(mode):
    def resize(images):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from cleanfid.resize import build_resizer

            function = build_resizer(mode)
            resized = [function(image.permute(1, 2, 0).numpy()) for image in images]
        return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2)

    return resize


@at_every_size
def test_tf1_is_torch_fidelitys(size):
    images = noise(size, num=2)
    assert torch.equal(tf1_bilinear(images), torch_fidelity(images))


@at_every_size
def test_clean_is_clean_fids(size):
    images = noise(size, num=2)
    assert torch.equal(clean_bicubic(images), clean_fid("clean")(images))


@at_every_size
def test_torch_is_clean_fids_copy_of_pytorch_fid(size):
    images = noise(size)
    difference = torch_bilinear(images) - clean_fid("legacy_pytorch")(images)
    assert float(difference.abs().max()) < 1e-4  # of 255; it sums in another order
    alone = torch.nn.functional.interpolate(
        images.float() / 255, size=(299, 299), mode="bilinear", align_corners=False
    )  # as pytorch-fid does it
    assert torch.allclose(torch_bilinear(images) / 255, alone, atol=1e-6)


@at_every_size
def test_conventions_differ_except_at_the_networks_own_size(size):
    images = noise(size)
    tf1, clean, torch_ = (resize(images) for resize in RESIZERS)
    to_clean, to_torch = (float((tf1 - other).abs().mean()) for other in (clean, torch_))
    if size == (299, 299):
        assert to_clean == to_torch == 0 and torch.equal(tf1, images.float())
    else:
        assert to_clean > 1.0 and to_torch > 1.0  # of 255
    if size[0] <= 256 and size[0] == size[1] and size != (299, 299):
        assert to_clean > to_torch  # enlarging: bicubic overshoots
    if size == (1024, 1024):
        assert to_clean < to_torch  # shrinking: the grid without antialiasing is the odd one


@pytest.mark.parametrize("resize", RESIZERS)
def test_a_shape_other_than_square(resize):
    assert resize(noise((32, 32)), (14, 28)).shape == (1, 3, 14, 28)
    assert torch.equal(resize(noise((32, 48)), (32, 48)), noise((32, 48)).float())


@examples(100)
@given(
    value=st.integers(0, 255),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    resize=st.sampled_from(RESIZERS),
)
def test_a_flat_picture_stays_flat_and_in_range(value, size, resize):
    resized = resize(torch.full((1, 3, *size), value, dtype=torch.uint8), (20, 30))
    assert resized.dtype == torch.float32
    assert float((resized - value).abs().max()) <= 1e-3
    assert float(resized.min()) >= -1e-4 and float(resized.max()) <= 255 + 1e-4  # float32
