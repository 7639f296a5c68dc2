"""Rendered scenes as triplets."""

from __future__ import annotations

import numpy as np
import torch

from gcdp_bench.core.types import Triplet
from gcdp_bench.datasets.captions import parse_caption, write_caption
from gcdp_bench.datasets.synth_city.classes import CLASS_NAMES
from gcdp_bench.datasets.synth_city.scene import render

CAPTION_SIZE = (
    64,
    128,
)  # the caption names what is visible at this size, at whatever size it is read
FIRST_SEED = {"train": 0, "val": 1_000_000, "test": 2_000_000}
NUM_SCENES = {"train": 2975, "val": 500, "test": 1000}


class SynthCity:
    """`synth-city-25/-50/-100`: the first 25, 50 or 100 % of the training scenes.

    Validation and test scenes are the same for all three; no two splits share a seed.
    """

    class_names = CLASS_NAMES

    def __init__(self, split: str, *, image_size: tuple[int, int] = (64, 128), fraction: int = 100):
        if split not in FIRST_SEED:
            raise ValueError(f"split: expected one of {', '.join(FIRST_SEED)}, got {split!r}")
        if fraction not in (25, 50, 100):
            raise ValueError(f"fraction: expected 25, 50 or 100, got {fraction}")
        self.name = f"synth-city-{fraction}"
        self.split = split
        self.image_size = image_size
        share = fraction if split == "train" else 100
        self._num = round(NUM_SCENES[split] * share / 100)

    @property
    def ids(self) -> tuple[str, ...]:
        """Split and number of each scene."""
        return tuple(f"{self.split}-{index:06d}" for index in range(self._num))

    def __len__(self) -> int:
        """Number of scenes."""
        return self._num

    def __getitem__(self, index: int) -> Triplet:
        """Scene `index`, rendered on every read."""
        if not 0 <= index < self._num:
            raise IndexError(
                f"{self.name} {self.split}: expected 0 to {self._num - 1}, got {index}"
            )
        seed = FIRST_SEED[self.split] + index
        image, layout = render(seed, self.image_size)
        captioned = layout if self.image_size == CAPTION_SIZE else render(seed, CAPTION_SIZE)[1]
        return Triplet(
            f"{self.split}-{index:06d}",
            torch.from_numpy(image).permute(2, 0, 1).contiguous(),  # (3, H, W)
            torch.from_numpy(layout),
            write_caption(np.unique(captioned).tolist(), CLASS_NAMES),
        )

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return parse_caption(caption, CLASS_NAMES)

    def mentioned_classes(self, caption: str) -> frozenset[int]:
        """See `Mentioning.mentioned_classes`."""
        return parse_caption(caption, CLASS_NAMES, count_denied=True)
