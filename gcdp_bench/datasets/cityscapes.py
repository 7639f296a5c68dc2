"""Cityscapes in its official tree (Cordts et al. 2016), with the paper's captions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gcdp_bench.core.images import Size, read_image
from gcdp_bench.core.types import IGNORE_ID, Fault, Triplet
from gcdp_bench.datasets.captions import parse_caption, write_caption
from gcdp_bench.datasets.disk import Item, find_folder
from gcdp_bench.datasets.framing import first_size, fit_image, fit_layout
from gcdp_bench.datasets.inspection import WHOLE_SPLIT, inspect_item
from gcdp_bench.datasets.layouts import read_existing_layout, size_problem
from gcdp_bench.datasets.manifest import choose_caption, read_manifest
from gcdp_bench.datasets.opening import required_root
from gcdp_bench.datasets.synth_city.classes import CLASS_NAMES, ID
from gcdp_bench.io.atomic import visible
from gcdp_bench.io.validation import nfc

FOLDERS = ("cityscapes", "Cityscapes")
VARIABLE = "CITYSCAPES_DATASET"  # where Cityscapes' own scripts look
PARTS = {"train": ("train",), "val": ("val",), "test": ("val",), "all": ("train", "val")}
COUNTS = {"train": 2975, "val": 500}
IMAGE_END, LABEL_END = "_leftImg8bit.png", "_gtFine_labelIds.png"

NUM_LABELS = 34  # label ids 0 to 33; the licence plate's -1 is 255 in an 8-bit file
TRAIN_LABELS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""Label ids of the classes 0 to 18, in the order of the classes; all others are unlabeled."""

FREQUENT = frozenset({0, 2, 10, 13})
"""Train ids of road, building, sky and car; as label ids they are unlabeled or rare."""

MOST_PLATES = 0.01
"""Share of a frame that licence plates (255) never reach."""

MAX_LOOKED_AT = 8
"""Label files that are looked at when a split is opened; mostly the first one tells."""

TRAIN_ID_PROBLEM = (
    "*_labelIds.png hold train ids (0 to 18, 255), expected label ids (0 to 33): roads would be "
    "read as unlabeled and cars as fences; restore the files of Cityscapes' gtFine archive and "
    "name those with train ids *_labelTrainIds.png, which are not read"
)


