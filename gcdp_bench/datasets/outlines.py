"""Registered datasets without their items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.outline import Outline
from gcdp_bench.datasets.registry import (
    check_dataset,
    dataset_spec,
    excluded,
    is_folder,
    open_dataset,
    resize_at,
    splits_on_disk,
)

if TYPE_CHECKING:
    from gcdp_bench.core.images import Size


def outline(name: str, size: Size, *, data_root: Path | None = None) -> Outline:
    """A dataset without its items; registered ones need no file.

    Raises:
        ValueError: unknown dataset.
        FileNotFoundError: a folder that is no dataset.
    """
    check_dataset(name)
    if is_folder(name):
        identity = dataset_identity(name, data_root=data_root)
        return Outline(identity.name, "train", identity.class_names or (), size)
    files = dataset_spec(name).files
    if files is not None:
        return Outline(name, "train", files.classes(), size)
    whole = open_dataset(name, "train", size=size, data_root=None)
    return Outline(whole.name, "train", whole.class_names, size)


def require_shapes(
    name: str, size: Size, *, splits: Sequence[str], exclude: Path | None, resize: str
) -> None:
    """Refuse images that cannot be used at `size` without another `resize`, as `open_dataset` does.

    Of a folder the headers of the images are read; splits that it lacks are passed over.

    Raises:
        ValueError: unknown dataset, or images of another shape.
    """
    check_dataset(name)
    if not is_folder(name):
        resize_at(name, size, resize)
        return
    from gcdp_bench.datasets.folder import require_shapes as require

    if resize != "none":
        return
    there = splits_on_disk(name)
    for split in dict.fromkeys("all" if there == ("all",) else split for split in splits):
        if split in there:
            require(Path(name), split, size, without=excluded(name, split, exclude))
