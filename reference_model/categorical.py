"""Layout part of the process on integer labels (Eq. 10-12, 19, corrected).

A layout is y (B, H, W) of class ids 0..K-1. With alpha = alpha_bar_t / alpha_bar_s and s < t,

    q(y_t = k | y_0)      = alpha_bar_t [k = y_0] + (1 - alpha_bar_t) / K
    q(y_s = k | y_t, y_0) ~ (alpha [k = y_t] + (1 - alpha) / K)
                            (alpha_bar_s [k = y_0] + (1 - alpha_bar_s) / K).

Both are corrected: the print of Eq. (11) swaps alpha_bar_t and 1 - alpha_bar_t, and that of
Eq. (12) has alpha_bar_t in place of alpha_bar_{t-1} before y_0. Brute-force Bayes in the tests is
the authority. Here the equations stand as one reads them; `categorical_fused` has the forms that
training and sampling use.

Arguments `alpha*` are (B, 1, 1), best in float64. Pixels of y_0 that are IGNORE_ID carry no
information: at every t they are drawn uniformly, and their loss is 0.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Integer
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.types import IGNORE_ID


def q_sample(
    y_0: Integer[Tensor, "B H W"],
    alpha_bar_t: Float[Tensor, "*_"],
    num_classes: int,
    uniform: Float[Tensor, "B H W"],
) -> Integer[Tensor, "B H W"]:
    """A draw of q(y_t | y_0), Eq. (11) corrected: keep with probability alpha_bar_t, else redraw.

    One uniform number in [0, 1) does both: below alpha_bar_t the label stays; the remainder,
    stretched to [0, 1), picks the class, its own included. IGNORE_ID is always redrawn.
    """
    keep = torch.where(y_0 == IGNORE_ID, 0.0, alpha_bar_t.to(uniform.dtype))  # (B, H, W)
    remainder = (uniform - keep) / (1.0 - keep).clamp_min(torch.finfo(keep.dtype).tiny)
    redrawn = (remainder * num_classes).clamp(0, num_classes - 1).to(y_0.dtype)
    return torch.where(uniform < keep, y_0, redrawn)


def renoise(
    y_s: Integer[Tensor, "B H W"],
    alpha_bar_s: Float[Tensor, "*_"],
    alpha_bar_t: Float[Tensor, "*_"],
    num_classes: int,
    uniform: Float[Tensor, "B H W"],
) -> Integer[Tensor, "B H W"]:
    """A draw of q(y_t | y_s), Eq. (10), for any s < t."""
    return q_sample(y_s, alpha_bar_t / alpha_bar_s, num_classes, uniform)


def posterior_true(
    y_t: Integer[Tensor, "B H W"],
    y_0: Integer[Tensor, "B H W"],
    alpha_t: Float[Tensor, "#B 1 1"],
    alpha_bar_s: Float[Tensor, "#B 1 1"],
    num_classes: int,
) -> Float[Tensor, "B K H W"]:
    """Probabilities q(y_s | y_t, y_0), Eq. (12) corrected, float64, no pixel ignored."""
    likelihood = _mixed(_one_hot(y_t, num_classes), alpha_t)  # (B, K, H, W), q(y_t | y_s = k)
    weights = likelihood * _mixed(_one_hot(y_0, num_classes), alpha_bar_s)  # and q(y_s = k | y_0)
    return weights / weights.sum(1, keepdim=True)


def posterior_log_probs(
    y_t: Integer[Tensor, "B H W"],
    p_0: Float[Tensor, "B K H W"],
    alpha_t: Float[Tensor, "#B 1 1"],
    alpha_bar_s: Float[Tensor, "#B 1 1"],
    *,
    form: Literal["plug_in", "mixture"] = "plug_in",
) -> Float[Tensor, "B K H W"]:
    """log p(y_s | y_t) of the reverse process, given the predicted p_0 = p(y_0 | z_t).

    `plug_in` puts p_0 in the place of y_0 in Eq. (12) (Hoogeboom et al. 2021, and the paper);
    `mixture` is the sum over k of p_0[k] q(y_s | y_t, y_0 = k) (D3PM, Austin et al. 2021).
    """
    at_t = _one_hot(y_t, p_0.shape[1]).to(p_0.dtype)  # (B, K, H, W)
    if form == "mixture":
        p_0 = p_0 / _mixed(at_t, alpha_t * alpha_bar_s)  # over q(y_t | y_0 = k)
    elif form != "plug_in":
        raise ValueError(f"form: expected 'plug_in' or 'mixture', got {form!r}")
    weights = _mixed(at_t, alpha_t) * _mixed(p_0, alpha_bar_s)  # (B, K, H, W)
    return weights.log() - weights.sum(1, keepdim=True).log()


def sample_posterior(
    y_t: Integer[Tensor, "B H W"],
    logits_0: Float[Tensor, "B K H W"],
    alpha_t: Float[Tensor, "#B 1 1"],
    alpha_bar_s: Float[Tensor, "#B 1 1"],
    uniform: Float[Tensor, "B H W"],
) -> Integer[Tensor, "B H W"]:
    """A draw of the plug-in p(y_s | y_t), by inverse distribution function."""
    p_s = posterior_log_probs(y_t, logits_0.softmax(1), alpha_t, alpha_bar_s).exp()
    return (p_s.cumsum(1)[:, :-1] <= uniform[:, None]).sum(1)  # (B, H, W)


def kl_posterior(
    y_t: Integer[Tensor, "B H W"],
    y_0: Integer[Tensor, "B H W"],
    logits: Float[Tensor, "B K H W"],
    alpha_t: Float[Tensor, "#B 1 1"],
    alpha_bar_s: Float[Tensor, "#B 1 1"],
) -> Float[Tensor, "B H W"]:
    """KL(q(y_s | y_t, y_0) || p(y_s | y_t)) in nats, the label part of Eq. (19), plug-in form."""
    ignored = y_0 == IGNORE_ID
    y_0 = y_0.masked_fill(ignored, 0)
    q = posterior_true(y_t, y_0, alpha_t, alpha_bar_s, logits.shape[1])  # (B, K, H, W)
    log_p = posterior_log_probs(y_t, logits.double().softmax(1), alpha_t, alpha_bar_s)
    terms = torch.where(q > 0.0, q * (q.log() - log_p), 0.0)
    return terms.sum(1).masked_fill(ignored, 0.0)  # (B, H, W)


def kl_prior(alpha_bar_T: Float[Tensor, "*_"], num_classes: int) -> Float[Tensor, "*_"]:
    """KL(q(y_T | y_0) || uniform) in nats per pixel, the label part of L_T, Eq. (16)."""
    a = alpha_bar_T.double()
    kept = (1.0 + (num_classes - 1) * a) / num_classes  # probability of y_0
    others = (num_classes - 1) * (1.0 - a) / num_classes  # of all other classes
    return kept * torch.log1p((num_classes - 1) * a) + torch.special.xlog1py(others, -a)


def _one_hot(y: Integer[Tensor, "B H W"], num_classes: int) -> Float[Tensor, "B K H W"]:
    return F.one_hot(y.long(), num_classes).movedim(-1, 1).double()


def _mixed(p: Float[Tensor, "B K H W"], alpha: Float[Tensor, "#B 1 1"]) -> Tensor:
    """p Q of Eq. (10), p of any sum: keep the label with probability alpha, else draw uniformly."""
    alpha = alpha[:, None]  # (B, 1, 1, 1)
    uniform = ((1.0 - alpha) / p.shape[1]).to(p.dtype) * p.sum(1, keepdim=True)
    return alpha.to(p.dtype) * p + uniform  # (B, K, H, W)
