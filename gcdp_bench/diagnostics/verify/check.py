"""A golden number, and what came of computing it here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gcdp_bench.io.validation import reason


@dataclass(frozen=True, kw_only=True)
class Check:
    """One number that needs no weights and is known from elsewhere."""

    name: str  # what is computed
    source: str  # where the expected number comes from
    expected: float
    tolerance: float  # largest |difference| that passes
    compute: Callable[[], float]


@dataclass(frozen=True)
class Outcome:
    """A check that was run."""

    check: Check
    got: float  # NaN where computing it failed
    error: str  # why it failed, else ""
    seconds: float

    @property
    def difference(self) -> float:
        """|got - expected|."""
        return abs(self.got - self.check.expected)

    @property
    def ok(self) -> bool:
        """Whether the number is the expected one; NaN never is."""
        return self.difference <= self.check.tolerance


def run_checks(checks: Sequence[Check]) -> Iterator[Outcome]:
    """Run the checks in turn; one that raises is a failed one, and the others still run."""
    for check in checks:
        started = time.perf_counter()
        got, error = math.nan, ""
        try:
            got = float(check.compute())
        except Exception as problem:
            error = f"{type(problem).__name__}: {reason(problem)}"
        yield Outcome(check, got, error, time.perf_counter() - started)
