"""The controls' images: real ones, altered so that no sound evaluation prefers them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gcdp_bench.core.images import resize_images
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Dataset, Triplet
from gcdp_bench.results.schema import CONTROL_MODELS

NOISE, CONSTANT, BLURRED, SHUFFLED = CONTROL_MODELS
BLUR = 8
GREY = 128

Alter = Callable[[Tensor, int], Tensor]
"""Image uint8 (3, H, W) and its index to the control's image."""


class Altered:
    """Some real images, altered; their layouts and captions stay."""

    def __init__(self, dataset: Dataset, triplets: Sequence[Triplet], alter: Alter, name: str):
        self._triplets, self._alter = triplets, alter
        self.name, self.split = name, dataset.split
        self.class_names, self.image_size = dataset.class_names, dataset.image_size
        self.caption_classes = dataset.caption_classes

    def __len__(self) -> int:
        return len(self._triplets)

    def __getitem__(self, index: int) -> Triplet:
        triplet = self._triplets[index]
        return replace(triplet, image=self._alter(triplet.image, index))


def _noise(image: Tensor, index: int) -> Tensor:
    """Uniform over 0..255, uint8 (3, H, W)."""
    return torch.randint(256, image.shape, generator=generator("noise", index)).to(torch.uint8)


def _constant(image: Tensor, index: int) -> Tensor:
    """Uint8 (3, H, W)."""
    return torch.full_like(image, GREY)


def _blurred(image: Tensor, index: int) -> Tensor:
    """An eighth of height and width, and enlarged again; uint8 (3, H, W)."""
    height, width = image.shape[-2:]
    small = resize_images(image[None], (math.ceil(height / BLUR), math.ceil(width / BLUR)))
    return resize_images(small, (height, width))[0]


ALTERATIONS: Mapping[str, Alter] = {
    NOISE: _noise,
    CONSTANT: _constant,
    BLURRED: _blurred,
}
