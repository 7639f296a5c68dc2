"""Each loss against a closed form or scipy, in float64."""

import math

import numpy as np
import pytest
import torch
from scipy import special

from baselines.stylegan2 import losses
from tests.baselines.lafite.small import normal


def test_logistic_losses_are_log_probabilities():
    real, fake = 3 * normal(5), 3 * normal(5, seed=1)
    expected = -special.log_expit(real.numpy()).mean()
    expected -= np.log1p(-special.expit(fake.numpy())).mean()
    assert float(losses.discriminator_logistic(real, fake)) == pytest.approx(expected)
    generator = -special.log_expit(fake.numpy()).mean()
    assert float(losses.generator_logistic(fake)) == pytest.approx(generator)


def test_r1_of_a_quadratic():
    """D(x) = sum a x^2: the gradient is 2 a x, and that of the penalty in a is known too."""
    images = normal(3, 3, 2, 4).requires_grad_()
    a = normal(3, 2, 4, seed=1).requires_grad_()
    penalty = losses.r1((a * images.square()).sum((1, 2, 3)), images)
    expected = (2 * a * images).square().sum() / 3
    torch.testing.assert_close(penalty, expected)
    penalty.backward()
    torch.testing.assert_close(a.grad, (8 * a * images.square()).sum(0).detach() / 3)


def test_path_length_of_a_linear_generator():
    """image = M_l w_l summed over layers: J_l^T y = M_l^T y."""
    ws = normal(4, 2, 5).requires_grad_()
    maps = normal(2, 3 * 2 * 6, 5, seed=1)
    noise = normal(4, 3, 2, 6, seed=2)
    images = torch.einsum("lpw,blw->bp", maps, ws).unflatten(1, (3, 2, 6))
    came = losses.path_lengths(images, ws, noise)
    for sample in range(4):
        y = noise[sample].flatten().numpy() / math.sqrt(12)
        squares = [np.square(maps[layer].numpy().T @ y).sum() for layer in range(2)]
        assert float(came[sample]) == pytest.approx(math.sqrt(np.mean(squares)))


def test_path_lengths_reach_the_generator():
    ws = normal(2, 1, 3).requires_grad_()
    gain = torch.ones(3, dtype=torch.float64, requires_grad=True)
    images = (gain * ws[:, 0])[:, :, None, None].expand(-1, -1, 2, 2)
    lengths = losses.path_lengths(images, ws, torch.ones(2, 3, 2, 2, dtype=torch.float64))
    lengths.sum().backward()
    # y = 1 / 2 at 4 pixels: J^T y = 2 gain, |.| = 2 |gain|, and its gradient 2 gain / |gain|.
    torch.testing.assert_close(gain.grad, torch.full((3,), 2 * 2 / 3**0.5, dtype=torch.float64))


def test_path_penalty_is_the_spread_around_the_running_average():
    average = torch.tensor(2.0, dtype=torch.float64)
    lengths = torch.tensor([1.0, 5.0], dtype=torch.float64, requires_grad=True)
    penalty, new = losses.path_penalty(lengths, average)
    assert float(new) == pytest.approx(0.99 * 2 + 0.01 * 3)
    assert not new.requires_grad
    assert float(penalty.detach()) == pytest.approx(((1 - 2.01) ** 2 + (5 - 2.01) ** 2) / 2)
    penalty.backward()
    torch.testing.assert_close(
        lengths.grad, torch.tensor([1 - 2.01, 5 - 2.01], dtype=torch.float64)
    )
