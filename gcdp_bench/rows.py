"""Tidy results: one metric value per row, in Parquet with a CSV beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.files import replacing
from gcdp_bench.locks import exclusive
from gcdp_bench.parquet import open_parquet, typed

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 3

COLUMNS = {
    "schema_version": "int64",
    "dataset": "string",
    "split": "string",  # whose captions were asked for, and whose images are the reference
    "protocol": "string",  # one of PROTOCOLS, or "unknown"
    "source": "string",  # one of SOURCES
    "model": "string",  # a generator's name, or one of REFERENCE_MODELS
    "trained_on": "string",  # the generator's dataset, or "none"
    "knob": "string",  # what its trade-off curve runs over, as `protocols.Knob.name`, or "none"
    "guidance": "float64",  # value of the knob; NaN for real images
    "steps": "Int64",  # sampling steps of each stage; missing for real images
    "seed": "Int64",  # missing: all seeds pooled
    "metric": "string",
    "class": "string",  # "all", or the name of a class or an attribute
    "value": "float64",  # NaN: not defined for this row
    "corrected": "float64",  # the value without its small-sample bias; NaN: not known
    "ci_low": "float64",  # of the 95 % interval
    "ci_high": "float64",
    "ci_method": "string",
    "between_seed_sd": "float64",  # pooled rows: spread of the seeds' values
    "within_seed_sd": "float64",  # pooled rows: standard error inside a seed
    "num_samples": "int64",
    "num_reference": "int64",  # real images on the other side of a distance; 0: none
    "extractor": "string",  # network that judged, or "none"
    "image_size": "string",  # HEIGHTxWIDTH of the images that were judged
    "resizer": "string",  # how images reached that network
    "primary": "bool",  # False: of a second segmenter or a second feature network
    "reference": "string",  # digest of the reference images and layouts
    "captions": "string",  # digest of the captions that were asked for
    "weights": "string",  # digest of the generator's weights and sampling settings, or "none"
    "judges": "string",  # digest of the weights of every network that judges
    "config_hash": "string",
    "git_commit": "string",
    "versions": "string",
    "hardware": "string",
    "precision": "string",
    "seconds": "float64",  # time to sample the point's images; NaN for real images
    "demo": "bool",  # made by a demonstration, not a result
}

SOURCES = ("generated", "real", "real-split", "paper")
PROTOCOLS = ("heldout", "paper-like")

CEILING, FLOOR, SPLIT = "real-ceiling", "real-floor", "real-split"
REFERENCE_MODELS = (CEILING, FLOOR, SPLIT)
"""Real images with their own captions, with another image's captions, and as a sample that is
compared with the other real images (what a distance is when nothing differs).
"""

KEY = ("dataset", "split", "protocol", "model", "guidance", "steps", "seed", "metric", "class",
       "extractor", "num_samples", "config_hash")  # fmt: skip
"""Columns that identify a row: measuring the same thing again replaces the value."""

PROVENANCE = ("protocol", "source", "trained_on", "knob", "image_size", "resizer", "reference",
              "captions", "weights", "judges", "config_hash", "git_commit", "versions", "hardware",
              "precision", "ci_method")  # fmt: skip
"""Columns that no row may leave empty."""


def to_frame(records: Sequence[dict]) -> pd.DataFrame:
    """Rows with the schema's columns and types.

    Raises:
        ValueError: a record lacks a column, has one too many, or says nothing of how it was made.
    """
    import pandas as pd

    for record in records:
        difference = set(COLUMNS).symmetric_difference({"schema_version", *record})
        if difference:
            raise ValueError(f"row: expected columns {sorted(COLUMNS)}, differs in {difference}")
        empty = [name for name in PROVENANCE if not record[name]]
        if empty:
            raise ValueError(
                f"row {record['metric']}: expected {', '.join(empty)}, got nothing; a number "
                "without its making is not a result"
            )
        if record["source"] not in SOURCES:
            raise ValueError(f"row: expected source of {SOURCES}, got {record['source']!r}")
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
    file = path / "results.parquet" if path.is_dir() else path
    if not file.exists():
        raise FileNotFoundError(
            f"{file}: expected a results table, found none; run `gcdp-bench sweep` first"
        )
    remedy = "restore it, or remove it and rerun the sweep"
    version = {"schema_version": COLUMNS["schema_version"]}
    frame = open_parquet(file, remedy=remedy)
    versions = set(typed(frame, file, version, remedy=remedy)["schema_version"])
    if versions - {SCHEMA_VERSION}:
        raise ValueError(
            f"{file}: expected schema version {SCHEMA_VERSION}, got {sorted(versions)}; "
            "rerun the sweep with this version of gcdp-bench"
        )
    return typed(frame, file, COLUMNS, remedy=remedy)


def merge_rows(results_dir: Path, new: pd.DataFrame) -> pd.DataFrame:
    """Add `new` to `results_dir/results.parquet` (and .csv); equal keys take the new value.

    Processes may add at the same time. The CSV is written first: where the Parquet file has a row,
    the CSV has it too.
    """
    import pandas as pd

    file = results_dir / "results.parquet"
    with exclusive(file):
        frames = [read_rows(file), new] if file.exists() else [new]
        merged = pd.concat(frames, ignore_index=True)
        merged = merged.drop_duplicates(list(KEY), keep="last")
        merged = merged.sort_values(list(KEY), ignore_index=True, na_position="first")
        with replacing(file.with_suffix(".csv")) as temporary:
            merged.to_csv(temporary, index=False)
        with replacing(file) as temporary:
            merged.to_parquet(temporary, index=False)
    return merged
