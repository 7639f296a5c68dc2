"""Text features that condition the generator in training: perturbed CLIP features."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

LANGUAGE_FREE_XI = 3.0
"""Weight of image features that replace text: normalise(0.25 f + 0.75 e)."""

GROUND_TRUTH_XI = 1.0 / 9.0
"""Weight of the caption's own features: normalise(0.9 t + 0.1 e)."""


def pseudo_text(
    features: Float[Tensor, "B E"], noise: Float[Tensor, "B E"], xi: float
) -> Float[Tensor, "B E"]:
    """Fixed perturbation of Zhou et al. 2022, Section 3.1: h = normalise(f + xi |f| e).

    e = noise / |noise| is a random direction. In many dimensions it is nearly orthogonal to f, so
    cos(h, f) is about 1 / sqrt(1 + xi^2): 0.316 at xi = 3.

    Args:
        features: CLIP features f of any length, of images or captions.
        noise: standard normal.
        xi: length of the perturbation relative to f.
    """
    lengths = features.norm(dim=1, keepdim=True)  # (B, 1)
    return F.normalize(features + xi * lengths * F.normalize(noise, dim=1), dim=1)
