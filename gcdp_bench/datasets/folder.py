"""Any directory of images, layouts and captions; also what `sample` writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from gcdp_bench.datasets.captions import parse_caption
from gcdp_bench.datasets.folder_files import (
    match_faults,
    read_classes,
    refuse,
    scan_captions,
    scan_images,
    split_root,
)
from gcdp_bench.datasets.inspection import WHOLE_SPLIT, FaultList
from gcdp_bench.datasets.layouts import pair_problems, read_checked_layout, read_existing_layout
from gcdp_bench.images import Size, read_image, resize_images, resize_layouts
from gcdp_bench.protocols import IGNORE_ID, Fault, Triplet


class Folder:
    """`images/{id}.png|jpg`, `layouts/{id}.png`, `captions.jsonl`, `classes.json`.

    A line of `captions.jsonl` is {"id": ..., "caption": ...}; `classes.json` is
    {"classes": [names], "dataset": name}. If `FOLDER/SPLIT/images` exists, the split is read from
    `FOLDER/SPLIT`, else the folder itself is the split.

    Args:
        path: the folder.
        split: "train", "val" or "test"; any name when the folder has no splits.
        image_size: (height, width) to resize to; None keeps the size of the first image.
        require_layouts: False accepts a folder without `layouts/`; its layouts are all ignored.
        strict: False accepts images without captions, captions without images and torn lines, for
            `inspect`.

    Raises:
        FileNotFoundError: a part is missing.
        ValueError: captions and images do not match, or a manifest cannot be read.
    """

    def __init__(
        self,
        path: Path,
        split: str = "test",
        *,
        image_size: Size | None = None,
        require_layouts: bool = True,
        strict: bool = True,
    ):
        root = split_root(path, split)
        classes = read_classes(root)
        self.name: str = classes.get("dataset", path.resolve().name)
        self.split = split
        self.official_count = None
        self.class_names: tuple[str, ...] = tuple(classes["classes"])
        self._images, image_faults = scan_images(root)
        self._captions, caption_faults = scan_captions(root / "captions.jsonl")
        self._layouts = root / "layouts"
        self.has_layouts = self._layouts.is_dir()
        if require_layouts and not self.has_layouts:
            raise FileNotFoundError(f"{self._layouts}: expected a folder of layouts, found none")
        match = match_faults(root, self._images, self._captions)
        self._faults: dict[str, list[Fault]] = {}
        for fault in (*image_faults, *caption_faults, *match):
            self._faults.setdefault(fault.id, []).append(fault)
        self._ids = tuple(sorted(self._images.keys() | self._captions.keys()))
        if strict:
            self.require(self._ids)
        self.image_size = image_size or native_size(path, split)

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the images, without the suffix."""
        return self._ids

    def __len__(self) -> int:
        """Number of images."""
        return len(self._ids)

    def __getitem__(self, index: int) -> Triplet:
        """Triplet `index` in the order of ids."""
        name = self._ids[index]
        self.require((name,))
        image = read_image(self._images[name])  # (3, h, w)
        layout = torch.full(image.shape[-2:], IGNORE_ID, dtype=torch.uint8)
        if self.has_layouts:
            path = self._layouts / f"{name}.png"
            layout = read_checked_layout(path, image, self.class_names)
        return Triplet(
            name,
            resize_images(image[None], self.image_size)[0],
            resize_layouts(layout[None], self.image_size)[0],
            self._captions[name],
        )

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return parse_caption(caption, self.class_names)

    def layout(self, index: int) -> Tensor:
        """See `DiskDataset.layout`."""
        return read_existing_layout(self._layouts / f"{self._ids[index]}.png")

    def require(self, ids: Collection[str]) -> None:
        """See `DiskDataset.require`."""
        for name in (WHOLE_SPLIT, *ids):
            refuse(self._faults.get(name, []))

    def inspect(self) -> Iterator[tuple[str, Sequence[Fault]]]:
        """See `CheckedDataset.inspect`; a layout without image and caption is an item of its own.

        A folder without `layouts/` that was opened with `require_layouts=False` has no faults in
        layouts.
        """
        if WHOLE_SPLIT in self._faults:
            yield WHOLE_SPLIT, self._faults[WHOLE_SPLIT]
        for name in self._ids:
            yield name, [*self._faults.get(name, []), *self._inspect_files(name)]
        for path in sorted(self._layouts.glob("*.png")):
            if path.stem not in self._images and path.stem not in self._captions:
                problem = "layout without image and caption; restore them or remove it"
                yield path.stem, [Fault(path.stem, str(path), problem)]

    def _inspect_files(self, name: str) -> list[Fault]:
        if name not in self._images:
            return []
        seen = FaultList(name)
        path = self._images[name]
        image = seen.attempt(path, lambda: read_image(path))
        if self.has_layouts:
            layout_path = self._layouts / f"{name}.png"
            layout = seen.attempt(layout_path, lambda: read_existing_layout(layout_path))
            if layout is not None:
                for problem in pair_problems(layout, image, len(self.class_names)):
                    seen.add(layout_path, problem)
        return seen.faults


def native_size(path: Path, split: str = "test", *, without: Collection[str] = ()) -> Size:
    """(height, width) of the first image whose id is not in `without`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it cannot be decoded.
    """
    root = split_root(path, split)
    found, _ = scan_images(root)
    images = {name: file for name, file in found.items() if name not in without}
    if not images:
        raise FileNotFoundError(f"{root / 'images'}: expected .png or .jpg files, found none")
    _, height, width = read_image(images[min(images)]).shape
    return height, width
