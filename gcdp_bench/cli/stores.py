"""Folders that are given as a path or as the URL of an object store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class StoredFolder(click.ParamType):
    """A folder; for a URL such as s3://BUCKET/FOLDER, its local copy."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Open the store of a URL; nothing is brought or sent yet."""
        from gcdp_bench.results.object_store import is_remote, open_store

        if isinstance(value, Path):
            return value
        return open_store(value).path if is_remote(value) else Path(value)


class StoredResults(StoredFolder):
    """The results folder of a sweep; for a URL, its local copy with the rows of all writers."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Bring the rows; what lies behind them is brought by who needs it."""
        path = super().convert(value, param, ctx)
        from gcdp_bench.results.object_store import is_remote

        if not isinstance(value, Path) and (is_remote(value) or path.is_dir()):
            from gcdp_bench.results.sync import synchronise

            synchronise(path)
        return path


STORED, STORED_RESULTS = StoredFolder(), StoredResults()


def require_folder(folder: Path, what: str, remedy: str) -> None:
    """Refuse a folder that does not exist, before anything heavy is imported.

    Raises:
        FileNotFoundError: says what was expected and the remedy.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected {what}, found none; {remedy}")


def require_results(results: Path) -> None:
    """The same of the results of a sweep."""
    require_folder(results, "the results of a sweep", "run `gcdp-bench sweep` first")


def require_samples(folder: Path) -> None:
    """The same of a folder of samples; one in a store is looked for when it is brought."""
    from gcdp_bench.results.object_store import store_of

    if store_of(folder) is None:
        require_folder(
            folder, "a folder of samples (images/, captions.jsonl)", "run `gcdp-bench sample` first"
        )
