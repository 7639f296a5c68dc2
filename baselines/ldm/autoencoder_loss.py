"""Loss terms of the autoencoder and of its discriminator, unweighted (Rombach et al. 2022, G)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class AutoencoderLossConfig:
    """Weights of the autoencoder's terms. The discriminator has one term of weight 1."""

    l1_weight: float = 1.0
    kl_weight: float
    features_weight: float
    adversarial_weight: float
    adversarial_from: int  # step at which the discriminator, and the two terms it gives, set in


def kl_per_value(mean: Tensor, log_variance: Tensor, num_values: int) -> Tensor:
    """KL(N(mean, variance) || N(0, I)) in nats: summed over the latents of an image, divided by
    `num_values`, averaged over the batch.

    CompVis/latent-diffusion adds up both the reconstruction error and the KL over an image. With
    both divided by the number of the image's values, 3 H W, the weight 1e-6 means the same.

    Args:
        mean: (B, Z, h, w).
        log_variance: the same shape.
        num_values: of an image.
    """
    kl = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)  # (B, Z, h, w)
    return kl.sum((1, 2, 3)).mean() / num_values


def discriminator_hinge(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Half the sum of E[max(0, 1 - D(real))] and E[max(0, 1 + D(fake))] over patches and batch.

    Lim and Ye 2017; halved as in CompVis/latent-diffusion.
    """
    return 0.5 * (F.relu(1.0 - real_logits).mean() + F.relu(1.0 + fake_logits).mean())


def generator_hinge(fake_logits: Tensor) -> Tensor:
    """-E[D(fake)] over patches and batch."""
    return -fake_logits.mean()


def feature_matching(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of the discriminator's features, averaged over its layers.

    It stands where CompVis/latent-diffusion has LPIPS, whose network nobody can ship here: images
    that look alike have like features in a network that learned to look at images (Larsen et al.
    2016, in one layer; Wang et al. 2018, L1 in every layer).

    Args:
        real: features (B, C_l, h_l, w_l) of each layer l for the originals; get no gradients.
        fake: the same for the reconstructions.
    """
    layers = zip(real, fake, strict=True)
    return torch.stack([F.l1_loss(f, r.detach()) for r, f in layers]).mean()
