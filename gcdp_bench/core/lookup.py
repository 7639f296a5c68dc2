"""Names to entries, with an error that helps."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

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
