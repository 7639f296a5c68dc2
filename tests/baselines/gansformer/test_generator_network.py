"""GANformer's networks: shapes, truncation, mixing, independence, gradients everywhere."""

from dataclasses import replace

import pytest
import torch

from baselines.gansformer.discriminator import Discriminator
from baselines.gansformer.generator_network import GansformerGenerator, Mapping
from tests.baselines.gansformer.small import NETWORK, build, normal

LATENTS = (NETWORK.num_latents + 1, NETWORK.latent_dim)


def noise(num):
    return [normal(num, 1, *size, seed=9) for size in NETWORK.noise_sizes]


@pytest.mark.parametrize("kind", ["duplex", "simplex"])
def test_an_image_depends_on_its_own_draws_alone(kind):
    network = build(GansformerGenerator, replace(NETWORK, attention=kind))
    z = normal(3, *LATENTS)
    images = network(z, noise(3))
    assert images.shape == (3, 3, 16, 32)
    alone = network(z[1:2], [part[1:2] for part in noise(3)])
    torch.testing.assert_close(alone, images[1:2])


def test_every_parameter_learns():
    network = build(GansformerGenerator).train()
    network.ws(normal(2, *LATENTS))
    network(normal(2, *LATENTS), noise(2)).square().mean().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def test_levels_above_the_limit_do_not_attend():
    network = build(GansformerGenerator)
    counts = [len(level.attentions) for level in network.synthesis.levels]
    assert counts == [1, 2, 0]


def test_each_latent_changes_the_image():
    network = build(GansformerGenerator)
    z = normal(1, *LATENTS)
    before = network(z, noise(1))
    for index in range(LATENTS[0]):
        changed = z.clone()
        changed[0, index] = normal(LATENTS[1], seed=5)
        assert (network(changed, noise(1)) - before).abs().max() > 1e-4


def test_truncation_moves_w_towards_its_average():
    network = build(GansformerGenerator)
    network.mapping.w_average.copy_(normal(*LATENTS, seed=3))
    z = normal(2, *LATENTS)
    full, half, none = (network.ws(z, psi=psi) for psi in (1.0, 0.5, 0.0))
    average = network.mapping.w_average.expand_as(none)
    torch.testing.assert_close(none, average)
    torch.testing.assert_close(half, (full + average) / 2)


def test_mixing_takes_the_rest_from_the_other():
    network = build(GansformerGenerator)
    z, other = normal(2, *LATENTS), normal(2, *LATENTS, seed=1)
    mixed = network.ws(z, mix=(other, torch.tensor([2, NETWORK.num_ws])))
    own, foreign = network.ws(z), network.ws(other)
    assert mixed.shape == (2, NETWORK.num_ws, *LATENTS)
    torch.testing.assert_close(mixed[0, :2], own[0, :2])
    torch.testing.assert_close(mixed[0, 2:], foreign[0, 2:])
    torch.testing.assert_close(mixed[1], own[1])


def test_latents_read_each_other_and_the_global_one_stands_alone():
    mapping = build(Mapping)
    z = normal(1, *LATENTS)
    changed = z.clone()
    changed[0, 0] += 1
    before, after = mapping(z), mapping(changed)
    moved = (before - after).abs().amax(2)[0] > 1e-9
    assert moved.tolist() == [True] * NETWORK.num_latents + [False]


def test_the_average_follows_in_training_only():
    mapping = build(Mapping)
    z = normal(4, *LATENTS)
    mapping(z)
    assert not mapping.w_average.any()
    w = mapping.train()(z)
    torch.testing.assert_close(mapping.w_average, 0.005 * w.detach().mean(0))


def test_noise_of_another_size_is_refused():
    with pytest.raises(ValueError, match="noise: expected tensors of"):
        build(GansformerGenerator)(normal(1, *LATENTS), noise(2))


def test_the_discriminator_rates_images_in_groups():
    network = build(Discriminator, replace(NETWORK, minibatch_std_group=2))
    images = normal(4, 3, 16, 32)
    logits = network(images)
    assert logits.shape == (4,)
    torch.testing.assert_close(network(images[:2]), logits[:2])
    with pytest.raises(ValueError, match="minibatch_std_group=2"):
        network(images[:3])
