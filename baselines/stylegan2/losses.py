"""Losses of StyleGAN2 (Karras et al. 2020), unweighted."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

PATH_DECAY = 0.01  # share of a new length in the running average of path lengths


def discriminator_logistic(
    real: Float[Tensor, " B"], fake: Float[Tensor, " B"]
) -> Float[Tensor, ""]:
    """Mean of -log sigma(D(real)) and -log(1 - sigma(D(fake))), added (Goodfellow et al. 2014)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_logistic(fake: Float[Tensor, " B"]) -> Float[Tensor, ""]:
    """Mean of -log sigma(D(fake)): the non-saturating form."""
    return F.softplus(-fake).mean()


def r1(real: Float[Tensor, " B"], images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, ""]:
    """Mean squared length of the gradient of D at real images (Mescheder et al. 2018).

    Its weight is gamma / 2, times the interval when it is not computed at every step.

    Args:
        real: logits of `images`.
        images: what the discriminator saw, with `requires_grad`.
    """
    (gradient,) = torch.autograd.grad(real.sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def path_lengths(
    images: Float[Tensor, "B 3 H W"], ws: Float[Tensor, "B L W"], noise: Float[Tensor, "B 3 H W"]
) -> Float[Tensor, " B"]:
    """|J_w^T y|, the root mean square over layers (Karras et al. 2020, Eq. 4).

    Args:
        images: made from `ws`.
        ws: styles, with a gradient; the text is not differentiated.
        noise: standard normal; y is noise / sqrt(H W), so that sizes are comparable.
    """
    y = noise / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * y).sum(), ws, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()


def path_penalty(
    lengths: Float[Tensor, " B"], average: Float[Tensor, ""]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Mean of (length - a)^2, and a: the running average, this batch included, a constant."""
    a = average.lerp(lengths.detach().mean(), PATH_DECAY)
    return (lengths - a).square().mean(), a
