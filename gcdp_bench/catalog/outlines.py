"""Datasets of the catalogue without their items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.catalog.datasets import (
    DATASETS,
    check_dataset,
    dataset_identity,
    is_folder,
    open_dataset,
)
from gcdp_bench.datasets.outline import Outline

if TYPE_CHECKING:
    from gcdp_bench.images import Size


def outline(name: str, size: Size, *, data_root: Path | None = None) -> Outline:
    """A dataset without its items; of the catalogue's, no file is needed.

    Raises:
        ValueError: unknown dataset.
        FileNotFoundError: a folder that is no dataset.
    """
    check_dataset(name)
    if is_folder(name):
        identity = dataset_identity(name, data_root=data_root)
        return Outline(identity.name, "train", identity.class_names or (), size)
    files = DATASETS[name].files
    if files is not None:
        return Outline(name, "train", files.classes(), size)
    whole = open_dataset(name, "train", size=size, data_root=None)
    return Outline(whole.name, "train", whole.class_names, size)
