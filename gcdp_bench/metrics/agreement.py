"""Do two extractors rank the same models alike?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 0.8
"""Kendall's tau below which two extractors are said to disagree."""


@dataclass(frozen=True)
class RankAgreement:
    """Agreement of two extractors on the ranks of the models that both evaluated."""

    tau: float  # [-1, 1]; NaN: fewer than two models, or an extractor sees no difference
    num_models: int
    swapped: tuple[tuple[str, str], ...]  # pairs that the extractors order in opposite ways


def kendall_tau(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Kendall's tau-b of two lists of scores: 1 same order, -1 opposite (Kendall 1945).

    sum of s_ij t_ij / sqrt(sum s_ij^2 sum t_ij^2) over pairs, s and t the signs of the differences;
    NaN where a list is constant or has fewer than two scores.

    Args:
        a: (N,), finite.
        b: (N,), finite.

    Raises:
        ValueError: lengths differ, or a score is not finite.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"expected two lists of one length, got shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("expected finite scores; leave out models that were not scored")
    signs_a, signs_b = (np.sign(np.subtract.outer(part, part)) for part in (a, b))  # (N, N)
    scale = math.sqrt((signs_a**2).sum() * (signs_b**2).sum())
    return float((signs_a * signs_b).sum() / scale) if scale > 0.0 else math.nan


def rank_agreement(first: Mapping[str, float], second: Mapping[str, float]) -> RankAgreement:
    """Compare the rankings of the models that both extractors have a score of.

    Args:
        first: model -> value under one extractor; a NaN counts as not scored.
        second: model -> value of the same metric under the other.
    """
    models = [
        name
        for name in first
        if name in second and not (math.isnan(first[name]) or math.isnan(second[name]))
    ]
    swapped = tuple(
        (one, two)
        for one, two in combinations(models, 2)
        if (first[one] - first[two]) * (second[one] - second[two]) < 0.0
    )
    tau = kendall_tau(
        np.array([first[name] for name in models]), np.array([second[name] for name in models])
    )
    return RankAgreement(tau, len(models), swapped)
