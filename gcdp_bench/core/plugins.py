"""Entry points of installed packages: what they add is imported by name."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
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
    return load_entry(found[0])


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


def load_entry(entry: EntryPoint) -> Any:
    """Import the object behind an entry point, or behind "module:attribute" made into one.

    Raises:
        ValueError: the import fails; names the package, the entry point and the remedy.
    """
    try:
        return entry.load()
    except Exception as error:  # another package's import may raise anything
        remedy = (
            "give module:attribute of a module that can be imported"
            if entry.dist is None
            else f"reinstall it, or uninstall it: pip uninstall {entry.dist.name}"
        )
        raise ValueError(
            f"{described(entry)}: expected an object to import, got "
            f"{type(error).__name__}: {error}; {remedy}"
        ) from error


def described(entry: EntryPoint) -> str:
    """Entry point and package in words, for messages."""
    if entry.dist is None:
        return f"{entry.name}={entry.value}"
    return (
        f"package {entry.dist.name} {entry.dist.version} "
        f"(entry point {entry.name} = {entry.value}, group {entry.group})"
    )


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
