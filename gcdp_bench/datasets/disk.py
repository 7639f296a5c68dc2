"""Shared parts of datasets on disk: items, opening, the search for their folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor

from gcdp_bench.core.images import IMAGE_SUFFIXES, LAYOUT_SUFFIXES, LOSSY_SUFFIXES
from gcdp_bench.core.types import CheckedDataset
from gcdp_bench.io.atomic import visible
from gcdp_bench.io.validation import nfc


@dataclass(frozen=True)
class Item:
    """Paths of the files of one example; they may be missing."""

    id: str
    image: Path
    layout: Path


@runtime_checkable
class Captioned(Protocol):
    """A dataset that knows its captions without making or reading pictures."""

    def own_captions(self) -> Mapping[str, str] | None:
        """Captions by id, of the items that have one, as they are used; None: a template writes
        them from the layouts.
        """
        ...


def template_note_of(dataset: object) -> str | None:
    """Sentence that names the template of a folder's captions; None: it has its own, or the dataset
    is no folder.
    """
    return getattr(dataset, "template_note", None)


@runtime_checkable
class LayoutFiles(Captioned, Protocol):
    """A dataset whose layouts can be read without its images."""

    def layout(self, index: int) -> Tensor:
        """Layout at `index` at its full size, uint8 (h, w)."""
        ...

    def caption(self, index: int, layout: Tensor) -> str:
        """Caption at `index`; `layout` is its layout at its full size, which a template names."""
        ...


@runtime_checkable
class DiskDataset(CheckedDataset, LayoutFiles, Protocol):
    """A dataset of files. Opened with `strict=False` it accepts faulty items, to inspect them."""

    @property
    def ids(self) -> Sequence[str]:
        """Ids of the items, known without reading their files."""
        ...

    @property
    def official_count(self) -> int | None:
        """Number of items that the complete split has; None: no number is known."""
        ...

    def require(self, ids: Collection[str]) -> None:
        """Refuse the first of the items `ids` of which a file or a caption is missing.

        Raises:
            FileNotFoundError: a file is missing, or there is no item at all.
            ValueError: something else is missing; says what.
        """
        ...


def files_by_id(folder: Path, suffixes: Collection[str]) -> tuple[dict[str, Path], list[Path]]:
    """Files of a folder by id: the name without its suffix, with composed accents.

    The case of suffixes does not matter; hidden files and those of systems are left out.

    Returns:
        The files, and those whose id a file before them in the order of names has; nothing of a
        folder that does not exist.
    """
    files: dict[str, Path] = {}
    repeated = []
    for path in visible(folder):
        if path.suffix.lower() in suffixes:
            if files.setdefault(nfc(path.stem), path) != path:
                repeated.append(path)
    return files, repeated


def layouts_by_id(folder: Path) -> tuple[dict[str, Path], list[Path]]:
    """The same of layouts; a file of a format that changes values counts where it is the only one
    of its id, so that reading it says why it is refused.
    """
    files, repeated = files_by_id(folder, LAYOUT_SUFFIXES)
    lossy, _ = files_by_id(folder, LOSSY_SUFFIXES)
    return {**lossy, **files}, repeated


def id_of(file_name: str) -> str:
    """Id in a list of files: the name without folders and a picture's suffix, composed accents."""
    name = nfc(file_name).replace("\\", "/").rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    known = {*IMAGE_SUFFIXES, *LAYOUT_SUFFIXES, *LOSSY_SUFFIXES}
    return stem if f"{dot}{suffix}".lower() in known else name


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
