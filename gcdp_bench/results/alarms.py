"""Rows of controls and alarms: `controls.parquet` (and .csv) of a results folder.

They have the columns of other rows and a table of their own, so that no summary, curve or
comparison takes a control for a model. A row with source "control" is a value of a control; a row
with source "alarm" is one metric that an alarm concerns: `model` is the alarm's id, `value` the
measured number, `alarm` the sentence with reason and remedy.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.locks import exclusive
from gcdp_bench.results.schema import KEY
from gcdp_bench.results.table import merge_rows, newest, read_rows

if TYPE_CHECKING:
    import pandas as pd

FILE = "controls.parquet"
TABLE_KEY = [*KEY, "source"]
"""Columns that identify a row."""


def write_controls(results: Path, new: pd.DataFrame) -> None:
    """Add rows to the table; equal keys take the new value, newer definitions replace older.

    The rows of the results folder that they concern, which were measured before, get their alarms.
    """
    import pandas as pd

    file = results / FILE
    with exclusive(file):
        held = [read_rows(file)] if file.exists() else []
        merged = pd.concat([*held, new], ignore_index=True)
        merged = newest(merged.drop_duplicates(TABLE_KEY, keep="last"))
        merged = merged.sort_values(TABLE_KEY, ignore_index=True, na_position="first")
        with replacing(file.with_suffix(".csv")) as temporary:
            merged.to_csv(temporary, index=False)
        with replacing(file) as temporary:
            merged.to_parquet(temporary, index=False)
    _mark(results, new)


def _mark(results: Path, controls: pd.DataFrame) -> None:
    """Write the column `alarm` of points of the controls' data, networks and numbers of samples."""
    if not (results / "results.parquet").exists():
        return
    rows = read_rows(results)
    alarms = controls[controls["source"] == "alarm"]
    for _, lines in controls.groupby(["dataset", "extractors", "reference", "num_samples"]):
        first = lines.iloc[0]
        own = rows[
            rows["dataset"].eq(first["dataset"])
            & rows["extractors"].eq(first["extractors"])
            & rows["reference"].eq(first["reference"])
        ]
        own = own[
            own.groupby("config_hash")["num_samples"].transform("max").eq(first["num_samples"])
        ]
        marked = own.assign(alarm=ids_of(alarms, own["metric"], own["extractor"]))
        changed = marked[marked["alarm"] != own["alarm"]]
        if len(changed):
            merge_rows(results, changed)


def read_controls(results: Path) -> pd.DataFrame | None:
    """Rows of controls and alarms; None: the folder has none, as one made before controls were.

    Raises:
        ValueError: the table is damaged.
    """
    file = results / FILE
    return read_rows(file) if file.exists() else None


def alarms_of(results: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Alarms about the networks and numbers of samples of `rows`, one line each.

    An alarm that rows name, and the table of controls has not, has a line that says so.

    Returns:
        Columns dataset, alarm (its id), extractor, value, metrics (concerned, comma-separated) and
        sentence, in the order of datasets and alarms.
    """
    import pandas as pd

    columns = ["dataset", "alarm", "extractor", "value", "metrics", "sentence"]
    table = read_controls(results)
    if table is None:
        return pd.DataFrame(_untold(rows, {}), columns=columns)
    own = ["dataset", "extractors", "reference"]
    table = table[table["source"] == "alarm"].merge(rows[own].drop_duplicates(), on=own)
    told = {str(dataset): set(part["model"]) for dataset, part in table.groupby("dataset")}
    table = table[table["num_samples"].isin(set(rows["num_samples"]))]
    lines = []
    for (dataset, sentence), part in table.groupby(["dataset", "alarm"], sort=False):
        first = part.iloc[0]
        lines.append(
            (
                dataset,
                first["model"],
                first["extractor"],
                first["value"],
                ",".join(part["metric"]),
                sentence,
            )
        )
    return pd.DataFrame([*lines, *_untold(rows, told)], columns=columns)


def _untold(rows: pd.DataFrame, told: Mapping[str, Collection[str]]) -> list[tuple]:
    """Lines of `alarms_of` for the alarms that rows name and `told` has not, by dataset."""
    concerned = rows.assign(alarm=rows["alarm"].str.split(",")).explode("alarm")
    concerned = concerned[concerned["alarm"] != "none"]
    return [
        (
            dataset,
            alarm,
            ",".join(sorted(part["extractor"].unique())),
            math.nan,
            ",".join(sorted(part["metric"].unique())),
            f"rows of {dataset} have the alarm {alarm}, of which {FILE} has no reason: ignore "
            f"{', '.join(sorted(part['metric'].unique()))}; `gcdp-bench sweep` into this folder "
            "writes the reason again",
        )
        for (dataset, alarm), part in concerned.groupby(["dataset", "alarm"])
        if alarm not in told.get(str(dataset), ())
    ]


def sentences_of(tables: Collection[tuple[Path, pd.DataFrame]]) -> list[str]:
    """Each alarm once that concerns the rows of some results folders.

    Args:
        tables: folders, each with those of its rows that are shown.
    """
    found = [alarms_of(results, rows)["sentence"] for results, rows in tables]
    return list(dict.fromkeys(sentence for sentences in found for sentence in sentences))


def ids_of(alarms: pd.DataFrame, metrics: Iterable[str], extractors: Iterable[str]) -> list[str]:
    """Column `alarm` of rows: ids of a row's alarms, sorted, comma-separated, or "none".

    Args:
        alarms: rows with source "alarm".
        metrics: of the rows; a variant such as "@1%" counts as its metric.
        extractors: of the rows.
    """
    concerned: dict[tuple[str, str], set[str]] = {}
    for metric, extractor, alarm in zip(
        alarms["metric"], alarms["extractor"], alarms["model"], strict=True
    ):
        concerned.setdefault((metric, extractor), set()).add(alarm)
    rows = zip(metrics, extractors, strict=True)
    keys = ((metric.partition("@")[0], extractor) for metric, extractor in rows)
    return [",".join(sorted(concerned.get(key, ()))) or "none" for key in keys]


def datasets_without_controls(results: Path, datasets: Collection[str]) -> list[str]:
    """Datasets of rows whose evaluating networks no control has tried."""
    table = read_controls(results)
    tried = set() if table is None else set(table["dataset"])
    return sorted(set(datasets) - tried)
