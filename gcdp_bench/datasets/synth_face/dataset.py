"""Rendered portraits as triplets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from gcdp_bench.core.rng import derive_seed
from gcdp_bench.core.types import Triplet
from gcdp_bench.datasets.faces import (
    ATTRIBUTE_NAMES,
    CLASS_NAMES,
    named_classes,
    parse_attributes,
    write_caption,
)
from gcdp_bench.datasets.synth_face.person import DRAWN, draw_person
from gcdp_bench.datasets.synth_face.portrait import render

FIRST_SEED = {"train": 0, "val": 1_000_000, "test": 2_000_000}
NUM_PORTRAITS = {"train": 6000, "val": 500, "test": 1000}


class SynthFace:
    """`synth-face-25/-50/-100`: the first 25, 50 or 100 % of the training portraits.

    Validation and test portraits are the same for all three; no two splits share a seed. The
    attributes are those of CelebA that the renderer draws.
    """

    class_names = CLASS_NAMES
    attribute_names = DRAWN

    def __init__(
        self, split: str, *, image_size: tuple[int, int] = (128, 128), fraction: int = 100
    ):
        if split not in FIRST_SEED:
            raise ValueError(f"split: expected one of {', '.join(FIRST_SEED)}, got {split!r}")
        if fraction not in (25, 50, 100):
            raise ValueError(f"fraction: expected 25, 50 or 100, got {fraction}")
        self.name = f"synth-face-{fraction}"
        self.split = split
        self.image_size = image_size
        share = fraction if split == "train" else 100
        self._num = NUM_PORTRAITS[split] * share // 100

    @property
    def ids(self) -> tuple[str, ...]:
        """Split and number of each portrait."""
        return tuple(f"{self.split}-{index:06d}" for index in range(self._num))

    def __len__(self) -> int:
        """Number of portraits."""
        return self._num

    def __getitem__(self, index: int) -> Triplet:
        """Portrait `index`, rendered on every read; its seed also decides the caption."""
        image, layout, attributes = render(self._seed(index), self.image_size)
        return Triplet(
            f"{self.split}-{index:06d}",
            torch.from_numpy(image).permute(2, 0, 1).contiguous(),  # (3, H, W)
            torch.from_numpy(layout),
            self._caption(index, attributes),
        )

    def own_captions(self) -> dict[str, str]:
        """See `Captioned.own_captions`; nothing is rendered."""
        return {
            f"{self.split}-{index:06d}": self._caption(index, self._person(index))
            for index in range(self._num)
        }

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return named_classes(caption)

    def mentioned_classes(self, caption: str) -> frozenset[int]:
        """See `Mentioning.mentioned_classes`."""
        return named_classes(caption, count_denied=True)

    def attributes(self, index: int) -> Tensor:
        """See `AttributedDataset.attributes`; nothing is rendered."""
        true = self._person(index)
        return torch.tensor([true[name] for name in DRAWN])

    def caption_attributes(self, caption: str) -> Mapping[int, bool]:
        """See `AttributedDataset.caption_attributes`; what is not drawn is left out."""
        claims = {ATTRIBUTE_NAMES[i]: value for i, value in parse_attributes(caption).items()}
        return {DRAWN.index(name): value for name, value in claims.items() if name in DRAWN}

    def _person(self, index: int) -> Mapping[str, bool]:
        return draw_person(np.random.default_rng(self._seed(index))).attributes

    def _caption(self, index: int, attributes: Mapping[str, bool]) -> str:
        drawn = {ATTRIBUTE_NAMES.index(name): true for name, true in attributes.items()}
        return write_caption(drawn, derive_seed("synth-face caption", self._seed(index)))

    def _seed(self, index: int) -> int:
        if not 0 <= index < self._num:
            raise IndexError(
                f"{self.name} {self.split}: expected 0 to {self._num - 1}, got {index}"
            )
        return FIRST_SEED[self.split] + index
