"""Numbers that were made differently are not put in one table or on one curve."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from gcdp_bench.metrics.lookup import definition_version
from gcdp_bench.results.schema import OLD_IDS, RENAMED

SUBSET, DEFINITION = "trained_on", "definition"

FIELDS = {
    SUBSET: "dataset that the model was trained on",
    "num_samples": "number of captions",
    "num_reference": "number of reference images",
    "protocol": "whose captions and which reference",
    "split": "split of captions and reference",
    "image_size": "size of the evaluated images",
    "resize": "how images of another size were brought to this one",
    "resizer": "how images reach the network that evaluates",
    "extractor": "network that evaluates",
    "reference": "reference images",
    "captions": "captions prompted, and how they are read",
    "extractors": "weights of the extractors",
    "precision": "arithmetic of the extractors",
    DEFINITION: "version of the metric's definition",
}
"""Columns that rows of one dataset and metric have to agree in, and what they mean; the first one
that differs is named, so what people choose stands before digests."""

MAX_PRESENT = 20
"""Values of a column that a message lists."""


class UnlikeRowsError(ValueError):
    """Rows that cannot be compared would be shown together."""


def check_comparable(
    rows: pd.DataFrame, *, allow_subsets: bool = False, can_choose: bool = True
) -> None:
    """Refuse generated rows of a dataset that differ in anything but the model and its sampling.

    Rows of a second extractor (`primary` False) are compared among themselves only. Published rows
    are never compared: their protocol is unknown.

    Args:
        rows: tidy rows.
        allow_subsets: let models of different training data stand together; `name_subsets` says
            which is which.
        can_choose: whether the command has `--only` and `--allow-subsets`, for the message.

    Raises:
        UnlikeRowsError: names the first field that differs, its values, and what to do.
    """
    generated = rows[(rows["source"] == "generated") & rows["primary"] & (rows["class"] == "all")]
    generated = generated[generated["seed"].notna()].copy()
    # A caption that names nothing has no recall: the number of captions is the image count.
    generated["num_samples"] = generated.groupby("config_hash")["num_samples"].transform("max")
    fields = {
        name: meaning for name, meaning in FIELDS.items() if name != SUBSET or not allow_subsets
    }
    for (dataset, metric), group in generated.groupby(["dataset", "metric"], sort=False):
        for field, meaning in fields.items():
            values = _values(group[field])
            if len(values) > 1:
                raise UnlikeRowsError(
                    f"{dataset}, {metric}: rows differ in {field} ({meaning}): "
                    f"{', '.join(values)}; they do not compare. "
                    f"{_remedy(field, values[-1], can_choose)}"
                )


def outdated(rows: pd.DataFrame) -> pd.Series:
    """Rows that were measured by another definition of their metric than today's; bool."""
    versions = {metric: definition_version(metric) for metric in rows["metric"].unique()}
    current = rows["metric"].map(versions).fillna(rows["definition"])  # unknown: as it is
    return (rows["definition"] != current) & ~rows["source"].isin(("paper", "alarm"))


def old_definitions(rows: pd.DataFrame) -> list[str]:
    """Metrics of outdated rows, as "semantic_recall (version 1, now 2)"."""
    versions = rows[outdated(rows)].groupby("metric", sort=True)["definition"].unique()
    return [
        f"{metric} (version {', '.join(sorted(held))}, now {definition_version(str(metric))})"
        for metric, held in versions.items()
    ]


def name_subsets(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in which "imagen" is "imagen (synth-city-100)" wherever a dataset's models differ in
    what they were trained on; other rows as they are.

    Args:
        rows: tidy rows.
    """
    generated = rows["source"] == "generated"
    num_subsets = rows[SUBSET].where(generated).groupby(rows["dataset"]).transform("nunique")
    mixed = generated & (num_subsets > 1)
    return rows.assign(model=rows["model"].where(~mixed, rows["model"] + " (" + rows[SUBSET] + ")"))


def select(rows: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """Rows with FIELD=VALUE; for `num_samples`, points with that many captions.

    Real rows lack a model's fields (param_value, steps, trained_on, ...) and are kept where those
    are conditions. Columns may be given by their names in older tables.

    Raises:
        ValueError: a condition is malformed, a field unknown, or nothing is left.
    """
    for condition in conditions:
        field, separator, value = condition.partition("=")
        field, value = RENAMED.get(field, field), OLD_IDS.get(value, value)
        if not separator or field not in rows.columns:
            raise ValueError(
                f"--only: expected FIELD=VALUE with a column of the results "
                f"({', '.join(rows.columns)}), got {condition!r}"
            )
        held = rows[field]
        if field == "num_samples":
            held = rows.groupby("config_hash")["num_samples"].transform("max")
        wanted = ((held.astype(str) == value) | _equal_number(held, value)).fillna(False)
        if not wanted.any():
            present = _values(held)
            more = f" and {len(present) - MAX_PRESENT} more" if len(present) > MAX_PRESENT else ""
            raise ValueError(
                f"--only {condition}: no row has it; present: "
                f"{', '.join(present[:MAX_PRESENT])}{more}"
            )
        is_real = rows["source"] != "generated"
        rows = rows[wanted | held.isna() | (is_real & (held.astype(str) == "none"))]
    return rows


def _remedy(field: str, value: str, can_choose: bool) -> str:
    if field == DEFINITION:
        return "`gcdp-bench sweep` into that folder computes the older ones again"
    if not can_choose:
        return "Keep them in different results folders"
    together = ", show them together with --allow-subsets," if field == SUBSET else ","
    return f"Choose with --only {field}={value}{together} or keep them in different results folders"


def _values(column: pd.Series) -> list[str]:
    return [str(value) for value in sorted(column.dropna().unique())]


def _equal_number(column: pd.Series, value: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce") if column.dtype.kind not in "bO" else None
    try:
        wanted = float(value)
    except ValueError:
        numbers = None
    if numbers is None:
        return pd.Series(False, index=column.index)
    return numbers == wanted
