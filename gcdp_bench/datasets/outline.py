"""A dataset without its items: name, classes and size, enough to resolve a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gcdp_bench.core.images import Size
    from gcdp_bench.core.types import Triplet


@dataclass(frozen=True)
class Outline:
    """A `Dataset` without items."""

    name: str
    split: str
    class_names: tuple[str, ...]
    image_size: Size

    def __len__(self) -> int:
        """No items."""
        return 0

    def __getitem__(self, index: int) -> Triplet:
        """Raises IndexError: there is none."""
        raise IndexError(f"{self.name}: an outline has no item {index}")

    def caption_classes(self, caption: str) -> frozenset[int]:
        """No class: captions are not read."""
        return frozenset()
