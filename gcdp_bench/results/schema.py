"""Tidy results: one metric value per row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gcdp_bench.metrics.definitions.definition import CONTROLS

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 4
MIGRATED_VERSION = 3
"""Older version that is read, as rows of today's columns."""

COLUMNS = {
    "schema_version": "int64",
    "dataset": "string",
    "split": "string",  # whose captions were prompted, and whose images are the reference
    "protocol": "string",  # one of PROTOCOLS, or "unknown"
    "source": "string",  # one of SOURCES
    "model": "string",  # a generator's name, or one of REFERENCE_MODELS
    "trained_on": "string",  # the generator's dataset, or "none"
    "train_seed": "Int64",  # of the generator's training; missing: not recorded, or no generator
    "param_name": "string",  # its sampling parameter, as `SamplingParameter.name`, or "none"
    "param_value": "float64",  # value of that parameter; NaN for real images
    "steps": "Int64",  # sampling steps of each stage; missing for real images
    "seed": "Int64",  # missing: all seeds pooled
    "metric": "string",
    "definition": "string",  # version of the metric's definition; "unknown" of published rows
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
    "extractor": "string",  # network that evaluated, or "none"
    "image_size": "string",  # HEIGHTxWIDTH of the images that were evaluated
    "resize": "string",  # one of RESIZES: how images of another size were brought to this one
    "resizer": "string",  # how images reached that network
    "primary": "bool",  # False: of a second segmenter or a second feature network
    "reference": "string",  # digest of the reference images and layouts
    "captions": "string",  # digest of those that were prompted, and of how they are read
    "weights": "string",  # digest of the generator's weights and sampling settings, or "none"
    "extractors": "string",  # digest of the weights of every network that evaluates
    "config_hash": "string",
    "git_commit": "string",
    "versions": "string",
    "hardware": "string",
    "precision": "string",
    "seconds": "float64",  # time to sample the point's images; NaN for real images
    "demo": "bool",  # made by a demonstration, not a result
    "alarm": "string",  # ids of the alarms that concern the row, comma-separated, or "none"
}

SOURCES = ("generated", "real", "real-vs-real", "paper", "control", "alarm")
"""Source of a row's images; for "control" and "alarm" see `gcdp_bench.results.alarms`."""
RESIZES = ("none", "crop", "pad", "stretch")
PROTOCOLS = ("heldout", "paper-like")

REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL = "real-own", "real-shuffled", "real-vs-real"
REFERENCE_MODELS = (REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL)
"""Real images with their own captions, with another image's captions, and as a sample that is
compared with the other real images (the distance when nothing differs).
"""

OLD_IDS = {"real-ceiling": REAL_OWN, "real-floor": REAL_SHUFFLED, "real-split": REAL_VS_REAL}
"""Ids of real images in older tables, in the columns `model` and `source`."""

CONTROL_MODELS = CONTROLS
"""Models of the rows with source "control"."""

KEY = (
    "dataset",
    "split",
    "protocol",
    "model",
    "param_value",
    "steps",
    "seed",
    "metric",
    "class",
    "extractor",
    "num_samples",
    "config_hash",
    "definition",
)
"""Columns that identify a row: measuring the same thing again replaces the value."""

PROVENANCE = (
    "protocol",
    "source",
    "trained_on",
    "param_name",
    "image_size",
    "resize",
    "resizer",
    "reference",
    "captions",
    "weights",
    "extractors",
    "config_hash",
    "git_commit",
    "versions",
    "hardware",
    "precision",
    "ci_method",
    "definition",
    "alarm",
)
"""Columns that no row may leave empty."""

RENAMED = {"knob": "param_name", "guidance": "param_value", "judges": "extractors"}
"""Columns of older tables -> what they are called now. Tables of schema 4 have `judges`, too."""

_ADDED = {"train_seed": None, "resize": "none", "definition": "1", "alarm": "none"}
"""Columns that schema 3 lacks -> what they are in its rows."""


def generators(rows: pd.DataFrame) -> list[str]:
    """Models of the generated rows, in the order of tables and figures."""
    return sorted(rows[rows["source"] == "generated"]["model"].unique(), reverse=True)


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
        for name, known in (("source", SOURCES), ("resize", RESIZES)):
            if record[name] not in known:
                raise ValueError(f"row: expected {name} of {known}, got {record[name]!r}")
    frame = pd.DataFrame(
        [{"schema_version": SCHEMA_VERSION, **record} for record in records], columns=list(COLUMNS)
    )
    return frame.astype(COLUMNS)


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose columns have the names of today; those that it has, whatever its version."""
    old = {old: new for old, new in RENAMED.items() if new not in frame}
    return frame.rename(columns=old)


def migrated(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of schema 3 as one of today's, but for the names of its columns."""
    return frame.assign(schema_version=SCHEMA_VERSION, **_ADDED)
