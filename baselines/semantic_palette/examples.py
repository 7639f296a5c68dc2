"""Examples of a dataset as both networks see them, kept in memory once read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.semantic_palette.layouts import palettes_of
from gcdp_bench.core.images import Size, mirror_layouts
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.framing import fit_image, fit_layout
from gcdp_bench.datasets.layouts import checked_layout


class LayoutExamples:
    """Layouts at one size, and the palettes of the layouts at the dataset's own size."""

    def __init__(self, dataset: Dataset, size: Size):
        self._dataset = dataset
        self._size = size
        self._examples: dict[int, tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return len(self._dataset)

    def layouts(self, indices: Sequence[int], flip: Tensor | None = None) -> Tensor:
        """uint8 (B, h, w); those of `flip`, bool (B,), are mirrored."""
        layouts = torch.stack([self._read(index)[0] for index in indices])  # (B, h, w)
        return layouts if flip is None else _mirrored(layouts, flip, self._dataset)

    def palettes(self, indices: Sequence[int]) -> Tensor:
        """float32 (B, K), rows sum to 1."""
        return torch.stack([self._read(index)[1] for index in indices])  # (B, K)

    def _read(self, index: int) -> tuple[Tensor, Tensor]:
        if index not in self._examples:
            layout = checked_layout(self._dataset[index], self._dataset)[None]  # (1, H, W)
            palette = palettes_of(layout, len(self._dataset.class_names))[0]  # (K,)
            self._examples[index] = (fit_layout(layout[0], self._size, "crop"), palette)
        return self._examples[index]


class PairExamples:
    """Images with their layouts, at one size."""

    def __init__(self, dataset: Dataset, size: Size):
        self._dataset = dataset
        self._size = size
        self._examples: dict[int, tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return len(self._dataset)

    def pairs(self, indices: Sequence[int], flip: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Images uint8 (B, 3, H, W) and layouts uint8 (B, H, W); those of `flip` are mirrored."""
        examples = [self._read(index) for index in indices]
        images, layouts = (torch.stack(parts) for parts in zip(*examples, strict=True))
        if flip is None:
            return images, layouts
        images[flip] = images[flip].flip(-1)
        return images, _mirrored(layouts, flip, self._dataset)

    def _read(self, index: int) -> tuple[Tensor, Tensor]:
        if index not in self._examples:
            triplet = self._dataset[index]
            self._examples[index] = (
                fit_image(triplet.image, self._size, "crop"),  # (3, H, W)
                fit_layout(checked_layout(triplet, self._dataset), self._size, "crop"),  # (H, W)
            )
        return self._examples[index]


def _mirrored(layouts: Tensor, flip: Tensor, dataset: Dataset) -> Tensor:
    layouts[flip] = mirror_layouts(layouts[flip], dataset.class_names)
    return layouts
