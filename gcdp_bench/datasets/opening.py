"""Open datasets on disk: data roots, environment variables, options of a name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gcdp_bench.core.members import takes

if TYPE_CHECKING:
    from gcdp_bench.core.images import Size
    from gcdp_bench.core.progress import Progress
    from gcdp_bench.core.types import Dataset
    from gcdp_bench.datasets.disk import DiskDataset

ANY_SIZE = (64, 64)  # of a dataset whose files are inspected, which are read at their own size


class OpenFiles(Protocol):
    """Opens a split of a dataset of files; `strict=False` accepts faulty items."""

    def __call__(
        self,
        split: str,
        image_size: Size,
        data_root: Path | None,
        *,
        resize: str = "none",
        strict: bool = True,
    ) -> DiskDataset:
        """Open with images of `image_size`; see `framing.frame` for `resize`."""
        ...


@dataclass(frozen=True, kw_only=True)
class DiskFiles:
    """Files of a dataset: where they are looked for, and how they are opened for a check."""

    open: OpenFiles
    classes: Callable[[], tuple[str, ...]]  # names, known without the files
    folders: tuple[str, ...]  # under the data root, which may also be the dataset's own folder
    variable: str | None = None  # environment variable for when no data root is given
    splits: tuple[str, ...] = ("train", "val", "test")  # every item once
    composed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # other splits, of those
    prepare: Callable[[Path | None, Path | None, Progress], int] | None = None  # root, cache


def required_root(data_root: Path | None, name: str, variable: str | None = None) -> Path:
    """The folder of a dataset's files: what is given, else what an environment variable names.

    Raises:
        FileNotFoundError: neither of them.
    """
    if data_root is None and variable is not None and os.environ.get(variable):
        return Path(os.environ[variable])
    if data_root is None:
        raise FileNotFoundError(
            f"{name}: expected the folder of its files, got none; pass --data-root FOLDER or set "
            "GCDP_DATA"
        )
    return data_root


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """How a dataset is opened: one that is drawn when read by `build`, else one of `files`."""

    summary: str
    aspect: float  # height / width of its images
    paper_split: str = "train"  # captions and reference of the protocol "paper-like"
    is_attributed: bool = False  # its captions name attributes of its images
    build: Callable[[str, Size, Path | None], Dataset] | None = None  # split, size, data root
    files: DiskFiles | None = None

    def __post_init__(self):
        if (self.build is None) == (self.files is None):
            raise ValueError("DatasetSpec: expected either build or files")
        if self.build is not None and not takes(self.build, 3):
            raise ValueError(
                "DatasetSpec: build: expected a function of split, (height, width) and data root, "
                f"got {self.build!r}"
            )
