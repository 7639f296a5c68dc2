"""Rows to a table that people read: one line per point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from gcdp_bench.core.types import SAMPLING_PARAMETERS
from gcdp_bench.metrics.lookup import find_definition, is_percent, lookup
from gcdp_bench.metrics.metric import Column
from gcdp_bench.metrics.registry import DEFINITIONS
from gcdp_bench.results.schema import REAL_VS_REAL, REFERENCE_MODELS

POINT = ["dataset", "model", "trained_on", "param_name", "param_value", "steps", "num_captions"]
"""Columns that name a line of the summary; seeds are averaged."""

COLUMNS: dict[str, Column] = {
    "fid": Column("FID", digits=2, is_always_shown=True, is_corrected=True),
    **{name: one.column for name, one in DEFINITIONS.items() if one.column is not None},
}
"""Metrics of the summary and their columns; "fid" is the distance in the primary features."""

SUMMARY = tuple(COLUMNS)
DISTANCES = tuple(name for name, column in COLUMNS.items() if column.is_corrected)
UNDEFINED = "–"


def primary_totals(rows: pd.DataFrame) -> pd.DataFrame:
    """Totals of the primary extractors, one row per point, seed and metric.

    The Fréchet distance in the primary features is called "fid" whatever its protocol; the column
    `fid_metric` keeps the name. Pooled rows are left out: they repeat the seeds'. So are controls
    and alarms.
    """
    measured = ~rows["source"].isin(("control", "alarm"))
    totals = rows[measured & (rows["class"] == "all") & rows["primary"] & rows["seed"].notna()]
    totals = totals.copy()
    is_fid = totals["metric"].str.startswith(("fid-", "fd-"))
    totals["fid_metric"] = totals["metric"].where(is_fid)
    totals["metric"] = totals["metric"].where(~is_fid, "fid")
    return totals


def summary_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per point: totals of every metric, averaged over the sampling seeds.

    Args:
        rows: tidy rows of `gcdp_bench.results.schema`.

    Returns:
        Columns `POINT`, `num_seeds` (in which every metric that the point has is defined),
        `SUMMARY` and metrics of installed packages that have a column (shares in [0, 1]; FSD on the
        percent scale; NaN where undefined), `fid_metric`; of distances also `METRIC_corrected`
        (without its small-sample bias); the ends of the intervals as `METRIC_low` and `METRIC_high`
        (the seeds' mean), which belong to the corrected value where there is one; real images last.
    """
    totals = primary_totals(rows)
    # A caption that names nothing has no recall: the number of captions is the image count.
    totals["num_captions"] = totals.groupby("config_hash")["num_samples"].transform("max")
    columns = COLUMNS | _further_columns(totals["metric"].unique())
    totals = totals[totals["metric"].isin(columns)]
    table = _wide(totals, "value", [*columns])
    for end in ("low", "high"):
        table = table.join(_wide(totals, f"ci_{end}", [*columns]).add_suffix(f"_{end}"))
    distances = [name for name, column in columns.items() if column.is_corrected]
    table = table.join(_wide(totals, "corrected", distances).add_suffix("_corrected"))
    table = table.reset_index()
    table.columns.name = None
    named = totals.groupby(POINT, dropna=False)
    extra = named.agg(fid_metric=("fid_metric", "first"), demo=("demo", "any")).reset_index()
    table = table.merge(extra, on=POINT, how="left").merge(_defined_seeds(totals), on=POINT)
    table["reference"] = table["model"].isin(REFERENCE_MODELS)
    table = table.sort_values(
        ["dataset", "reference", "model", "steps", "param_value"],
        ascending=[True, True, False, True, True],
        ignore_index=True,
    )
    return table.drop(columns="reference")


def _wide(totals: pd.DataFrame, column: str, metrics: Sequence[str]) -> pd.DataFrame:
    """Mean of a column over seeds: one line per point, one column per metric."""
    means = totals.groupby([*POINT, "metric"], dropna=False)[column].mean()
    return pd.DataFrame(means.unstack("metric")).reindex(columns=list(metrics))


def _defined_seeds(totals: pd.DataFrame) -> pd.DataFrame:
    """`num_seeds`: of the metrics that are defined for a point, the fewest seeds of one; or all."""
    defined = totals.assign(seed=totals["seed"].where(totals["value"].notna()))
    counts = defined.groupby([*POINT, "metric"], dropna=False)["seed"].nunique()
    fewest = counts[counts > 0].groupby(level=POINT, dropna=False).min()
    every = totals.groupby(POINT, dropna=False)["seed"].nunique()
    return fewest.reindex(every.index).fillna(every).astype(int).rename("num_seeds").reset_index()