class Cityscapes:
    """`leftImg8bit/` with `gtFine/`, label ids mapped to the 19 training classes and unlabeled.

    Cityscapes' own test labels are not public, so the benchmark's "test" is the official val
    split, the same 500 images as "val". "all" (or "both") is train and val together, the 3475
    images of the paper.

    Args:
        root: the folder of `leftImg8bit` and `gtFine`, or its parent.
        split: "train", "val", "test", "all" or "both".
        image_size: (height, width) to resize to.
        resize: how images of another shape get there, see `framing.frame`.
        captions: manifest of the official release's form; None writes captions by the paper's
            template from the classes of the full-size layout.
        caption_seed: which of a frame's captions in the manifest is used; None: the first.
        plural: template with plurals ("roads, buildings and sky"), or with the names as they are.
        strict: False accepts a frame without labels or caption, or labels alone, for `inspect`.

    Raises:
        FileNotFoundError: a folder, or one of a frame's two files, is missing.
        ValueError: unknown split, or a frame has no caption in the manifest.
    """

    class_names = CLASS_NAMES

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        image_size: Size = (256, 512),
        resize: str = "none",
        captions: Path | None = None,
        caption_seed: int | None = 0,
        plural: bool = True,
        strict: bool = True,
    ):
        split = "all" if split == "both" else split
        if split not in PARTS:
            raise ValueError(f"split: expected one of {', '.join(PARTS)} or both, got {split!r}")
        tree = _find_tree(root)
        self.name = "cityscapes" if plural else "cityscapes-singular"
        self.split = split
        self.image_size = image_size
        self.resize = resize
        self.official_count = sum(COUNTS[part] for part in PARTS[split])
        self._tree, self._plural = tree, plural
        self._manifest, self._caption_seed = captions, caption_seed
        self._captions: Mapping[str, Sequence[str]] = {}
        if captions is not None:
            self.name = "cityscapes-manifest"
            self._captions = read_manifest(captions, suffix="_leftImg8bit")
        self._items = [item for part in PARTS[split] for item in _items(tree, part)]
        if strict:
            self.require(self.ids)

    @property
    def ids(self) -> tuple[str, ...]:
        """City, sequence and frame: "aachen_000000_000019"."""
        return tuple(item.id for item in self._items)

    @property
    def native_size(self) -> Size | None:
        """See `framing.native_of`."""
        return first_size(item.image for item in self._items)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._items)

    def __getitem__(self, index: int) -> Triplet:
        """Frame `index` in the order of names, train before val."""
        item = self._items[index]
        image = read_image(item.image)  # (3, h, w)
        layout = read_label_ids(item.layout)  # (h, w)
        problem = size_problem(layout, image)
        if problem is not None:
            raise ValueError(f"{item.layout}: {problem}")
        return Triplet(
            item.id,
            fit_image(image, self.image_size, self.resize),
            fit_layout(layout, self.image_size, self.resize),
            self._caption(item.id, layout),
        )

    def layout(self, index: int) -> Tensor:
        """See `DiskDataset.layout`; values are training classes, not label ids."""
        return read_label_ids(self._items[index].layout)

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return parse_caption(caption, CLASS_NAMES)

    def mentioned_classes(self, caption: str) -> frozenset[int]:
        """See `Mentioning.mentioned_classes`."""
        return parse_caption(caption, CLASS_NAMES, count_denied=True)

    def caption(self, index: int, layout: Tensor) -> str:
        """See `DiskDataset.caption`."""
        return self._caption(self._items[index].id, layout)

    def own_captions(self) -> dict[str, str] | None:
        """See `Captioned.own_captions`."""
        if self._manifest is None:
            return None
        return {name: self._caption(name, None) for name in self.ids if name in self._captions}

    def require(self, ids: Collection[str]) -> None:
        """See `DiskDataset.require`."""
        if not self._items:
            raise FileNotFoundError(
                f"{self._tree}: expected leftImg8bit/{PARTS[self.split][0]}/CITY/*{IMAGE_END}, "
                "found none"
            )
        wanted = set(ids)
        for item in self._items:
            if item.id not in wanted:
                continue
            for path, what in ((item.image, "image"), (item.layout, "labels")):
                if not path.exists():
                    raise FileNotFoundError(f"{path}: expected the {what} of {item.id}, found none")
            if self._manifest is not None:
                self._given_captions(item.id)
        if problem := self._train_ids([item for item in self._items if item.id in wanted]):
            raise ValueError(f"{self._tree / 'gtFine'}: {problem}")

    def inspect(self) -> Iterator[tuple[str, Sequence[Fault]]]:
        """See `CheckedDataset.inspect`."""
        if problem := self._train_ids(self._items):
            yield WHOLE_SPLIT, [Fault(WHOLE_SPLIT, str(self._tree / "gtFine"), problem)]
        for item in self._items:
            faults = self._inspect(item)
            yield item.id, [fault for fault in faults if fault.problem != problem]

    def _train_ids(self, items: Sequence[Item]) -> str | None:
        """Problem if the first readable label files hold train ids, or None."""
        seen: set[int] = set()
        for item in items[:: max(1, len(items) // MAX_LOOKED_AT)]:
            try:
                seen |= set(read_existing_layout(item.layout).unique().tolist())
            except (ValueError, OSError):
                continue
            if not _look_like_train_ids(seen):
                return None
        return TRAIN_ID_PROBLEM if _look_like_train_ids(seen) else None

    def _inspect(self, item: Item) -> list[Fault]:
        def problems(labels: Tensor, image: Tensor | None) -> list[str]:
            found = (size_problem(labels, image) if image is not None else None, _problem(labels))
            return [problem for problem in found if problem is not None]

        def caption(labels: Tensor | None) -> str | None:
            if labels is None and self._manifest is None:
                return None  # the labels are the fault
            return self._caption(item.id, labels if labels is None else to_classes(labels))

        seen = inspect_item(
            item,
            read_layout=lambda: read_existing_layout(item.layout),
            problems=problems,
            caption_file=self._manifest or item.layout,
            caption=caption,
        )
        return seen.faults

    def _caption(self, name: str, layout: Tensor | None) -> str:
        if self._manifest is not None:
            return choose_caption(self._given_captions(name), name, self._caption_seed)
        assert layout is not None
        return write_caption(np.unique(layout).tolist(), CLASS_NAMES, plurals=self._plural)

    def _given_captions(self, name: str) -> Sequence[str]:
        if name not in self._captions:
            raise ValueError(
                f"{self._manifest}: expected captions of {name}{IMAGE_END}, found none; add its "
                "line or remove the image"
            )
        return self._captions[name]


def find_manifest(root: Path) -> Path:
    """The one `*_captions.jsonl` in the folder of `leftImg8bit` and `gtFine`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: there are several.
    """
    tree = _find_tree(root)
    found = visible(tree, "*_captions.jsonl")
    if not found:
        raise FileNotFoundError(
            f"{tree}: expected captions in one file *_captions.jsonl, found none; use the dataset "
            "cityscapes for captions by the template"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"{tree}: expected one file *_captions.jsonl, found {names}; keep one")
    return found[0]


def to_classes(labels: Tensor) -> Tensor:
    """Label ids, uint8 of any shape, to classes 0 to 18, all other ids to 19 (unlabeled)."""
    table = torch.full((256,), ID["unlabeled"], dtype=torch.uint8)  # (256,)
    table[list(TRAIN_LABELS)] = torch.arange(len(TRAIN_LABELS), dtype=torch.uint8)
    return table[labels.long()]


def read_label_ids(path: Path) -> Tensor:
    """Classes uint8 (H, W) of a `*_gtFine_labelIds.png`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be decoded, or has a value that is no label id.
    """
    labels = read_existing_layout(path)
    problem = _problem(labels)
    if problem is not None:
        raise ValueError(f"{path}: {problem}")
    return to_classes(labels)


def _find_tree(root: Path) -> Path:
    return find_folder(root, FOLDERS, ("leftImg8bit", "gtFine"), "Cityscapes' official tree")


def _problem(labels: Tensor) -> str | None:
    ignored = float((labels == IGNORE_ID).float().mean()) if labels.numel() else 0.0
    if ignored >= MOST_PLATES and _look_like_train_ids(set(labels.unique().tolist())):
        return TRAIN_ID_PROBLEM
    unknown = labels[(labels >= NUM_LABELS) & (labels != IGNORE_ID)]
    if not len(unknown):
        return None
    return (
        f"has label id {int(unknown[0])}, expected 0 to {NUM_LABELS - 1} (or 255, the licence "
        "plate); restore the file that Cityscapes ships"
    )


def _look_like_train_ids(values: set[int]) -> bool:
    """Whether values hold two of the most frequent train ids, and none of the ids that sky, cars
    and vegetation have in every official label file.
    """
    highest = len(TRAIN_LABELS) - 1
    return all(v <= highest or v == IGNORE_ID for v in values) and len(values & FREQUENT) > 1


def _items(tree: Path, part: str) -> Iterator[Item]:
    """Every frame of an official split of which there is an image or a label file."""
    images, labels = tree / "leftImg8bit" / part, tree / "gtFine" / part
    image_files, label_files = _frames(images, IMAGE_END), _frames(labels, LABEL_END)
    for city, name in sorted(image_files.keys() | label_files.keys()):
        yield Item(
            name,
            image_files.get((city, name), images / city / f"{name}{IMAGE_END}"),
            label_files.get((city, name), labels / city / f"{name}{LABEL_END}"),
        )


def _frames(folder: Path, end: str) -> dict[tuple[str, str], Path]:
    """Files CITY/NAME + end by city and name; the case of the suffix does not matter."""
    stem = end.removesuffix(".png")
    return {
        (nfc(path.parent.name), nfc(path.stem).removesuffix(stem)): path
        for path in visible(folder, f"*/*{stem}.*")
        if path.suffix.lower() == ".png"
    }


def open_cityscapes(
    split: str,
    image_size: Size,
    data_root: Path | None,
    *,
    plural: bool = True,
    manifest: bool = False,
    resize: str = "none",
    strict: bool = True,
) -> Cityscapes:
    """See `opening.OpenFiles`.

    Args:
        split: also "all" and "both".
        image_size: (height, width).
        data_root: else the environment variable of Cityscapes' own scripts.
        plural: template with plurals, or with the names as they are.
        manifest: captions from the `*_captions.jsonl` in its folder instead.
        resize: see `framing.frame`.
        strict: refuse faulty items.
    """
    root = required_root(data_root, "cityscapes", VARIABLE)
    return Cityscapes(
        root,
        split,
        image_size=image_size,
        resize=resize,
        captions=find_manifest(root) if manifest else None,
        plural=plural,
        strict=strict,
    )
