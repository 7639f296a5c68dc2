"""Entry points of installed packages: what they add is imported by name."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Collection
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from pathlib import Path
from typing import Any

GENERATORS = "gcdp_bench.generators"
DATASETS = "gcdp_bench.datasets"
METRICS = "gcdp_bench.metrics"
EXTRACTORS = "gcdp_bench.extractors"


def named(group: str) -> dict[str, EntryPoint]:
    """Entry points of a group by name; imports none of them.

    Args:
        group: `GENERATORS`, `DATASETS`, `METRICS` or `EXTRACTORS`.
    """
    return {entry.name: entry for entry in _entries(group)}


def load(group: str, name: str, *, builtin: Collection[str] = ()) -> Any:
    """Import the object behind an entry point.

    Args:
        group: as for `named`.
        name: of the entry point.
        builtin: names that the benchmark itself gives, which no package may take.

    Raises:
        ValueError: no such entry point, two packages with the same name, a built-in's name, or an
            import that fails; names the package, the entry point and the remedy.
    """
    found = [entry for entry in _entries(group) if entry.name == name]
    if not found:
        raise ValueError(
            f"expected an entry point {name!r} of the group {group}, found none; install the "
            f"package that has it (installed: {', '.join(sorted(named(group))) or 'none'})"
        )
    if len(found) > 1:
        raise ValueError(
            f"expected one package with the entry point {name!r} of the group {group}, got "
            f"{' and '.join(map(described, found))}; uninstall one of them"
        )
    refuse_clash(group, name, builtin)
    try:
        return found[0].load()
    except (Exception, SystemExit) as error:  # another package's import may raise anything
        raise ValueError(
            f"{described(found[0])}: expected an object to import, got {failure(error)}; reinstall "
            f"it, or uninstall it: pip uninstall {_distribution(found[0]).name}"
        ) from error


def refuse_clash(group: str, name: str, builtin: Collection[str]) -> None:
    """Refuse an entry point with a name that the benchmark itself gives; nothing is imported.

    Args:
        group: as for `named`.
        name: that is used.
        builtin: names that the benchmark itself gives.

    Raises:
        ValueError: names the package, the entry point and the remedy.
    """
    if name in builtin and name in (found := named(group)):
        raise ValueError(
            f"{described(found[name])}: {name!r} is a name of gcdp-bench itself; rename the entry "
            f"point, or uninstall the package"
        )


def described(entry: EntryPoint) -> str:
    """Entry point and package in words, for messages."""
    return f"{package_of(entry)} (entry point {entry.name} = {entry.value}, group {entry.group})"


def package_of(entry: EntryPoint) -> str:
    """Package of an entry point in words: "package gcdp-example 1.0"."""
    distribution = _distribution(entry)
    return f"package {distribution.name} {distribution.version}"


def failure(error: BaseException) -> str:
    """An error of another's code, and its place: "KeyError: 'a' (models.py, line 12)"."""
    text = f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) or not frames:  # it says where
        return text
    return f"{text} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"


def _distribution(entry: EntryPoint) -> Distribution:
    assert entry.dist is not None, "entry points are those of installed packages"
    return entry.dist


def _entries(group: str) -> tuple[EntryPoint, ...]:
    """Entry points of a group; looked for again when what is installed changes."""
    return _found(group, tuple((path, _changed(path)) for path in sys.path))


@lru_cache(maxsize=16)
def _found(group: str, state: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=group))


def _changed(path: str) -> int:
    try:
        return os.stat(path or ".").st_mtime_ns
    except OSError:
        return 0
