"""Each loss against a loop, a closed form or scipy, in float64."""

import math

import numpy as np
import pytest
import torch
from scipy import special

from baselines.lafite import losses
from tests.baselines.lafite.small import normal


def test_logistic_losses_are_log_probabilities():
    real, fake = 3 * normal(5), 3 * normal(5, seed=1)
    expected = -special.log_expit(real.numpy()).mean()
    expected -= np.log1p(-special.expit(fake.numpy())).mean()
    assert float(losses.discriminator_logistic(real, fake)) == pytest.approx(expected)
    generator = -special.log_expit(fake.numpy()).mean()
    assert float(losses.generator_logistic(fake)) == pytest.approx(generator)


def by_loop(images, texts, tau, sharpened):
    total = 0.0
    for j in range(len(texts)):
        scores = []
        for i in range(len(images)):
            cosine = images[i] @ texts[j] / np.linalg.norm(images[i]) / np.linalg.norm(texts[j])
            scores.append(np.exp(cosine / tau) if sharpened else cosine / tau)
        probability = np.exp(scores[j]) / np.sum(np.exp(scores))
        total -= math.log(tau * probability if sharpened else probability)
    return total / len(texts)


@pytest.mark.parametrize("tau", [0.5, 0.1])
@pytest.mark.parametrize("sharpened", [False, True])
def test_contrastive_equals_the_loop(tau, sharpened):
    images, texts = 2 * normal(5, 8), 3 * normal(5, 8, seed=1)
    if sharpened:
        tau = 0.5 + tau  # exp(exp(10)) is out of the loop's range
    came = losses.contrastive(images, texts, tau=tau, sharpened=sharpened)
    expected = by_loop(images.numpy(), texts.numpy(), tau, sharpened)
    assert float(came) == pytest.approx(expected, rel=1e-10)


def test_contrastive_compares_images_for_a_text():
    """One image like both texts: each text cannot tell which; the texts of an image could be."""
    images = torch.eye(2, dtype=torch.float64)
    texts = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    first = math.log(1 + math.exp(-2))  # text 0 finds image 0: cosines 1 and 0
    second = math.log(1 + math.exp(2))  # text 1 prefers image 0 too
    expected = (first + second) / 2
    assert float(losses.contrastive(images, texts)) == pytest.approx(expected)
    chance = losses.contrastive(texts, images)  # equal images: chance for every text
    assert float(chance) == pytest.approx(math.log(2))


def test_sharpened_has_the_same_optimum():
    """Its constant has no gradient; a better match is still better."""
    images = normal(6, 8)
    matched = [float(losses.contrastive(images, images, sharpened=s)) for s in (False, True)]
    swapped = [float(losses.contrastive(images, images.roll(1, 0), sharpened=s))
               for s in (False, True)]  # fmt: skip
    assert matched[0] < swapped[0] and matched[1] < swapped[1]


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
