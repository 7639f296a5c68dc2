"""Images of a dataset for training: resized, and kept in memory once read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.framing import fit_image


class Images:
    """A dataset's images at `image_size`."""

    def __init__(self, dataset: Dataset, image_size: Size):
        self._dataset, self._size = dataset, image_size
        self._cache: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self._dataset)

    def stack(self, indices: Sequence[int], flip: Tensor | None = None) -> Tensor:
        """uint8 (B, 3, H, W); those of `flip`, bool (B,), are mirrored."""
        images = torch.stack([self._read(index) for index in indices])  # (B, 3, H, W)
        if flip is not None:
            images[flip] = images[flip].flip(-1)
        return images

    def _read(self, index: int) -> Tensor:
        if index not in self._cache:
            image = self._dataset[index].image  # (3, h, w)
            self._cache[index] = fit_image(image, self._size, "crop")  # (3, H, W)
        return self._cache[index]
