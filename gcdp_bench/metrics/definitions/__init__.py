"""Every metric the benchmark writes, explained; imports no heavy package."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

from gcdp_bench.metrics.definitions.captions import CAPTION_DEFINITIONS
from gcdp_bench.metrics.definitions.definition import NOT_NEGATIVE, Definition
from gcdp_bench.metrics.definitions.features import FEATURE_DEFINITIONS
from gcdp_bench.metrics.definitions.layouts import LAYOUT_DEFINITIONS

__all__ = ["DEFINITIONS", "Definition", "bounds_of", "lookup"]

DEFINITIONS: Mapping[str, Definition] = {
    **FEATURE_DEFINITIONS,
    **CAPTION_DEFINITIONS,
    **LAYOUT_DEFINITIONS,
}
"""Value of the `metric` column -> its definition."""


def bounds_of(metric: str) -> tuple[float, float]:
    """Least and largest number that a metric's quantity can be; infinite where unknown.

    Args:
        metric: as in the `metric` column, or "fid" for the distance in the primary features.
    """
    if metric == "fid":
        return NOT_NEGATIVE
    return DEFINITIONS[metric].bounds if metric in DEFINITIONS else (-math.inf, math.inf)


def lookup(metric: str) -> Definition:
    """Definition of a metric.

    Raises:
        ValueError: no such metric; the nearest names and all names are given.
    """
    if metric in DEFINITIONS:
        return DEFINITIONS[metric]
    relatives = [name for name in DEFINITIONS if name.startswith(f"{metric}-")]
    near = relatives or difflib.get_close_matches(metric, DEFINITIONS, n=3)
    hint = f"did you mean {', '.join(near)}? " if near else ""
    raise ValueError(f"unknown metric {metric!r}; {hint}known: {', '.join(DEFINITIONS)}")
