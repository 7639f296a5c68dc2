"""Tables of a results folder in an object store, to which several machines write.

A store has no locks, so no two of them write the same object. Each local copy sends its own rows:

    writers/WRITER/{results,controls,costs,classes}.parquet

and the rows of all writers together are the table. `results.parquet` and the others beside
`writers/` are that table for people who read it without gcdp-bench; they are written when a command
ends. Files of a point are sent before its rows: where there is a row, its files are there too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gcdp_bench.core.progress import Progress
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.parquet import read_parquet
from gcdp_bench.results import alarms
from gcdp_bench.results import costs as cost_rows
from gcdp_bench.results import layout as points
from gcdp_bench.results import table as rows
from gcdp_bench.results.object_store import Store, store_of
from gcdp_bench.results.schema import KEY

if TYPE_CHECKING:
    import pandas as pd

WRITERS = "writers"


@dataclass(frozen=True)
class _Table:
    """A table of a results folder, and what knows how to read it and to add to it."""

    file: str
    key: Sequence[str]
    read: Callable[[Path], pd.DataFrame]  # a file
    add: Callable[[Path, pd.DataFrame], object]  # to a results folder


TABLES = (
    _Table(
        "classes.parquet",
        ["dataset", "class"],
        lambda file: read_parquet(file, points.PROPORTIONS, remedy="remove it"),
        points.write_proportions,
    ),
    _Table("controls.parquet", alarms.TABLE_KEY, rows.read_rows, alarms.write_controls),
    _Table("costs.parquet", cost_rows.KEY, cost_rows.read_table, cost_rows.merge_costs),
    _Table("results.parquet", list(KEY), rows.read_rows, partial(rows.merge_rows, mixed=True)),
)
"""Rows last: what comes before them is there when they are."""


def synchronise(results: Path, *, whole: bool = False, progress: Progress | None = None) -> None:
    """Bring the rows of all writers, and send own points and rows that the store lacks.

    Does nothing for a folder that is no local copy of a store. Given again after a crash, it sends
    what was not sent.

    Args:
        results: folder of a sweep.
        whole: write the table of all writers, too.
        progress: told of files that are sent.

    Raises:
        OSError: the store does not answer, or refuses.
        ValueError: a table in it is damaged or of another version, and which.
    """
    store = store_of(results)
    if store is None:
        return
    with exclusive(results / "store"), TemporaryDirectory() as scratch:
        rows.gather_rows(results)
        held = _bring(store, Path(scratch))
        for hash_ in _unsent(results, held):
            point = points.read_point(results, hash_)
            for path in (point.reference, point.samples, point.folder):
                store.push(path.relative_to(results).as_posix(), progress=progress)
        _send(store, held, Path(scratch))
        if whole:
            _write_whole(store)


def _bring(store: Store, scratch: Path) -> Mapping[str, Mapping[str, pd.DataFrame]]:
    """Add to the local tables what others have; tables of all writers, by file and writer.

    A table that no writer sent (somebody copied a results folder into the store) is writer "".
    """
    held: dict[str, dict[str, pd.DataFrame]] = {table.file: {} for table in TABLES}
    names = [table.file for table in TABLES]
    store.pull(WRITERS, *names, into=scratch, again=True)
    for table in TABLES:
        for file in sorted(scratch.rglob(table.file)):
            place = file.relative_to(scratch)
            try:
                frame = table.read(file)
            except ValueError as error:
                raise ValueError(f"{store.url}/{place}: {error}") from error
            held[table.file]["" if len(place.parts) == 1 else place.parts[1]] = frame
        own = store.path / table.file
        others = list(held[table.file].values())
        if others:
            mine = [table.read(own)] if own.exists() else []
            new = _lacking(table.key, mine, others)
            if len(new):
                table.add(store.path, new)
    return held


def _unsent(results: Path, held: Mapping[str, Mapping[str, pd.DataFrame]]) -> list[str]:
    """Points of the local table that no writer has, or has by older definitions alone; rows over
    all seeds have no files.
    """
    if not (results / "results.parquet").exists():
        return []
    own = rows.read_rows(results)
    what = ["config_hash", "metric", "definition"]
    known = {
        line
        for frame in held["results.parquet"].values()
        for line in frame[what].itertuples(index=False, name=None)
    }
    measured = own[own["seed"].notna()][what].drop_duplicates()
    return sorted(
        {line[0] for line in measured.itertuples(index=False, name=None) if line not in known}
    )


def _send(store: Store, held: Mapping[str, Mapping[str, pd.DataFrame]], scratch: Path) -> None:
    """Add to this writer's tables the rows that no writer has."""
    for table in TABLES:
        own = store.path / table.file
        if not own.exists():
            continue
        sent = held[table.file]
        new = _lacking(table.key, list(sent.values()), [table.read(own)])
        if not len(new):
            continue
        before = [sent[store.writer]] if store.writer in sent else []
        folder = scratch / "own"
        folder.mkdir(exist_ok=True)
        _joined([*before, new]).to_parquet(folder / table.file, index=False)
        store.push(table.file, source=folder, below=f"{WRITERS}/{store.writer}")


def _write_whole(store: Store) -> None:
    """Write the table of all writers, and again while others send theirs."""
    names = [table.file for table in TABLES] + ["results.csv", "controls.csv"]
    before = None
    while before != (now := store.versions(WRITERS)):
        with TemporaryDirectory() as scratch:
            _bring(store, Path(scratch))
        store.push(*names)
        before = now


def _lacking(
    key: Sequence[str], held: Sequence[pd.DataFrame], frames: Sequence[pd.DataFrame]
) -> pd.DataFrame:
    """Rows of `frames` whose key is not in `held`, once each."""
    num_known = len(_joined(held).drop_duplicates(list(key))) if held else 0
    return _joined([*held, *frames]).drop_duplicates(list(key), keep="first").iloc[num_known:]


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(list(frames), ignore_index=True)
