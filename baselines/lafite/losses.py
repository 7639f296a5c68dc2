"""The contrastive loss of Lafite (Zhou et al. 2022), unweighted."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def contrastive(
    images: Float[Tensor, "B E"],
    texts: Float[Tensor, "B E"],
    *,
    tau: float = 0.5,
    sharpened: bool = False,
) -> Float[Tensor, ""]:
    """Does each text find its own image among those of the batch (Zhou et al. 2022, Eq. 7-8)?

    S_ij = cos(image_i, text_j), and the softmax runs over images i, for each text j:

        plain:      mean_j -log softmax_i(S_ij / tau)[j]
        sharpened:  mean_j -log(tau softmax_i(exp(S_ij / tau))[j])

    The authors' program takes the exponential before the softmax takes its own; the plain form
    is the published one. The constant -log tau is theirs and has no gradient.

    Args:
        images: features of images, of any length.
        texts: features of the captions of each.
        tau: temperature.
        sharpened: the form of the authors' program.
    """
    cosines = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T  # (B, B)
    logits = cosines / tau
    own = torch.arange(len(images), device=images.device)  # (B,)
    if sharpened:
        return F.cross_entropy(logits.exp().T, own) - math.log(tau)
    return F.cross_entropy(logits.T, own)
