"""The contrastive loss against a loop, in float64."""

import math

import numpy as np
import pytest
import torch

from baselines.lafite import losses
from tests.baselines.lafite.small import normal


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
    swapped = [
        float(losses.contrastive(images, images.roll(1, 0), sharpened=s)) for s in (False, True)
    ]
    assert matched[0] < swapped[0] and matched[1] < swapped[1]
