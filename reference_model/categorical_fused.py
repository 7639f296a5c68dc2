"""`categorical.sample_posterior` and `categorical.kl_posterior` without one-hot tensors.

Each posterior takes two or three values only, so both run over blocks of (b, K, h, W) numbers; the
divergence makes its gradient in the forward pass. Training and sampling use these forms; arguments
are those of `categorical`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float, Integer
from torch import Tensor
from torch.autograd.function import once_differentiable

from gcdp_bench.core.types import IGNORE_ID

CHUNK_ELEMENTS = {"cpu": 1 << 18, "cuda": 1 << 24}
"""Most elements of a temporary (b, K, h, W) tensor: the cache on a CPU, few kernels on a GPU."""

SERIES_BELOW = 0.05
"""Below this |x|, x - log(1 + x) is summed as a series, because the direct form cancels."""

SMALLEST_RATE = 1e-30
"""Stands for (1 - alpha_bar_s) / K at s = 0, where it is 0 and ratios of probabilities end."""


def sample_posterior(
    y_t: Integer[Tensor, "B H W"],
    logits_0: Float[Tensor, "B K H W"],
    alpha_t: Float[Tensor, "#B 1 1"],
    alpha_bar_s: Float[Tensor, "#B 1 1"],
    uniform: Float[Tensor, "B H W"],
) -> Integer[Tensor, "B H W"]:
    """A draw of the plug-in p(y_s | y_t), by inverse distribution function, int64.

    A class of probability 0 is never drawn.
    """
    y_s = torch.empty(y_t.shape, dtype=torch.long, device=y_t.device)  # (B, H, W)
    rates = _Rates.of(alpha_t, alpha_bar_s, logits_0.shape[1]).to(torch.float32)
    for samples, rows in _chunks(logits_0):
        local = rates.of_samples(samples)
        weights = torch.softmax(logits_0[samples, :, rows].float(), 1)  # (b, K, h, W)
        weights = weights.mul_(local.alpha_bar).add_(local.other)
        weights = _likelihood_times(weights, y_t[samples, rows].long()[:, None], local)
        cumulative = _running_sums(weights)
        total = cumulative[:, -1]  # (b, h, W)
        below_total = torch.nextafter(total, torch.zeros_like(total))
        target = torch.minimum(uniform[samples, rows] * total, below_total)
        y_s[samples, rows] = (cumulative <= target[:, None]).sum(1)
    return y_s


def kl_posterior(
    y_t: Integer[Tensor, "B H W"],
    y_0: Integer[Tensor, "B H W"],
    logits: Float[Tensor, "B K H W"],
    alpha_t: Float[Tensor, "#B 1 1"],
    alpha_bar_s: Float[Tensor, "#B 1 1"],
) -> Float[Tensor, "B H W"]:
    """KL(q(y_s | y_t, y_0) || p(y_s | y_t)) in nats, the label part of Eq. (19), plug-in form.

    At s = 0 it is -log p(y_0 | y_t), the label part of Eq. (14). Pixels where y_0 is IGNORE_ID give
    0. Differentiable (once) in `logits`, which may be half precision; the result is float32, or
    float64 for float64 logits. Every summand is non-negative and free of cancellation, so float32
    holds up near t = T, where the divergence is a billionth of its terms.
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    if not torch.is_grad_enabled():
        logits = logits.detach()
    rates = _Rates.of(alpha_t, alpha_bar_s, logits.shape[1]).to(logits.dtype)
    kl = _PosteriorKL.apply(logits, y_t, y_0, rates)
    assert isinstance(kl, Tensor)
    return kl


