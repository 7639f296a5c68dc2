"""Names to entries, with an error that helps, and places to code."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

T = TypeVar("T")


def lookup(catalog: Mapping[str, T], name: str, what: str) -> T:
    """Entry `name`.

    Raises:
        ValueError: no such entry; the nearest name and all names are given.
    """
    if name in catalog:
        return catalog[name]
    near = difflib.get_close_matches(name, catalog, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"unknown {what} {name!r}; {hint}known: {', '.join(catalog)}")


def loaded(place: str) -> Any:
    """The object at "module:name"."""
    return EntryPoint(name=place, value=place, group="").load()


def located(place: str) -> Callable[..., Any]:
    """The function at "module:name", imported when it is called."""

    def call(*arguments: Any, **options: Any) -> Any:
        return loaded(place)(*arguments, **options)

    return call
