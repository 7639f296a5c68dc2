"""The discriminator: its size, what the text adds to a logit, and who sees whom in a batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.lafite.config import paper_config
from baselines.lafite.discriminator import LafiteDiscriminator
from tests.baselines.lafite.small import CONFIG, build, normal


def inputs(num=4):
    text = torch.nn.functional.normalize(normal(num, 6, seed=1), dim=1)
    return normal(num, 3, 16, 32), text


def test_paper_network_has_the_authors_number_of_parameters():
    with torch.device("meta"):
        network = LafiteDiscriminator(paper_config((256, 256)))
    assert sum(parameter.numel() for parameter in network.parameters()) == 29_126_785


@torch.no_grad()
def test_text_adds_its_product_with_the_feature_of_the_same_image():
    network = build(LafiteDiscriminator)
    images, text = inputs()
    without, feature = network(images, 0 * text)
    logits, again = network(images, text)
    assert logits.shape == (4,) and feature.shape == (4, 6)
    assert torch.equal(feature, again)
    expected = [float(without[i]) + float(feature[i] @ text[i]) for i in range(4)]
    np.testing.assert_allclose(logits, expected, rtol=1e-12)


@torch.no_grad()
def test_the_authors_sum_the_product_over_the_batch():
    images, text = inputs()
    network = build(LafiteDiscriminator, replace(CONFIG, official_batch_sum=True))
    without, feature = network(images, 0 * text)
    total = sum(float(feature[i] @ text[i]) for i in range(4))
    np.testing.assert_allclose(network(images, text)[0], without + total, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"minibatch_std_group": 1}, [False, True, False, False]),
        ({"minibatch_std_group": 2}, [True, True, False, False]),
        ({"minibatch_std_group": 4}, [True] * 4),
        ({"minibatch_std_group": 1, "official_batch_sum": True}, [True] * 4),
    ],
)
def test_which_images_a_logit_depends_on(change, seen):
    network = build(LafiteDiscriminator, replace(CONFIG, **change))
    images, text = inputs()
    images.requires_grad_()
    (gradient,) = torch.autograd.grad(network(images, text)[0][1], images)
    assert gradient.flatten(1).any(1).tolist() == seen


@torch.no_grad()
def test_two_batches_rated_as_one():
    network = build(LafiteDiscriminator)
    images, text = inputs(8)
    whole = network(images, text)[0]
    parts = [network(images[part], text[part])[0] for part in (slice(4), slice(4, 8))]
    torch.testing.assert_close(whole, torch.cat(parts))
    assert not torch.allclose(network(images[2:6], text[2:6])[0][:2], whole[2:4])


def test_every_parameter_learns_and_the_penalty_of_the_gradient_too():
    network = build(LafiteDiscriminator)
    images, text = inputs()
    images.requires_grad_()
    logits, feature = network(images, text)
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    gradient.square().sum().backward(retain_graph=True)
    assert network.from_rgb.weight.grad.any() and network.blocks[0].down.weight.grad.any()
    (logits.sum() + feature.sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
