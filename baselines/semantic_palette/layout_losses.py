"""Assisted activation and the losses of layouts (Le Moing et al. 2021; WGAN-GP), unweighted."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

SOFTENING = 1e-6  # added to every mask, so that a pixel that no class claims has a distribution


def assisted_masks(
    logits: Float[Tensor, "B K H W"], palettes: Float[Tensor, "B K"]
) -> Float[Tensor, "B K H W"]:
    """m_c = p_c H W softmax over pixels(logits_c): the pixels of class c add up to its share.

    Args:
        logits: where each class would like to be.
        palettes: p, rows sum to 1.
    """
    height, width = logits.shape[2:]
    places = logits.flatten(2).softmax(2).unflatten(2, (height, width))  # (B, K, H, W)
    return places * (palettes * height * width)[:, :, None, None]


def layouts_of(masks: Float[Tensor, "B K H W"]) -> Float[Tensor, "B K H W"]:
    """Soft layouts: (m_c + 1e-6) / sum over classes, positive and summing to 1 in every pixel."""
    softened = masks + SOFTENING
    return softened / softened.sum(1, keepdim=True)


def entropy(layouts: Float[Tensor, "B K H W"]) -> Float[Tensor, ""]:
    """Mean entropy of a pixel's class in nats, 0 to log K; layouts are positive."""
    return -(layouts * layouts.log()).sum(1).mean()


def spread(masks: Float[Tensor, "B K H W"]) -> Float[Tensor, ""]:
    """Mean over pixels of (sum_c m_c - 1)^2: each pixel is claimed once.

    At 0, the soft layout has the proportions of the palette.
    """
    return (masks.sum(1) - 1.0).square().mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Float[Tensor, "B K H W"],
    fake: Float[Tensor, "B K H W"],
    epsilon: Float[Tensor, " B"],
) -> Float[Tensor, ""]:
    """Mean of (|gradient of the critic at x| - 1)^2, x = epsilon real + (1 - epsilon) fake.

    Gulrajani et al. 2017, Eq. 3, without its factor lambda.
    """
    between = fake.lerp(real, epsilon[:, None, None, None]).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    lengths = gradient.flatten(1).norm(dim=1)  # (B,)
    return (lengths - 1.0).square().mean()
