"""The table of a results folder: `results.parquet`, a CSV beside it, and rows on their way there.

The rows of a point are written to a file of their own, `rows/CONFIG_HASH.parquet`, which takes the
same time however long the table is; `merge_rows` and `gather_rows` put them into the table. Whoever
reads the table reads both. Without `results.parquet` the files in `rows/` count for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.io.atomic import remove_leftovers, replacing, visible
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.parquet import open_parquet, typed
from gcdp_bench.results.schema import (
    COLUMNS,
    KEY,
    MIGRATED_VERSION,
    OLD_IDS,
    SCHEMA_VERSION,
    migrated,
    renamed,
)

if TYPE_CHECKING:
    import pandas as pd

TABLE, PENDING = "results.parquet", "rows"
REMEDY = "restore it, or remove it and rerun the sweep"


def read_rows(path: Path) -> pd.DataFrame:
    """Rows of a results folder or of one Parquet file.

    Raises:
        FileNotFoundError: no results there.
        ValueError: a file is damaged, of another schema version or lacks columns.
    """
    if not path.is_dir():
        return _read_file(path)
    _, pending = _read_pending(path)  # before the table, as another process may gather them
    table = _read_file(path / TABLE)
    return _merged([table, *pending]) if pending else table


def rows_of_point(results: Path, config_hash: str) -> pd.DataFrame:
    """Rows of one point; none where it was not measured.

    Raises:
        FileNotFoundError, ValueError: as `read_rows`.
    """
    pending = _pending_file(results, config_hash)
    rows = _read_file(pending) if pending.exists() else read_rows(results)
    return rows[rows["config_hash"] == config_hash]


def is_measured(results: Path, config_hash: str) -> bool:
    """Whether the table has rows of a point; takes the same time however long the table is.

    Raises:
        ValueError: the table is damaged.
    """
    table = results / TABLE
    try:
        state = table.stat()
    except FileNotFoundError:
        return False
    if _pending_file(results, config_hash).exists():
        return True
    return config_hash in _hashes(table, state.st_mtime_ns, state.st_size, state.st_ino)


def add_point(results: Path, config_hash: str, rows: pd.DataFrame) -> None:
    """Write the rows of one point; they replace those that it has.

    Args:
        results: folder of a sweep.
        config_hash: of the point.
        rows: all of them.
    """
    with exclusive(results / TABLE):
        if not (results / TABLE).exists():
            _discard(results, visible(results / PENDING))
            _write_table(results, _merged([rows]))
            return
        with replacing(_pending_file(results, config_hash)) as temporary:
            rows.to_parquet(temporary, index=False)


def gather_rows(results: Path) -> None:
    """Put the rows of points that have files of their own into the table.

    Raises:
        ValueError: as `merge_rows`.
    """
    if (results / TABLE).exists() and (results / PENDING).exists():
        merge_rows(results)


def merge_rows(
    results: Path,
    new: pd.DataFrame | Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    *,
    mixed: bool = False,
    drop: Callable[[pd.DataFrame], pd.Series] | None = None,
) -> pd.DataFrame:
    """Add `new` to the table (and its CSV); equal keys take the new value.

    Rows of a point and metric by a newer definition replace those by an older one; so do they the
    rows over all seeds. Processes may add at the same time. The CSV is written first: where the
    Parquet file has a row, the CSV has it too.

    Args:
        results: folder of a sweep.
        new: rows, or what makes them of the table; None: those of `add_point` alone.
        mixed: add rows of another definition than others of the same dataset and metric, too;
            tables and figures refuse them together.
        drop: says which rows of the table go (bool).

    Returns:
        The table.

    Raises:
        ValueError: `mixed` is off, and rows would stand beside rows of another definition.
    """
    with exclusive(results / TABLE):
        files, frames = _read_pending(results)
        frames = [_read_file(results / TABLE), *frames] if (results / TABLE).exists() else []
        if drop is not None:
            frames = [rows[~drop(rows)] for rows in frames]
        if callable(new):
            frames = [_merged(frames)]
            new = new(frames[0])
        merged = _merged(frames if new is None else [*frames, new])
        if not mixed:
            _refuse_mixed(results, merged)
        _write_table(results, merged)
        _discard(results, files)
    return merged


def newest(rows: pd.DataFrame) -> pd.DataFrame:
    """Without rows that a newer definition replaced: of one point, or over all seeds."""
    import pandas as pd

    version = pd.to_numeric(rows["definition"], errors="coerce").fillna(0)
    of_point = version.groupby([rows["config_hash"], rows["metric"]]).transform("max")
    of_all = version.groupby([rows["dataset"], rows["metric"]]).transform("max")
    return rows[version == of_point.where(rows["seed"].notna(), of_all)]


def _merged(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of all frames in the order of their key; of equal keys the last one."""
    import pandas as pd

    rows = pd.concat(frames, ignore_index=True).drop_duplicates(list(KEY), keep="last")
    return newest(rows).sort_values(list(KEY), ignore_index=True, na_position="first")


