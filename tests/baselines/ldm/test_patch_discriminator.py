"""The PatchGAN against what is published of pix2pix's: weights, grid and receptive field."""

import pytest
import torch
from torch import nn

from baselines.ldm.patch_discriminator import PatchConfig, PatchDiscriminator

PIX2PIX = PatchConfig(channels=(64, 128, 256, 512), groups=32)
SMALL = PatchConfig(channels=(4, 8, 8), groups=4)


def test_sizes_of_pix2pix():
    """2,765,633 weights for three input channels; 256 pixels give 30 x 30 logits."""
    with torch.device("meta"):
        network = PatchDiscriminator(PIX2PIX)
        logits, features = network(torch.empty(2, 3, 256, 256))
    assert sum(p.numel() for p in network.parameters()) == 2_765_633
    assert logits.shape == (2, 1, 30, 30)
    assert [tuple(f.shape[1:]) for f in features] == [
        (64, 128, 128),
        (128, 64, 64),
        (256, 32, 32),
        (512, 31, 31),
    ]


def test_a_logit_sees_a_patch_of_70_pixels():
    """Isola et al. 2017; seen from the gradients, without the normalisation over the image."""
    torch.manual_seed(0)
    network = PatchDiscriminator(PatchConfig(channels=(2, 2, 2, 2), groups=1))
    for layer in network.layers:
        assert isinstance(layer, nn.Sequential)
        layer[1] = nn.Identity()
    images = torch.randn(1, 3, 128, 128, requires_grad=True)
    logits, _ = network(images)
    logits[0, 0, 7, 7].backward()
    assert images.grad is not None
    rows, columns = images.grad.abs().sum((0, 1)).nonzero().unbind(1)
    assert int(rows.max() - rows.min()) + 1 == 70 == int(columns.max() - columns.min()) + 1


def test_channels_that_cannot_be_grouped_are_refused():
    """The first layer is not normalised, so its width is free."""
    assert PatchConfig(channels=(3, 8), groups=4).channels == (3, 8)
    with pytest.raises(ValueError, match=r"multiples of the 4 groups after the first"):
        PatchConfig(channels=(4, 8, 6), groups=4)


@pytest.mark.parametrize("training", [True, False])
def test_logits_depend_on_their_own_image(training):
    torch.manual_seed(0)
    network = PatchDiscriminator(SMALL).train(training)
    images = torch.randn(3, 3, 16, 32)
    together, _ = network(images)
    alone, _ = network(images[1:2])
    assert torch.allclose(together[1:2], alone, atol=1e-6)
    assert not torch.allclose(together[:1], alone, atol=1e-3)
