"""Tidy results: one metric value per row, in Parquet with a CSV beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.files import replacing

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1

COLUMNS = {
    "schema_version": "int64",
    "dataset": "string",
    "split": "string",
    "model": "string",  # a generator's name, or one of REFERENCE_MODELS
    "guidance": "float64",  # NaN for reference rows
    "steps": "Int64",  # sampling steps of each stage; missing for reference rows
    "seed": "int64",
    "metric": "string",
    "class": "string",  # "all", or a class name
    "value": "float64",  # NaN: not defined for this row
    "num_samples": "int64",
    "extractor": "string",
    "weights": "string",  # digest of the generator's weights and sampling settings, or "none"
    "judges": "string",  # digest of the weights of every network that judges
    "config_hash": "string",
    "git_commit": "string",
    "seconds": "float64",  # time to sample the point's images; NaN for reference rows
    "demo": "bool",  # made by a demonstration, not a result
}

CEILING, FLOOR = "real-ceiling", "real-floor"
REFERENCE_MODELS = (CEILING, FLOOR)
"""Real test images with their own captions, and with another image's captions."""

KEY = ("dataset", "split", "model", "guidance", "steps", "seed", "metric", "class", "extractor",
       "num_samples", "config_hash")  # fmt: skip
"""Columns that identify a row: measuring the same thing again replaces the value."""


def to_frame(records: Sequence[dict]) -> pd.DataFrame:
    """Rows with the schema's columns and types.

    Raises:
        ValueError: a record lacks a column or has one too many.
    """
    import pandas as pd

    for record in records:
        difference = set(COLUMNS).symmetric_difference({"schema_version", *record})
        if difference:
            raise ValueError(f"row: expected columns {sorted(COLUMNS)}, differs in {difference}")
    frame = pd.DataFrame(
        [{"schema_version": SCHEMA_VERSION, **record} for record in records], columns=list(COLUMNS)
    )
    return frame.astype(COLUMNS)


def read_rows(path: Path) -> pd.DataFrame:
    """Rows of a results folder or of one Parquet file.

    Raises:
        FileNotFoundError: no results there.
        ValueError: the file is damaged, of another schema version or lacks columns.
    """
    import pandas as pd

    file = path / "results.parquet" if path.is_dir() else path
    if not file.exists():
        raise FileNotFoundError(
            f"{file}: expected a results table, found none; run `gcdp-bench sweep` first"
        )
    try:
        frame = pd.read_parquet(file)
    except (OSError, ValueError) as error:  # pyarrow's errors are of these kinds
        raise ValueError(
            f"{file}: expected a Parquet table, got: {str(error).splitlines()[0]}; restore it, "
            "or remove it and rerun the sweep"
        ) from error
    missing = set(COLUMNS) - set(frame.columns)
    if missing:
        raise ValueError(f"{file}: expected columns {sorted(COLUMNS)}, lacks {sorted(missing)}")
    versions = set(frame["schema_version"])
    if versions - {SCHEMA_VERSION}:
        raise ValueError(
            f"{file}: expected schema version {SCHEMA_VERSION}, got {sorted(versions)}; "
            "rerun the sweep with this version of gcdp-bench"
        )
    return frame[list(COLUMNS)].astype(COLUMNS)


def merge_rows(results_dir: Path, new: pd.DataFrame) -> pd.DataFrame:
    """Add `new` to `results_dir/results.parquet` (and .csv); equal keys take the new value."""
    import pandas as pd

    file = results_dir / "results.parquet"
    frames = [read_rows(file), new] if file.exists() else [new]
    merged = pd.concat(frames, ignore_index=True)
    merged = merged.drop_duplicates(list(KEY), keep="last")
    merged = merged.sort_values(list(KEY), ignore_index=True, na_position="first")
    with replacing(file) as temporary:
        merged.to_parquet(temporary, index=False)
    with replacing(file.with_suffix(".csv")) as temporary:
        merged.to_csv(temporary, index=False)
    return merged
