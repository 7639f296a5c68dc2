"""A generator that has learned nothing: a disc of each class that the caption names."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import Batch, Generator
from gcdp_bench.datasets.captions import parse_caption
from gcdp_example.shapes import CLASS_NAMES, COLOURS


class Blobs(Generator):
    """Discs at random places, as the classes are named."""

    name, trained_on, digest = "blobs", "shapes", "blobs-1"
    class_names, image_size, makes_layouts = CLASS_NAMES, (32, 32), True

    def __init__(self, sampling: SamplingConfig):
        """`sampling` has steps and device, which a network would use."""

    def sample(self, captions: Sequence[str], *, guidance: float, seeds: Sequence[int]) -> Batch:
        """See `Generator.sample`."""
        layouts = torch.stack([self._layout(*pair) for pair in zip(captions, seeds, strict=True)])
        images = COLOURS[layouts.long()].permute(0, 3, 1, 2)  # (B, 3, H, W)
        return Batch(tuple(map(str, seeds)), images, layouts, tuple(captions))

    def _layout(self, caption: str, seed: int) -> torch.Tensor:
        random = torch.Generator().manual_seed(seed)
        y, x = torch.meshgrid(*map(torch.arange, self.image_size), indexing="ij")  # (H, W)
        layout = torch.zeros(self.image_size, dtype=torch.uint8)
        for index in sorted(parse_caption(caption, CLASS_NAMES)):
            top, left = torch.randint(4, 28, (2,), generator=random)
            layout[(y - top) ** 2 + (x - left) ** 2 < 36] = index
        return layout
