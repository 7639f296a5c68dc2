"""Image part of the process: q(x_t | x_0), its posterior and its losses (Eq. 10-12, 19).

Noise is an argument everywhere. `alpha_bar_*` are tensors that broadcast to the image, such as
(B, 1, 1, 1), best in float64: the coefficients are computed in their precision and then cast.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

GREY_LEVEL = 1.0 / 127.5
"""Distance of two neighbouring uint8 values in the model's range [-1, 1]."""


def q_sample(
    x_0: Float[Tensor, "*shape"], alpha_bar_t: Float[Tensor, "*_"], noise: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise: a draw of Eq. (11)."""
    signal, sigma = alpha_bar_t.sqrt(), (1.0 - alpha_bar_t).sqrt()
    return signal.to(x_0.dtype) * x_0 + sigma.to(x_0.dtype) * noise


def predict_x_0(
    x_t: Float[Tensor, "*shape"],
    noise_hat: Float[Tensor, "*shape"],
    alpha_bar_t: Float[Tensor, "*_"],
) -> Float[Tensor, "*shape"]:
    """The x_0 that `q_sample` would have taken to x_t with `noise_hat`."""
    signal, sigma = alpha_bar_t.sqrt(), (1.0 - alpha_bar_t).sqrt()
    return (x_t - sigma.to(x_t.dtype) * noise_hat) / signal.to(x_t.dtype)


def posterior(
    x_0: Float[Tensor, "*shape"],
    x_t: Float[Tensor, "*shape"],
    alpha_bar_t: Float[Tensor, "*_"],
    alpha_bar_s: Float[Tensor, "*_"],
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*_"]]:
    """Mean and variance of q(x_s | x_t, x_0), Eq. (12), for any s < t (s = t - 1 in the paper).

    The variance has the shape of `alpha_bar_t`; at s = 0 it is 0 and the mean is x_0.
    """
    alpha = alpha_bar_t / alpha_bar_s
    weight_0 = alpha_bar_s.sqrt() * (1.0 - alpha) / (1.0 - alpha_bar_t)
    weight_t = alpha.sqrt() * (1.0 - alpha_bar_s) / (1.0 - alpha_bar_t)
    variance = (1.0 - alpha_bar_s) * (1.0 - alpha) / (1.0 - alpha_bar_t)
    mean = weight_0.to(x_0.dtype) * x_0 + weight_t.to(x_0.dtype) * x_t
    return mean, variance.to(x_0.dtype)


def ddim(
    x_0: Float[Tensor, "*shape"],
    x_t: Float[Tensor, "*shape"],
    alpha_bar_t: Float[Tensor, "*_"],
    alpha_bar_s: Float[Tensor, "*_"],
) -> Float[Tensor, "*shape"]:
    """x_s of Eq. (12) of Song et al. 2021 with eta = 0, for any s < t; at s = 0 it is x_0.

        x_s = sqrt(alpha_bar_s) x_0 + sqrt(1 - alpha_bar_s) noise,

    noise being what leads from x_0 to x_t. Deviation: where x_0 was thresholded, this is not the
    noise that the network predicted; the posterior of Eq. (12) reads x_0 in the same way.
    """
    weight_t = ((1.0 - alpha_bar_s) / (1.0 - alpha_bar_t)).sqrt()
    weight_0 = alpha_bar_s.sqrt() - alpha_bar_t.sqrt() * weight_t
    return weight_0.to(x_0.dtype) * x_0 + weight_t.to(x_0.dtype) * x_t


def extrapolate_x_0(
    x_0: Float[Tensor, "*shape"],
    x_0_before: Float[Tensor, "*shape"],
    alpha_bar_before: Float[Tensor, "*_"],
    alpha_bar_t: Float[Tensor, "*_"],
    alpha_bar_s: Float[Tensor, "*_"],
) -> Float[Tensor, "*shape"]:
    """D_i of DPM-Solver++(2M) (Lu et al. 2022, Algorithm 2): x_0 in the middle of the step t to s.

        D = x_0 + (x_0 - x_0_before) / (2 r),    r = (l_t - l_before) / (l_s - l_t),

    l the log SNR, x_0 predicted at t and x_0_before at the step visited before. Where l_s is
    infinite, at s = 0, it is x_0.
    """
    log_snr_before, log_snr_t, log_snr_s = map(
        torch.logit, (alpha_bar_before, alpha_bar_t, alpha_bar_s)
    )
    weight = (log_snr_s - log_snr_t) / (log_snr_t - log_snr_before) / 2.0
    weight = weight.nan_to_num(posinf=0.0).to(x_0.dtype)
    return x_0 + weight * (x_0 - x_0_before)


def renoise(
    x_s: Float[Tensor, "*shape"],
    alpha_bar_s: Float[Tensor, "*_"],
    alpha_bar_t: Float[Tensor, "*_"],
    noise: Float[Tensor, "*shape"],
) -> Float[Tensor, "*shape"]:
    """A draw of q(x_t | x_s), Eq. (10), for any s < t: the forward step that RePaint goes back by.

    Its variance is 1 - alpha_bar_t / alpha_bar_s = sigma_t^2 - alpha_t/s sigma_s^2 (corrected: the
    authors' program uses the difference of the standard deviations instead).
    """
    return q_sample(x_s, alpha_bar_t / alpha_bar_s, noise)


def dynamic_threshold(
    x_0: Float[Tensor, "B C H W"], percentile: float = 0.95
) -> Float[Tensor, "B C H W"]:
    """Clip to [-s, s] and divide by s, s = max(1, percentile of |x_0|), for each sample.

    Imagen's dynamic thresholding (Saharia et al. 2022); the authors keep it on in both stages.
    """
    magnitudes = x_0.abs().flatten(1)  # (B, C*H*W)
    limits = [torch.quantile(sample, percentile) for sample in magnitudes]
    limit = torch.stack(limits).clamp_min(1.0).reshape(-1, 1, 1, 1)  # (B, 1, 1, 1)
    return x_0.clamp(-limit, limit) / limit


def kl(
    mean_1: Float[Tensor, "*_"],
    variance_1: Float[Tensor, "*_"],
    mean_2: Float[Tensor, "*_"],
    variance_2: Float[Tensor, "*_"],
) -> Float[Tensor, "*_"]:
    """KL(N(mean_1, variance_1) || N(mean_2, variance_2)) in nats, element by element."""
    ratio = variance_1 / variance_2
    return 0.5 * (ratio - 1.0 - ratio.log() + (mean_1 - mean_2) ** 2 / variance_2)


def discretized_nll(
    x_0: Float[Tensor, "*shape"], mean: Float[Tensor, "*shape"], variance: Float[Tensor, "*_"]
) -> Float[Tensor, "*shape"]:
    """-log p(x_0) in nats of the 256 grey levels of [-1, 1] under N(mean, variance), elementwise.

    The image part of L_0, Eq. (14), with the decoder of Ho et al. 2020: a level's probability is
    the Gaussian's mass in its bin; the outermost bins reach to infinity. Never above 690 nats.
    """
    x, centre = x_0.double(), mean.double()
    scale = variance.double().sqrt()
    upper = torch.where(x > 1.0 - GREY_LEVEL / 2, math.inf, x + GREY_LEVEL / 2)
    lower = torch.where(x < -1.0 + GREY_LEVEL / 2, -math.inf, x - GREY_LEVEL / 2)
    # Both ends on the left of the mean, where the distribution function keeps its precision.
    flip = x > centre
    left = torch.where(flip, centre - upper, lower - centre) / scale
    right = torch.where(flip, centre - lower, upper - centre) / scale
    mass = 0.5 * (torch.erfc(-right / math.sqrt(2.0)) - torch.erfc(-left / math.sqrt(2.0)))
    return -mass.clamp_min(1e-300).log().to(x_0.dtype)