class _Rates(NamedTuple):
    """The numbers of a transition t -> s, each (B, 1, 1, 1)."""

    alpha: Tensor  # a label survives s -> t
    redraw: Tensor  # (1 - alpha) / K
    alpha_bar: Tensor  # a label survives 0 -> s
    other: Tensor  # (1 - alpha_bar_s) / K

    @classmethod
    def of(cls, alpha_t: Tensor, alpha_bar_s: Tensor, num_classes: int) -> _Rates:
        alpha, alpha_bar = alpha_t[:, None], alpha_bar_s[:, None]  # (B, 1, 1, 1)
        return cls(alpha, (1.0 - alpha) / num_classes, alpha_bar, (1.0 - alpha_bar) / num_classes)

    def to(self, dtype: torch.dtype) -> _Rates:
        return _Rates(*(rate.to(dtype) for rate in self))

    def of_samples(self, samples: slice) -> _Rates:
        return _Rates(*(rate if len(rate) == 1 else rate[samples] for rate in self))


def _chunks(logits: Tensor) -> Iterator[tuple[slice, slice]]:
    """Cut (B, K, H, W) into blocks of samples, or of one sample's rows, of CHUNK_ELEMENTS."""
    batch, num_classes, height, width = logits.shape
    limit = CHUNK_ELEMENTS["cpu" if logits.device.type == "cpu" else "cuda"]
    num_rows = min(height, max(1, limit // (num_classes * width)))
    num_samples = max(1, limit // (num_classes * width * num_rows)) if num_rows == height else 1
    for sample in range(0, batch, num_samples):
        for row in range(0, height, num_rows):
            yield slice(sample, sample + num_samples), slice(row, row + num_rows)


def _running_sums(weights: Tensor) -> Tensor:
    """Sums over the classes so far, in place, (B, K, H, W): whole maps are added on a CPU."""
    if weights.device.type != "cpu":
        return weights.cumsum_(1)
    for before, own in pairwise(weights.unbind(1)):
        own.add_(before)
    return weights


def _likelihood_times(weights: Tensor, at_t: Tensor, rates: _Rates) -> Tensor:
    """(B, K, H, W) times q(y_t | y_s = k): redraw everywhere, more at y_t."""
    at_y_t = weights.gather(1, at_t) * (rates.redraw + rates.alpha)  # (B, 1, H, W)
    return (weights * rates.redraw).scatter(1, at_t, at_y_t)


class _PosteriorKL(torch.autograd.Function):
    """`kl_posterior` with its gradient, which is made in the forward pass from the same terms."""

    @staticmethod
    def forward(ctx, logits: Tensor, y_t: Tensor, y_0: Tensor, rates: _Rates) -> Tensor:
        kl = logits.new_empty(y_0.shape)  # (B, H, W)
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None  # (B, K, H, W)
        for samples, rows in _chunks(logits):
            kl[samples, rows] = _kl_chunk(
                logits[samples, :, rows],
                y_t[samples, rows],
                y_0[samples, rows],
                rates.of_samples(samples),
                None if gradient is None else gradient[samples, :, rows],
            )
        ctx.save_for_backward(gradient)
        return kl

    @staticmethod
    @once_differentiable
    def backward(ctx, *grad_outputs: Tensor):
        (gradient,) = ctx.saved_tensors
        return gradient * grad_outputs[0][:, None], None, None, None


def _kl_chunk(
    logits: Tensor, y_t: Tensor, y_0: Tensor, rates: _Rates, gradient: Tensor | None
) -> Tensor:
    """KL (b, H, W) of one chunk; its gradient in the logits goes into `gradient`.

    The sum over k runs over three kinds of class: y_0, y_t, and all others alike.
    """
    alpha, redraw, alpha_bar, other = rates
    ignored = (y_0 == IGNORE_ID)[:, None]  # (b, 1, H, W)
    at_0 = y_0.long()[:, None].masked_fill(ignored, 0)  # (b, 1, H, W)
    at_t = y_t.long()[:, None]  # (b, 1, H, W)
    same = at_t == at_0

    log_p = torch.log_softmax(logits, 1)  # (b, K, H, W)
    log_p_0 = log_p.gather(1, at_0)  # (b, 1, H, W)
    p = log_p.exp_()  # (b, K, H, W)
    p_t = p.gather(1, at_t)  # (b, 1, H, W)
    excess_0 = torch.expm1(log_p_0)  # p - 1 at y_0
    excess_t = torch.where(same, excess_0, p_t)
    floor = other.clamp_min(SMALLEST_RATE)
    pixel = _Pixel(
        z_q=redraw + alpha * (alpha_bar * same + other),
        z_p=redraw + alpha * (alpha_bar * p_t + other),
        shift=alpha * excess_t,
        alpha_bar=alpha_bar,
    )  # (b, 1, H, W)

    # All classes as if they were neither y_t nor y_0, then the two that are.
    mixed = p * alpha_bar + floor  # (b, K, H, W)
    terms, gaps = pixel.terms(p, mixed.log(), redraw, floor)  # (b, K, H, W)
    mixed_t = alpha_bar * p_t + floor
    terms_t, gaps_t = pixel.terms(excess_t, mixed_t.log(), redraw + alpha, floor)  # (b, 1, H, W)
    log_mixed_0 = torch.logaddexp(alpha_bar.log() + log_p_0, other.log())
    terms_0, gaps_0 = pixel.terms(
        excess_0, log_mixed_0, redraw + alpha * same, alpha_bar + other
    )  # (b, 1, H, W)
    terms.scatter_(1, at_t, terms_t).scatter_(1, at_0, terms_0)
    kl = terms.sum(1).masked_fill_(ignored[:, 0], 0.0)  # (b, H, W)

    if gradient is not None:
        # dKL / d log(alpha_bar p_k + other) = p(y_s = k) - q(y_s = k); then log p_k, then logits.
        pull = gaps.mul_(p).mul_(alpha_bar).div_(mixed)  # (b, K, H, W)
        pull.scatter_(1, at_t, gaps_t * alpha_bar * p_t / mixed_t)
        share_0 = torch.sigmoid(alpha_bar.log() + log_p_0 - other.log())
        pull.scatter_(1, at_0, gaps_0 * share_0)
        gradient.copy_(pull.addcmul_(p, pull.sum(1, keepdim=True), value=-1.0))
        gradient.masked_fill_(ignored, 0.0)
    return kl


class _Pixel(NamedTuple):
    """Shared numbers of the terms of one pixel's divergence, each (b, 1, H, W)."""

    z_q: Tensor  # normaliser of q(y_s | y_t, y_0)
    z_p: Tensor  # and of p(y_s | y_t)
    shift: Tensor  # (z_p - z_q) / alpha_bar_s
    alpha_bar: Tensor

    def terms(
        self, excess: Tensor, log_mixed: Tensor, likelihood: Tensor, rate: Tensor
    ) -> tuple[Tensor, Tensor]:
        """q (x - log(1 + x)) and p - q, where q and p are the posteriors of a class, x = p/q - 1.

        Args:
            excess: p_0 - [k = y_0].
            log_mixed: log(alpha_bar_s p_0 + (1 - alpha_bar_s) / K).
            likelihood: q(y_t | y_s = k).
            rate: alpha_bar_s [k = y_0] + (1 - alpha_bar_s) / K.
        """
        q = likelihood * rate / self.z_q
        slope = self.alpha_bar * likelihood / self.z_p
        gap = excess * slope - slope * rate * self.shift / self.z_q
        minus_x = gap / -q
        series = minus_x * (1 / 7) + 1 / 6
        for denominator in (5, 4, 3, 2):
            series = series.mul_(minus_x).add_(1 / denominator)
        series = series.mul_(minus_x).mul_(minus_x).mul_(q)
        log_ratio = log_mixed + (self.z_q.log() - self.z_p.log() - rate.log())
        direct = log_ratio.mul_(-q).add_(gap)
        return torch.where(minus_x.abs_() < SERIES_BELOW, series, direct), gap
