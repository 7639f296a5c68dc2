"""The committed CSV files that documents quote, and how one number is found in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from gcdp_bench.metrics.registry import DEFINITIONS

ROOT = Path(__file__).resolve().parents[1]
SHARES = frozenset(name for name, one in DEFINITIONS.items() if one.percent)
"""Metrics in [0, 1] in the files and in percent in the documents."""


@dataclass(frozen=True)
class Source:
    """A committed CSV file."""

    file: str  # in results/
    keys: tuple[str, ...]
    wide: bool = False  # one column per metric; else one line per metric
    paired: bool = False  # differences of two points, of which each pair stands in one order


def _of(folder: str, name: str) -> dict[str, Source]:
    """Files of one sweep."""
    return {
        name: Source(f"{folder}/tables/summary.csv", ("model", "param_value"), wide=True),
        f"{name}-gap": Source(f"{folder}/tables/comparison.csv", ("a", "b"), paired=True),
        f"{name}-cost": Source(f"{folder}/tables/costs.csv", ("model", "part"), wide=True),
        f"{name}-features": Source(f"{folder}/analysis/features.csv", ("model", "block", "t")),
    }


CITY = "synth-city-25"
SOURCES: Mapping[str, Source] = {
    **_of(CITY, "city"),
    **_of("synth-face-25", "face"),
    "pairs": Source(f"{CITY}/image-layout/table-1.csv", ("method",), wide=True),
    "camvid-cost": Source("camvid/image-layout/costs.csv", ("model", "part"), wide=True),
    "pairs-gap": Source(f"{CITY}/image-layout/comparison.csv", ("a", "b"), paired=True),
    "pairs-cost": Source(f"{CITY}/image-layout/costs.csv", ("model", "part"), wide=True),
    "camvid": Source("camvid/image-layout/table-1.csv", ("method",), wide=True),
    "scarcity": Source(f"{CITY}/analysis/scarcity.csv", ("fraction", "model")),
    "scarcity-gap": Source(
        f"{CITY}/analysis/scarcity-gaps.csv", ("fraction", "model", "against"), paired=True
    ),
    "class": Source(f"{CITY}/analysis/classes.csv", ("model", "class")),
    "correlation": Source(f"{CITY}/analysis/correlations.csv", ("model",), wide=True),
    "outpainting": Source(f"{CITY}/analysis/outpainting.csv", ("direction", "source", "class")),
    "schedule": Source(f"{CITY}/analysis/schedules-scores.csv", ("schedule", "class")),
    "converged": Source(
        f"{CITY}/analysis/schedules-converged.csv", ("schedule", "quantity"), wide=True
    ),
    "captions": Source("captions.csv", ("dataset", "test"), wide=True),
}


@cache
def read(file: str) -> pd.DataFrame:
    """A committed table."""
    return pd.read_csv(ROOT / "results" / file, keep_default_na=False, na_values=[""])


def lookup(what: str) -> tuple[float, float, float]:
    """Value and ends of the interval, NaN where there is none, of `SOURCE KEY ... COLUMN`.

    Raises:
        ValueError: no such source, or not exactly one line with these keys.
    """
    name, *keys, column = what.split()
    sign = 1.0
    if name not in SOURCES:
        raise ValueError(f"{what}: expected a source of {', '.join(SOURCES)}")
    source, keys = SOURCES[name], [key.replace("~", " ") for key in keys]
    table = read(source.file)
    if not source.wide:
        table = table[table["metric"] == column]
        if "class" in table and "class" not in source.keys:
            table = table[table["class"] == "all"]
    found = _with(table, source.keys, keys)
    if source.paired and not len(found):
        turned = [*keys[:-2], keys[-1], keys[-2]]
        found, sign = _with(table, source.keys, turned), -1.0
    present = [name for name in columns_of(source, column) if name in found]
    found = found.drop_duplicates(present) if present else found
    if not present or len(found) != 1:
        raise ValueError(
            f"{what}: expected one line of {source.file}, found "
            f"{len(found)}; columns: {', '.join(table.columns)}"
        )
    value, low, high = (
        float(found.iloc[0].get(name, "nan")) for name in columns_of(source, column)
    )
    factor = 100.0 if column in SHARES and name not in ("pairs", "camvid") else 1.0
    if sign < 0:
        low, high = high, low
    return sign * factor * value, sign * factor * low, sign * factor * high


def _with(table: pd.DataFrame, names: tuple[str, ...], keys: list[str]) -> pd.DataFrame:
    """Lines whose key columns have these values; names left out take everything."""
    for name, key in zip(names, keys, strict=False):
        column = table[name]
        numbers = column.map("{:g}".format) if column.dtype.kind in "if" else column.astype(str)
        table = table[numbers == key]
    return table


def columns_of(source: Source, column: str) -> tuple[str, str, str]:
    """Columns of the value and of the two ends of its interval."""
    if source.paired:
        return ("difference", "ci_low", "ci_high")
    if not source.wide:
        return ("value", "ci_low", "ci_high")
    if column in ("spearman", "value"):
        return (column, "ci_low", "ci_high")
    base = column.removesuffix("_corrected")
    return (column, f"{base}_low", f"{base}_high")
