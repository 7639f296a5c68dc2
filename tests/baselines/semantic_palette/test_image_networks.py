"""SPADE, the image generator and its discriminators, and their losses."""

import pytest
import torch
from torch.nn import functional as F

from baselines.semantic_palette.image_discriminator import ImageDiscriminator
from baselines.semantic_palette.image_generator import ImageGenerator
from baselines.semantic_palette.image_losses import (
    discriminator_hinge,
    feature_matching,
    generator_hinge,
)
from baselines.semantic_palette.layouts import one_hot
from baselines.semantic_palette.spade import Spade, SpadeBlock
from tests.baselines.semantic_palette.small import IMAGES, EyedStripes, normal

LAYOUT = torch.stack([EyedStripes()[index].layout for index in range(4)])  # (4, 8, 16)
HOT = one_hot(LAYOUT, 4)


def build(network):
    torch.manual_seed(0)
    return network(IMAGES.network, 4).eval()


def test_without_modulation_spade_normalises():
    spade, x = Spade(6, 4, 3), 3 + 2 * normal(4, 6, 8, 16)
    for conv in (spade.gamma, spade.beta):
        torch.nn.init.zeros_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    out = spade(x, HOT)
    mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(out, (x - mean) / (variance + 1e-5).sqrt())


def test_spade_modulates_by_the_layout():
    """With gamma and beta constant: normalised (1 + gamma) + beta; else they follow the layout."""
    spade, x = Spade(6, 4, 3), normal(4, 6, 8, 16)
    assert not torch.equal(spade(x, HOT), spade(x, HOT.flip(2)))
    for conv, value in ((spade.gamma, 0.5), (spade.beta, -2.0)):
        torch.nn.init.zeros_(conv.weight)
        torch.nn.init.constant_(conv.bias, value)
    torch.testing.assert_close(spade(x, HOT), 1.5 * F.instance_norm(x) - 2)


@torch.no_grad()
def test_a_block_by_hand():
    """The short cut is the identity where the width stays, and has a SPADE layer where not."""
    x = normal(4, 6, 8, 16)
    for block in (SpadeBlock(6, 6, 4, 3).eval(), SpadeBlock(6, 4, 4, 3).eval()):
        hidden = block.conv_first(F.leaky_relu(block.first(x, HOT), 0.2))
        changed = block.conv_second(F.leaky_relu(block.second(hidden, HOT), 0.2))
        short = x if block.short is None else block.conv_short(block.short(x, HOT))
        torch.testing.assert_close(block(x, HOT), short + changed)
    assert SpadeBlock(6, 6, 4, 3).short is None and block.short is not None


def test_spectral_norms_are_one():
    torch.manual_seed(0)
    block = SpadeBlock(6, 4, 4, 3)
    for _ in range(50):
        block(normal(4, 6, 8, 16), HOT)
    for conv in (block.conv_first, block.conv_second, block.conv_short):
        norm = torch.linalg.matrix_norm(conv.weight.flatten(1), 2)
        torch.testing.assert_close(norm, torch.ones(()), atol=1e-3, rtol=0)


@torch.no_grad()
def test_images_depend_on_layout_and_noise_of_their_own():
    network, z = build(ImageGenerator), normal(4, 5)
    images = network(LAYOUT, z)
    assert images.shape == (4, 3, 8, 16) and float(images.abs().max()) <= 1
    alone = torch.cat([network(LAYOUT[i : i + 1], z[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(images, alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(images, network(LAYOUT.flip(0), z))
    assert not torch.allclose(images, network(LAYOUT, z.flip(0)))


def test_training_mode_keeps_images_apart_too():
    """Nothing is normalised over the batch."""
    network, z = build(ImageGenerator).train(), normal(4, 5)
    both = network(LAYOUT, z)
    network = build(ImageGenerator).train()
    torch.testing.assert_close(both[:1], network(LAYOUT[:1], z[:1]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", [ImageGenerator, ImageDiscriminator])
def test_every_parameter_is_used(kind):
    network = build(kind)
    if kind is ImageGenerator:
        network(LAYOUT, normal(4, 5)).sum().backward()
    else:
        sum(logits.sum() for logits, _ in network(normal(4, 3, 8, 16), HOT)).backward()
    assert all(p.grad is not None for p in network.parameters())


def test_scales_of_the_discriminator():
    network, x = build(ImageDiscriminator), normal(4, 3, 8, 16)
    large, small = network(x, HOT)
    assert large[0].shape == (4, 1, 7, 11) and [f.shape[1] for f in large[1]] == [4, 6]
    assert small[0].shape == (4, 1, 5, 7)
    alone = network(x[:1], HOT[:1])
    torch.testing.assert_close(alone[0][0], large[0][:1], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(network(x, HOT.flip(2))[0][0], large[0])


def judgement(value, num=2):
    logits = torch.full((num, 1, 2, 2), value)
    return logits, [torch.full((num, 3, 4, 4), value), torch.full((num, 5, 2, 2), 2 * value)]


def test_losses_of_known_logits():
    real, fake = [judgement(0.5), judgement(2.0)], [judgement(-0.25), judgement(1.0)]
    assert float(discriminator_hinge(real, fake)) == pytest.approx((0.5 + 0.75 + 0.0 + 2.0) / 2)
    assert float(generator_hinge(fake)) == pytest.approx(-(-0.25 + 1.0) / 2)
    assert float(feature_matching(real, fake)) == pytest.approx((3 * 0.75 + 3 * 1.0) / 2)


def test_features_of_real_images_get_no_gradients():
    (logits, features), fake = judgement(0.5), [judgement(1.0)]
    wanted, found = features[0].requires_grad_(), fake[0][1][0].requires_grad_()
    feature_matching([(logits, features)], fake).backward()
    assert wanted.grad is None and found.grad is not None
