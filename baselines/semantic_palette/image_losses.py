"""Losses of images (Park et al. 2019), unweighted; those of several scales are averaged.

The authors' perceptual term is absent: it needs the weights of a VGG, which nobody can ship here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from baselines.semantic_palette.image_discriminator import PatchScores


def discriminator_hinge(real: Sequence[PatchScores], fake: Sequence[PatchScores]) -> Tensor:
    """E[max(0, 1 - D(real))] + E[max(0, 1 + D(fake))] over patches and batch (Lim and Ye 2017)."""
    terms = [
        F.relu(1.0 - wanted).mean() + F.relu(1.0 + found).mean()
        for (wanted, _), (found, _) in zip(real, fake, strict=True)
    ]
    return torch.stack(terms).mean()


def generator_hinge(fake: Sequence[PatchScores]) -> Tensor:
    """-E[D(fake)] over patches and batch."""
    return -torch.stack([logits.mean() for logits, _ in fake]).mean()


def feature_matching(real: Sequence[PatchScores], fake: Sequence[PatchScores]) -> Tensor:
    """Mean absolute difference of the features of a layer, added over layers (Wang et al. 2018).

    Features of real images get no gradients.
    """
    scales = []
    for (_, wanted), (_, found) in zip(real, fake, strict=True):
        pairs = zip(wanted, found, strict=True)
        scales.append(torch.stack([F.l1_loss(f, w.detach()) for w, f in pairs]).sum())
    return torch.stack(scales).mean()
