"""Tidy results: one metric value per row, in Parquet with a CSV beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.parquet import open_parquet, typed
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
    "param_name": "string",  # its sampling parameter, as `protocols.Knob.name`, or "none"
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
"""Columns of schema 3 -> what they are called now."""

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
    if versions == {MIGRATED_VERSION}:
        frame = _migrated(frame)
    elif versions - {SCHEMA_VERSION}:
        raise ValueError(
            f"{file}: expected schema version {SCHEMA_VERSION}, or {MIGRATED_VERSION} that is "
            f"migrated, got {', '.join(map(str, sorted(versions)))}; rerun the sweep with this "
            "version of gcdp-bench"
        )
    rows = typed(frame, file, COLUMNS, remedy=remedy)
    return rows.assign(**{name: rows[name].replace(OLD_IDS) for name in ("model", "source")})


def merge_rows(
    results_dir: Path,
    new: pd.DataFrame,
    *,
    mixed: bool = False,
    drop: Callable[[pd.DataFrame], pd.Series] | None = None,
) -> pd.DataFrame:
    """Add `new` to `results_dir/results.parquet` (and .csv); equal keys take the new value.

    Rows of a point and metric by a newer definition replace those by an older one; so do they the
    rows over all seeds. Processes may add at the same time. The CSV is written first: where the
    Parquet file has a row, the CSV has it too.

    Args:
        results_dir: folder of a sweep.
        new: rows.
        mixed: add rows of another definition than others of the same dataset and metric, too;
            tables and figures refuse them together.
        drop: says which rows of the table go (bool).

    Raises:
        ValueError: `mixed` is off, and rows would stand beside rows of another definition.
    """
    import pandas as pd

    file = results_dir / "results.parquet"
    with exclusive(file):
        held = [read_rows(file)] if file.exists() else []
        if drop is not None:
            held = [rows[~drop(rows)] for rows in held]
        merged = pd.concat([*held, new], ignore_index=True)
        merged = newest(merged.drop_duplicates(list(KEY), keep="last"))
        if not mixed:
            _refuse_mixed(results_dir, merged)
        merged = merged.sort_values(list(KEY), ignore_index=True, na_position="first")
        with replacing(file.with_suffix(".csv")) as temporary:
            merged.to_csv(temporary, index=False)
        with replacing(file) as temporary:
            merged.to_parquet(temporary, index=False)
    return merged


def _migrated(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of schema 3 as one of today's."""
    present = {old: new for old, new in RENAMED.items() if old in frame}
    return frame.rename(columns=present).assign(schema_version=SCHEMA_VERSION, **_ADDED)


def newest(rows: pd.DataFrame) -> pd.DataFrame:
    """Without rows that a newer definition replaced: of one point, or over all seeds."""
    import pandas as pd

    version = pd.to_numeric(rows["definition"], errors="coerce").fillna(0)
    of_point = version.groupby([rows["config_hash"], rows["metric"]]).transform("max")
    of_all = version.groupby([rows["dataset"], rows["metric"]]).transform("max")
    return rows[version == of_point.where(rows["seed"].notna(), of_all)]


def _refuse_mixed(results: Path, rows: pd.DataFrame) -> None:
    measured = rows[~rows["source"].isin(("paper", "alarm"))]
    for (dataset, metric), group in measured.groupby(["dataset", "metric"], sort=False):
        models = group.groupby("definition")["model"].unique()
        if len(models) > 1:
            held = "; ".join(
                f"version {version}: {', '.join(sorted(names))}"
                for version, names in models.items()
            )
            raise ValueError(
                f"{results}: {metric} of {dataset} would hold numbers of different definitions "
                f"({held}), which do not compare; `gcdp-bench sweep` into that folder computes the "
                "older ones again, or choose another --results"
            )
