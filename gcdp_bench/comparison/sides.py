"""Pair the points of two selections and compare them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gcdp_bench.comparison.measured import Measured
from gcdp_bench.comparison.paired import COLUMNS, compare_pair
from gcdp_bench.comparison.points import PointSet, step_pairs


def compare_points(
    first: Sequence[PointSet], second: Sequence[PointSet], *, per_class: bool = True
) -> pd.DataFrame:
    """A minus B for every two points of one dataset.

    One point on each side is compared whatever its model; several are paired by model, value of
    the parameter and, where the sides have some in common, steps.

    Raises:
        ValueError: nothing to pair; or points that cannot be compared, or share no captions.
    """
    single = (len(first), len(second)) == (1, 1)
    pairs = [
        (a, b)
        for a in first
        for b in second
        if a.dataset == b.dataset
        and (
            single
            or (_are_one_setting(a, b) and (a.steps, b.steps) in _facing_steps(a, first, second))
        )
    ]
    if not pairs:
        raise ValueError(
            f"expected points with a model and a parameter value in common, got "
            f"{', '.join(p.name for p in first)} and {', '.join(p.name for p in second)}; "
            "name one on each side: RESULTS:MODEL@VALUE"
        )
    measured = Measured()
    lines = [
        line
        for a, b in pairs
        for line in compare_pair(a, b, per_class=per_class, measured=measured)
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _are_one_setting(a: PointSet, b: PointSet) -> bool:
    return (a.dataset, a.model, a.param_name, a.param_value) == (
        b.dataset,
        b.model,
        b.param_name,
        b.param_value,
    )


def _facing_steps(
    point: PointSet, first: Sequence[PointSet], second: Sequence[PointSet]
) -> set[tuple[int, int]]:
    """Step counts at which both sides of one model are compared."""
    sides = (
        [other for other in side if (other.dataset, other.model) == (point.dataset, point.model)]
        for side in (first, second)
    )
    return step_pairs(*sides)
