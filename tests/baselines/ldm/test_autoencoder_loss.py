"""Terms of the autoencoder's loss against torch.distributions and numbers worked by hand."""

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from baselines.ldm.autoencoder_loss import (
    discriminator_hinge,
    feature_matching,
    generator_hinge,
    kl_per_value,
)
from gcdp_bench.core.rng import generator


def test_kl_is_that_of_the_distributions():
    source = generator("kl")
    mean, log_variance = (torch.randn(3, 4, 2, 5, generator=source).double() for _ in range(2))
    posterior = Independent(Normal(mean, (0.5 * log_variance).exp()), 3)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 3)
    per_image = kl_divergence(posterior, prior)  # (B,), nats
    torch.testing.assert_close(kl_per_value(mean, log_variance, 3 * 8 * 20), per_image.mean() / 480)


def test_kl_of_the_prior_is_zero():
    assert float(kl_per_value(torch.zeros(2, 4, 3, 3), torch.zeros(2, 4, 3, 3), 1)) == 0.0


@pytest.mark.parametrize(
    ("real", "fake", "loss"),
    [
        ([2.0, 1.0], [-1.0, -3.0], 0.0),  # beyond the margin on both sides
        ([0.0, 0.0], [0.0, 0.0], 1.0),
        ([0.5, 3.0], [-0.5, 2.0], 0.5 * (0.25 + 1.75)),
    ],
)
def test_hinge_of_the_discriminator(real, fake, loss):
    real, fake = (torch.tensor(x).reshape(2, 1, 1, 1) for x in (real, fake))
    assert float(discriminator_hinge(real, fake)) == pytest.approx(loss)


def test_hinge_of_the_generator_has_no_margin():
    assert float(generator_hinge(torch.tensor([[3.0, -1.0], [2.0, 0.0]]))) == -1.0


def test_feature_matching_weighs_layers_alike():
    """A layer of one value off by 3 and a layer of four values off by 1: (3 + 1) / 2."""
    real = [torch.zeros(1, 1, 1, 1, requires_grad=True), torch.zeros(1, 1, 2, 2)]
    fake = [torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 2, 2), -1.0, requires_grad=True)]
    loss = feature_matching(real, fake)
    assert float(loss.detach()) == 2.0
    loss.backward()
    assert real[0].grad is None
    assert fake[1].grad is not None and bool((fake[1].grad == -0.125).all())


def test_feature_matching_wants_the_same_layers():
    with pytest.raises(ValueError, match="zip"):
        feature_matching([torch.zeros(1)], [torch.zeros(1), torch.zeros(1)])
