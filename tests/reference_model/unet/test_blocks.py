"""Blocks of the U-Net: the same numbers as torch's own, which take longer on a CPU."""

import pytest
import torch
from torch.nn import functional as F

from reference_model.unet.blocks import pixel_shuffle, pixel_unshuffle


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_pixels_and_channels_change_places_as_torchs_do(factor):
    x = torch.randn(2, 3 * factor**2, 4 * factor, 6 * factor)
    assert torch.equal(pixel_shuffle(x, factor), F.pixel_shuffle(x, factor))
    assert torch.equal(pixel_unshuffle(x, factor), F.pixel_unshuffle(x, factor))
    assert torch.equal(pixel_unshuffle(pixel_shuffle(x, factor), factor), x)
