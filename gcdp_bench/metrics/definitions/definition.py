"""What a reader needs to know of a metric before believing its number."""

from __future__ import annotations

from dataclasses import dataclass

FRECHET_INTERVAL = (
    "basic bootstrap, both sides resampled; `corrected` is twice the value minus the mean of the "
    "resampled values. 'undersampled' in `ci_method`: the correction is more than three times half "
    "the interval's width, so the truth is lower than the interval more often than it should be"
)
"""Of every Fréchet distance."""


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

    @property
    def direction(self) -> str:
        """Which way is better, for people."""
        words = {True: "higher is better", False: "lower is better", None: "neither is better"}
        return words[self.higher_is_better]