def _write_table(results: Path, rows: pd.DataFrame) -> None:
    with replacing(results / "results.csv") as temporary:
        rows.to_csv(temporary, index=False)
    with replacing(results / TABLE) as temporary:
        rows.to_parquet(temporary, index=False)


def _read_file(file: Path) -> pd.DataFrame:
    if not file.exists():
        raise FileNotFoundError(
            f"{file}: expected a results table, found none; run `gcdp-bench sweep` first"
        )
    return _checked(open_parquet(file, remedy=REMEDY), file)


def _read_pending(results: Path) -> tuple[list[Path], list[pd.DataFrame]]:
    """Files of points that are not in the table, and their rows, in one frame where they agree.

    Files that another process gathers meanwhile are left out.
    """
    import pandas as pd

    found: dict[Path, pd.DataFrame] = {}
    for file in visible(results / PENDING, "*.parquet"):
        with suppress(FileNotFoundError):
            found[file] = open_parquet(file, remedy=REMEDY)
    if not found:
        return [], []
    try:
        together = pd.concat(list(found.values()), ignore_index=True)
        return list(found), [_checked(together, results / PENDING)]
    except ValueError:  # which file, the next line says
        return list(found), [_checked(frame, file) for file, frame in found.items()]


def _checked(frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Rows of a file as today's."""
    version = {"schema_version": COLUMNS["schema_version"]}
    versions = set(typed(frame, file, version, remedy=REMEDY)["schema_version"])
    if versions == {MIGRATED_VERSION}:
        frame = migrated(frame)
    elif versions - {SCHEMA_VERSION}:
        raise ValueError(
            f"{file}: expected schema version {SCHEMA_VERSION}, or {MIGRATED_VERSION} that is "
            f"migrated, got {', '.join(map(str, sorted(versions)))}; rerun the sweep with this "
            "version of gcdp-bench"
        )
    rows = typed(renamed(frame), file, COLUMNS, remedy=REMEDY)
    return rows.assign(**{name: rows[name].replace(OLD_IDS) for name in ("model", "source")})


def _pending_file(results: Path, config_hash: str) -> Path:
    return results / PENDING / f"{config_hash}.parquet"


def _discard(results: Path, files: Iterable[Path]) -> None:
    for file in files:
        file.unlink()
    remove_leftovers(results / PENDING)
    with suppress(OSError):  # none there, or another process has just written to it
        (results / PENDING).rmdir()


@lru_cache(maxsize=4)
def _hashes(table: Path, *state: int) -> frozenset[str]:
    """Points of a table; `state` changes when the file does."""
    return frozenset(_read_file(table)["config_hash"])


def _refuse_mixed(results: Path, rows: pd.DataFrame) -> None:
    measured = rows[~rows["source"].isin(("paper", "alarm"))]
    versions = measured[["dataset", "metric", "definition"]].drop_duplicates()
    several = versions[versions.duplicated(["dataset", "metric"])]
    for dataset, metric in several[["dataset", "metric"]].itertuples(index=False, name=None):
        group = measured[(measured["dataset"] == dataset) & (measured["metric"] == metric)]
        held = "; ".join(
            f"version {version}: {', '.join(sorted(names))}"
            for version, names in group.groupby("definition")["model"].unique().items()
        )
        raise ValueError(
            f"{results}: {metric} of {dataset} would hold numbers of different definitions "
            f"({held}), which do not compare; `gcdp-bench sweep` into that folder computes the "
            "older ones again, or choose another --results"
        )
