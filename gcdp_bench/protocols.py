"""What every part of the benchmark agrees on: the data that travels, and the four roles.

Axis letters used throughout the project: B batch, C channels, H height, W width, K classes,
T diffusion steps, L text tokens, D feature width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

IGNORE_ID = 255
"""Layout value of a pixel that no metric and no loss looks at."""


@dataclass(frozen=True)
class Triplet:
    """One example: an image, its semantic layout and a caption."""

    id: str
    image: Tensor  # uint8 (3, H, W)
    layout: Tensor  # uint8 (H, W), class ids or IGNORE_ID
    caption: str


@dataclass(frozen=True)
class Batch:
    """Examples stacked along the first axis; a generator without layouts leaves them None."""

    ids: tuple[str, ...]
    images: Tensor  # uint8 (B, 3, H, W)
    layouts: Tensor | None  # uint8 (B, H, W)
    captions: tuple[str, ...]

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.ids)


@runtime_checkable
class Dataset(Protocol):
    """A fixed list of triplets. Item i is the same on every read, caption choice included."""

    @property
    def name(self) -> str:
        """Name in the catalogue, or of the folder."""
        ...

    @property
    def split(self) -> str:
        """ "train", "val" or "test"."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names; a layout's value is an index into them."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width)."""
        ...

    def __len__(self) -> int:
        """Number of triplets."""
        ...

    def __getitem__(self, index: int) -> Triplet:
        """Triplet at `index`; raises on an unreadable file, never substitutes another."""
        ...

    def caption_classes(self, caption: str) -> frozenset[int]:
        """Ids of the classes that `caption` names (the set Semantic Recall asks for)."""
        ...


@runtime_checkable
class Generator(Protocol):
    """A text-to-image model under test."""

    @property
    def name(self) -> str:
        """Name in the catalogue."""
        ...

    @property
    def makes_layouts(self) -> bool:
        """Whether layouts come with the images."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the training dataset."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the samples."""
        ...

    @property
    def guidance_range(self) -> tuple[float, float] | None:
        """Values of the trade-off knob; None: no knob, swept once."""
        ...

    def sample(self, captions: Sequence[str], *, guidance: float, seeds: Sequence[int]) -> Batch:
        """Draw one sample per caption; sample i depends on (captions[i], seeds[i], guidance) only.

        Guidance 1.0 means none.
        """
        ...


@dataclass(frozen=True)
class MetricValue:
    """One number of a metric: `class_name` is "all" for a total, a class's name otherwise."""

    metric: str
    class_name: str
    value: float
    num_samples: int


def check_guidance(guidance: float) -> None:
    """Refuse a guidance scale that no generator can be sampled with; 1.0 means none.

    Raises:
        ValueError: it is negative, infinite or NaN.
    """
    if not 0.0 <= guidance < math.inf:
        raise ValueError(f"guidance: expected a finite value of at least 0, got {guidance:g}")
