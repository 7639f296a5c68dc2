"""What a reader needs to know of a metric before believing its number."""

from __future__ import annotations

import math
from dataclasses import dataclass

FRECHET_INTERVAL = (
    "around `corrected`, the value less its small-sample bias: random halves of both sides are too "
    "large by twice the bias; the width is that of the differences of both halves. Both are cut at "
    "0, and the plain value may lie outside. 'undersampled' in `ci_method`: a side has fewer than "
    "50 samples, or 1 / (1 / N + 1 / M) is below 6 times the effective rank of the features; the "
    "truth may then lie below the interval"
)
"""Of every Fréchet distance."""

SHARE = (0.0, 1.0)
NOT_NEGATIVE = (0.0, math.inf)
"""Bounds of shares, and of distances."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One metric, in words."""

    title: str  # for people
    formula: str
    unit: str  # unit, scale and range
    higher_is_better: bool | None  # None: neither is
    source: str  # paper or program that defines it
    extractor: str  # network that it depends on
    resize: str  # how images reach that network
    compared_with: str  # the other side
    interval: str  # how `ci_low` and `ci_high` are made
    traps: tuple[str, ...]  # what makes two of its numbers not comparable, or misread
    bounds: tuple[float, float] = (-math.inf, math.inf)  # of the quantity and its interval

    @property
    def direction(self) -> str:
        """Which way is better, for people."""
        words = {True: "higher is better", False: "lower is better", None: "neither is better"}
        return words[self.higher_is_better]
