"""CPU seconds of two programs that do the same, in alternating pairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median


def cpu_sec(run: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def alternate(
    ours: Callable[[], object], theirs: Callable[[], object], num: int
) -> tuple[list[float], list[float]]:
    """Seconds of both in `num` pairs after a warm-up; who is first changes from pair to pair."""
    runs, seconds = (ours, theirs), ([], [])
    for run in runs:
        run()
    for pair in range(num):
        for side in (0, 1) if pair % 2 == 0 else (1, 0):
            seconds[side].append(cpu_sec(runs[side]))
    return seconds


def compared(ours: Sequence[float], theirs: Sequence[float], *, digits: int) -> dict[str, float]:
    """Median seconds of each, and how many times faster ours are, with the range over the pairs."""
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    return {
        "ours_sec": round(median(ours), digits),
        "theirs_sec": round(median(theirs), digits),
        "ratio": round(median(ratios), 2),
        "ratio_low": round(min(ratios), 2),
        "ratio_high": round(max(ratios), 2),
    }