def readable(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary as text: shares in percent, undefined values as a dash.

    Returns:
        One text column per shown quantity, titles for people.
    """
    shown = pd.DataFrame(
        {
            "dataset": summary["dataset"],
            "model": summary["model"],
            "parameter": [
                param_text(name, value)
                for name, value in zip(summary["param_name"], summary["param_value"], strict=True)
            ],
            "steps": [number(value, "{:.0f}") for value in summary["steps"]],
            "captions x seeds": [
                f"{captions} x {seeds}"
                for captions, seeds in zip(
                    summary["num_captions"], summary["num_seeds"], strict=True
                )
            ],
        }
    )
    columns = COLUMNS | _further_columns(map(str, summary.columns))
    for name, title in _titles(columns).items():
        metric = name.removesuffix("_corrected")
        column = columns[metric]
        if summary[name].isna().all() and not (column.is_always_shown and name == metric):
            continue
        factor = 100.0 if is_percent(metric) else 1.0
        pattern = f"{{:.{column.digits}f}}"
        if name == metric:
            shown[title] = [number(value * factor, pattern) for value in summary[metric]]
        else:
            ends = (summary[f"{metric}_low"], summary[f"{metric}_high"])
            shown[title] = [
                with_interval(value, low, high, pattern)
                for value, low, high in zip(summary[name], *ends, strict=True)
            ]
    return shown


def below_noise(summary: pd.DataFrame) -> pd.DataFrame:
    """Shown distances that lie within those of real images among themselves.

    Returns:
        bool, one column per title of a distance, one line per line of the summary.
    """
    floor = summary[summary["model"] == REAL_VS_REAL].set_index("dataset")
    marks = {}
    for metric in DISTANCES:
        own = floor[metric].groupby(level=0).max()
        limit = summary["dataset"].map(own).astype(float)
        marks[TITLES[metric]] = (summary[metric] <= limit) & ~summary["model"].isin(
            REFERENCE_MODELS
        )
    return pd.DataFrame(marks)


def _titles(columns: Mapping[str, Column]) -> dict[str, str]:
    """Column of the summary -> its title for people, with the direction in which it is better."""
    titles = {}
    for metric, column in columns.items():
        higher = False if metric == "fid" else lookup(metric).higher_is_better
        arrow = {True: " ↑", False: " ↓", None: ""}[higher]
        titles[metric] = column.title + arrow
        if column.is_corrected:
            titles[f"{metric}_corrected"] = f"{column.title}, bias-corrected [95 %]{arrow}"
    return titles


TITLES: Mapping[str, str] = _titles(COLUMNS)


def _further_columns(names: Iterable[str]) -> dict[str, Column]:
    """Columns of metrics of installed packages that are among `names`, in their order."""
    found = {name: find_definition(name) for name in names if name not in COLUMNS}
    return {name: one.column for name, one in found.items() if one and one.column}


def number(value: float, pattern: str = "{:.2f}") -> str:
    """A formatted number, or the dash of an undefined one."""
    return UNDEFINED if pd.isna(value) else pattern.format(value)


def in_units(metric: str, *values: float) -> tuple[str, ...]:
    """Values as people read them: shares in percent with their sign, others as they are."""
    if is_percent(metric):
        return tuple(number(100.0 * value, "{:.2f} %") for value in values)
    return tuple(number(value, "{:.4f}") for value in values)


def with_interval(value: float, low: float, high: float, pattern: str = "{:.2f}") -> str:
    """A value with the interval that belongs to it: "4.10 [3.00, 5.20]"."""
    if pd.isna(value) or pd.isna(low):
        return number(value, pattern)
    return f"{number(value, pattern)} [{number(low, pattern)}, {number(high, pattern)}]"


def param_symbol(name: str) -> str:
    """Sign of a sampling parameter in tables and figures: "w", "ψ"; its name, if it has none."""
    return SAMPLING_PARAMETERS[name].symbol if name in SAMPLING_PARAMETERS else name


def param_text(name: str, value: float) -> str:
    """Parameter value as text: "w 4", "ψ 0.8"; a dash for a model without a parameter."""
    return UNDEFINED if name == "none" else f"{param_symbol(name)} {value:g}"
