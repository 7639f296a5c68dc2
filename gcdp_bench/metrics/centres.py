"""Centres of the intervals of rows, and their arms."""

from __future__ import annotations

import pandas as pd

from gcdp_bench.metrics.lookup import bounds_of


def centres(rows: pd.DataFrame, column: str = "value") -> pd.Series:
    """Centres of intervals: the corrected value, or the value where it has no bias.

    Never show an interval beside another number alone.
    """
    return rows["corrected"].fillna(rows[column])


def interval_arms(rows: pd.DataFrame) -> pd.DataFrame:
    """Lengths of intervals below and above their centres, columns `low` and `high`.

    An end that stands at a bound of its metric says nothing of the length: it takes the other's.
    """
    centre = centres(rows)
    arms = pd.DataFrame({"low": centre - rows["ci_low"], "high": rows["ci_high"] - centre})
    bounds = bounds_by_row(rows["metric"])
    longer = arms.max(axis=1, skipna=False)
    return pd.DataFrame(
        {
            "low": arms["low"].where(rows["ci_low"] > bounds["low"], longer),
            "high": arms["high"].where(rows["ci_high"] < bounds["high"], longer),
        }
    )


def bounds_by_row(metrics: pd.Series) -> pd.DataFrame:
    """Least and largest number that each row's quantity can be, columns `low` and `high`."""
    found = {metric: bounds_of(metric) for metric in metrics.unique()}
    ends = [found[metric] for metric in metrics]
    return pd.DataFrame(ends, metrics.index, ["low", "high"], float)
