"""What datasets of files share: their protocol, their items, and how their folder is found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor

from gcdp_bench.protocols import CheckedDataset


@dataclass(frozen=True)
class Item:
    """Where the files of one example lie, or should lie."""

    id: str
    image: Path
    layout: Path


@runtime_checkable
class DiskDataset(CheckedDataset, Protocol):
    """A dataset of files. Opened with `strict=False` it accepts faulty items, to inspect them."""

    @property
    def ids(self) -> Sequence[str]:
        """Ids of the items, known without reading their files."""
        ...

    @property
    def official_count(self) -> int | None:
        """Number of items that the complete split has; None: no number is known."""
        ...

    def layout(self, index: int) -> Tensor:
        """Layout at `index` at its full size, uint8 (h, w)."""
        ...

    def require(self, ids: Collection[str]) -> None:
        """Refuse the first of the items `ids` of which a file or a caption is missing.

        Raises:
            FileNotFoundError: a file is missing, or there is no item at all.
            ValueError: something else is missing; says what.
        """
        ...


def find_folder(root: Path, names: Sequence[str], parts: Sequence[str], what: str) -> Path:
    """The first of `root`, `root`/name for each of `names`, that holds all folders `parts`.

    Raises:
        FileNotFoundError: none does; says where was looked.
    """
    for folder in (root, *(root / name for name in names)):
        if all((folder / part).is_dir() for part in parts):
            return folder
    raise FileNotFoundError(
        f"{root}: expected {what} ({', '.join(parts)}) in it or in {'/, '.join(names)}/, found "
        "none; give their folder with --data-root"
    )
