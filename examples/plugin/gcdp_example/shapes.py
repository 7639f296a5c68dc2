"""A dataset that is drawn when it is read: balls and boxes on a meadow."""

from __future__ import annotations

import numpy as np
import torch

from gcdp_bench.core.types import Triplet
from gcdp_bench.datasets.captions import parse_caption, write_caption
from gcdp_bench.datasets.registry import DatasetSpec

CLASS_NAMES = ("meadow", "ball", "box")
COLOURS = torch.tensor([[90, 160, 70], [200, 60, 50], [60, 80, 190]], dtype=torch.uint8)  # (K, 3)
NUM = {"train": 64, "val": 16, "test": 32}


class Shapes:
    """`shapes`: item i of a split is the same on every read."""

    name = "shapes"
    class_names = CLASS_NAMES

    def __init__(self, split: str, image_size: tuple[int, int]):
        if split not in NUM:
            raise ValueError(f"split: expected one of {', '.join(NUM)}, got {split!r}")
        self.split, self.image_size = split, image_size
        self.ids = tuple(f"{split}-{index:03d}" for index in range(NUM[split]))

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.ids)

    def __getitem__(self, index: int) -> Triplet:
        """Picture `index`: one to three shapes, the later ones in front."""
        random = np.random.default_rng([index, list(NUM).index(self.split)])
        y, x = np.indices(self.image_size) / min(self.image_size)  # (H, W), of the shorter side
        layout = np.zeros(self.image_size, dtype=np.uint8)
        for _ in range(random.integers(1, 4)):
            top, left, radius = *random.uniform(0.2, 0.8, 2), random.uniform(0.1, 0.3)
            down, right = np.abs(y - top), np.abs(x - left)  # (H, W)
            if random.random() < 0.5:
                layout[down**2 + right**2 < radius**2] = 1
            else:
                layout[np.maximum(down, right) < radius] = 2
        noise = random.integers(0, 40, (3, *self.image_size), dtype=np.uint8)
        image = COLOURS[layout.astype(int)].permute(2, 0, 1) + torch.from_numpy(noise)  # (3, H, W)
        caption = write_caption(np.unique(layout).tolist(), CLASS_NAMES, template="{classes}")
        return Triplet(self.ids[index], image, torch.from_numpy(layout), caption)

    def caption_classes(self, caption: str) -> frozenset[int]:
        """Ids of the classes that a caption names."""
        return parse_caption(caption, CLASS_NAMES)


SPEC = DatasetSpec(
    summary="balls and boxes on a meadow, 3 classes, 64 training images",
    aspect=1.0,
    build=lambda split, image_size, data_root: Shapes(split, image_size),
)
