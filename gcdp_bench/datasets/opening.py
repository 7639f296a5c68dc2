"""Open datasets on disk: data roots, environment variables, options of a name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gcdp_bench.io.cache import LAYOUTS, cache_home

if TYPE_CHECKING:
    from gcdp_bench.core.images import Size
    from gcdp_bench.core.progress import Progress
    from gcdp_bench.datasets.disk import DiskDataset

CITYSCAPES_VARIABLE = "CITYSCAPES_DATASET"  # where Cityscapes' own scripts look
FIRST_CAPTIONS = {"test-first": "test"}  # split of celeba -> the split whose images it has
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


def camvid_files() -> DiskFiles:
    """CamVid."""

    def open_split(
        split: str,
        image_size: Size,
        data_root: Path | None,
        *,
        resize: str = "none",
        strict: bool = True,
    ) -> DiskDataset:
        from gcdp_bench.datasets.camvid import CamVid

        root = _required(data_root, "camvid")
        return CamVid(root, split, image_size=image_size, resize=resize, strict=strict)

    def classes() -> tuple[str, ...]:
        from gcdp_bench.datasets.camvid import CamVid

        return CamVid.class_names

    return DiskFiles(open=open_split, classes=classes, folders=("CamVid", "camvid"))


def cityscapes_files(*, plural: bool = True, manifest: bool = False) -> DiskFiles:
    """Cityscapes.

    Args:
        plural: template with plurals, or with the names as they are.
        manifest: captions from the `*_captions.jsonl` in its folder instead.
    """

    def open_split(
        split: str,
        image_size: Size,
        data_root: Path | None,
        *,
        resize: str = "none",
        strict: bool = True,
    ) -> DiskDataset:
        from gcdp_bench.datasets.cityscapes import Cityscapes, find_manifest

        root = _required(data_root or _variable(CITYSCAPES_VARIABLE), "cityscapes")
        return Cityscapes(
            root,
            split,
            image_size=image_size,
            resize=resize,
            captions=find_manifest(root) if manifest else None,
            plural=plural,
            strict=strict,
        )

    def classes() -> tuple[str, ...]:
        from gcdp_bench.datasets.cityscapes import Cityscapes

        return Cityscapes.class_names

    return DiskFiles(
        open=open_split,
        classes=classes,
        folders=("cityscapes", "Cityscapes"),
        variable=CITYSCAPES_VARIABLE,
        splits=("train", "val"),
        composed={"test": ("val",), "all": ("train", "val"), "both": ("train", "val")},
    )


def celeba_files(fraction: int) -> DiskFiles:
    """CelebA-HQ with `fraction` percent of the training images.

    Layouts that are merged when they are read are kept in the user's cache, those that `prepare`
    makes beside the masks or in the folder that it is given. The split "test-first" is "test" with
    the first of each face's captions.
    """

    def open_split(
        split: str,
        image_size: Size,
        data_root: Path | None,
        *,
        resize: str = "none",
        strict: bool = True,
    ) -> DiskDataset:
        return open_cached(split, image_size, data_root, cache_home(), resize=resize, strict=strict)

    def open_cached(
        split: str,
        size: Size,
        data_root: Path | None,
        cache: Path | None,
        *,
        resize: str = "none",
        strict: bool,
    ):
        from gcdp_bench.datasets.celeba import AttributedCelebA, CelebA, find_tree

        root = _required(data_root, f"celeba-{fraction}")
        kind = CelebA if find_tree(root).attributes is None else AttributedCelebA
        return kind(
            root,
            FIRST_CAPTIONS.get(split, split),
            image_size=size,
            resize=resize,
            fraction=fraction,
            caption_seed=None if split in FIRST_CAPTIONS else 0,
            cache=None if cache is None else cache / LAYOUTS,
            strict=strict,
        )

    def prepare(data_root: Path | None, cache: Path | None, progress: Progress) -> int:
        splits = (
            open_cached(split, ANY_SIZE, data_root, cache, strict=False)
            for split in ("train", "val", "test")
        )
        return sum(split.prepare(progress) for split in splits)

    def classes() -> tuple[str, ...]:
        from gcdp_bench.datasets.celeba import CelebA

        return CelebA.class_names

    return DiskFiles(
        open=open_split,
        classes=classes,
        composed={name: (split,) for name, split in FIRST_CAPTIONS.items()},
        folders=("celeba", "CelebAMask-HQ", "multi-modal-celeba", "MM-CelebA-HQ"),
        prepare=prepare,
    )


def _variable(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None


def _required(data_root: Path | None, name: str) -> Path:
    if data_root is None:
        raise FileNotFoundError(
            f"{name}: expected the folder of its files, got none; pass --data-root FOLDER or set "
            "GCDP_DATA"
        )
    return data_root
