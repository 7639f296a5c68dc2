"""Definition of a metric, for readers."""

from __future__ import annotations

import math
from dataclasses import dataclass

CONTROLS = NOISE, CONSTANT, BLURRED, SHUFFLED = (
    "control-noise",
    "control-constant",
    "control-blurred",
    "control-shuffled",
)
"""Images that no sound evaluation prefers to real ones, see `gcdp_bench.evaluation.controls`."""

FRECHET_INTERVAL = (
    "around `corrected`, the value less its small-sample bias: random halves of both sides are too "
    "large by twice the bias; the width is that of the differences of both halves ('influence': of "
    "the influence of each sample, which costs less where N and D are large). Both are cut at 0, "
    "and the plain value may lie outside. 'undersampled' in `ci_method`: a side has fewer than 50 "
    "samples, or 1 / (1 / N + 1 / M) is below 6 times the effective rank of the features; the "
    "truth may then lie below the interval"
)
"""Interval of every Fréchet distance."""

SHARE = (0.0, 1.0)
NOT_NEGATIVE = (0.0, math.inf)
"""Bounds of shares, and of distances."""


@dataclass(frozen=True)
class Column:
    """Of the summary table."""

    title: str
    digits: int = 1
    is_always_shown: bool = False  # False: only where some row has a value
    is_corrected: bool = False  # with another column of the values without their bias


@dataclass(frozen=True)
class Curve:
    """Of FID against a metric, over a model's sampling parameter."""

    label: str  # of the axis
    worst: float  # value from which on a hypervolume counts
    file: str = ""  # name of the figure; "": from the metric's name


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One metric, in words, and how tables and figures show it.

    Values of two versions are not one quantity: they never stand in one table. A version rises
    with everything that moves the value for the same images, layouts, captions and networks: how
    captions are read, a threshold, a formula. Another network, another resize before it or another
    precision is not a version: `extractors`, `resizer` and `precision` say it.
    """

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
    changes: tuple[str, ...] = ()  # what changed with version 2, 3, ...
    percent: bool = False  # a share that people read in percent
    column: Column | None = None
    curve: Curve | None = None
    worst: float | None = None  # of a Fréchet distance: value up to which a hypervolume counts
    controls: tuple[str, ...] = ()  # that have to be worse than real images, see `controls`

    def __post_init__(self):
        if self.curve is not None and self.higher_is_better is not True:
            raise ValueError(
                f"{self.title}: expected higher_is_better of a metric with a curve, whose "
                "hypervolume grows with it; leave the curve out"
            )

    @property
    def version(self) -> str:
        """ "1", "2", ..."""
        return str(1 + len(self.changes))

    @property
    def direction(self) -> str:
        """Better direction, as text."""
        words = {True: "higher is better", False: "lower is better", None: "neither is better"}
        return words[self.higher_is_better]
