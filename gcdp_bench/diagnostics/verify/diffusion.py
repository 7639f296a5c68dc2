"""Golden numbers of the Gaussian-categorical process: Bayes' rule by brute force."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from gcdp_bench.diagnostics.verify.check import Check
from reference_model import categorical, gaussian

NUM_CLASSES = 3
ALPHA_BAR_S, ALPHA_BAR_T = 0.55, 0.2

BAYES = "Bayes' rule, Eq. (10) to (12) of Park et al. 2023, corrected"


def diffusion_checks() -> list[Check]:
    """Posteriors, divergences and the decoder of both chains."""
    return [
        Check(
            name="label posterior - Bayes over K = 3, largest",
            source=BAYES,
            expected=0.0,
            tolerance=1e-12,
            compute=label_posterior_gap,
        ),
        Check(
            name="label marginal after 20 steps - product of transitions",
            source="Eq. (10) and (11) of Park et al. 2023, corrected",
            expected=0.0,
            tolerance=1e-12,
            compute=label_marginal_gap,
        ),
        Check(
            name="label prior KL at alpha_bar 0.2 - sum of p log p/q",
            source="definition of KL, Eq. (16)",
            expected=0.0,
            tolerance=1e-12,
            compute=label_prior_gap,
        ),
        Check(
            name="image posterior - product of two densities, largest",
            source=BAYES,
            expected=0.0,
            tolerance=1e-12,
            compute=image_posterior_gap,
        ),
        Check(
            name="probability of all 256 grey levels",
            source="Eq. (14), decoder of Ho et al. 2020",
            expected=1.0,
            tolerance=1e-12,
            compute=grey_level_mass,
        ),
    ]


def label_posterior_gap() -> float:
    """Largest |q(y_s | y_t, y_0) - Bayes| over every y_s, y_t, y_0."""
    alpha = ALPHA_BAR_T / ALPHA_BAR_S
    gaps = []
    for y_t, y_0 in itertools.product(range(NUM_CLASSES), repeat=2):
        joint = [
            _keep(ALPHA_BAR_S, y_0, y_s) * _keep(alpha, y_s, y_t) for y_s in range(NUM_CLASSES)
        ]
        posterior = categorical.posterior_true(
            _pixel(y_t), _pixel(y_0), _rate(alpha), _rate(ALPHA_BAR_S), NUM_CLASSES
        )[0, :, 0, 0]  # (K,)
        gaps += [
            abs(value / sum(joint) - float(own))
            for value, own in zip(joint, posterior, strict=True)
        ]
    return max(gaps)


def label_marginal_gap() -> float:
    """Largest |share of each label after `q_sample` - product of 20 transition matrices|.

    The uniform numbers are evenly spread, so shares are exact.
    """
    num = 30_000
    uniform = ((torch.arange(num, dtype=torch.float64) + 0.5) / num)[None, None]  # (1, 1, N)
    matrix = torch.eye(NUM_CLASSES, dtype=torch.float64)
    alpha_bar = 1.0
    for step in range(1, 21):
        # Rates whose product keeps exactly half of the labels in the end.
        alpha = 0.5 ** (step / 210)
        alpha_bar *= alpha
        matrix = matrix @ _transition(alpha)
    y_0 = torch.ones(1, 1, num, dtype=torch.long)
    y_t = categorical.q_sample(y_0, _rate(round(alpha_bar, 12)), NUM_CLASSES, uniform)
    shares = torch.bincount(y_t.flatten(), minlength=NUM_CLASSES).double() / num  # (K,)
    return float((shares - matrix[1]).abs().max())


def label_prior_gap() -> float:
    """|kl_prior - sum of p log(p K)|."""
    p = [_keep(ALPHA_BAR_T, 0, k) for k in range(NUM_CLASSES)]
    expected = sum(value * math.log(value * NUM_CLASSES) for value in p)
    return abs(float(categorical.kl_prior(_rate(ALPHA_BAR_T), NUM_CLASSES)) - expected)


def image_posterior_gap() -> float:
    """Largest difference of mean and variance from completing the square."""
    x_0, x_t = torch.tensor(0.3, dtype=torch.float64), torch.tensor(-0.8, dtype=torch.float64)
    alpha = ALPHA_BAR_T / ALPHA_BAR_S
    mean, variance = gaussian.posterior(
        x_0, x_t, _rate(ALPHA_BAR_T), _rate(ALPHA_BAR_S)
    )  # (1, 1, 1)
    # N(x_t; sqrt(alpha) x_s, 1 - alpha) N(x_s; sqrt(alpha_bar_s) x_0, 1 - alpha_bar_s) in x_s
    precision = alpha / (1 - alpha) + 1 / (1 - ALPHA_BAR_S)
    linear = math.sqrt(alpha) * float(x_t) / (1 - alpha)
    linear += math.sqrt(ALPHA_BAR_S) * float(x_0) / (1 - ALPHA_BAR_S)
    return max(abs(float(mean) - linear / precision), abs(float(variance) - 1 / precision))


def grey_level_mass() -> float:
    """Sum of the probabilities of all grey levels under one Gaussian."""
    levels = torch.arange(256, dtype=torch.float64) * gaussian.GREY_LEVEL - 1.0  # (256,)
    mean = torch.full_like(levels, 0.9)
    return float(torch.exp(-gaussian.discretized_nll(levels, mean, _rate(0.04)[0, 0])).sum())


def _keep(alpha: float, before: int, after: int) -> float:
    """Probability that a label moves from `before` to `after`, Eq. (4)."""
    return alpha * (before == after) + (1 - alpha) / NUM_CLASSES


def _transition(alpha: float) -> Tensor:
    """All of these, (K, K)."""
    rows = [[_keep(alpha, i, j) for j in range(NUM_CLASSES)] for i in range(NUM_CLASSES)]
    return torch.tensor(rows, dtype=torch.float64)


def _pixel(label: int) -> Tensor:
    return torch.full((1, 1, 1), label)


def _rate(value: float) -> Tensor:
    return torch.full((1, 1, 1), value, dtype=torch.float64)
