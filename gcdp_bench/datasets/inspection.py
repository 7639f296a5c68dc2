"""Faults of one item, all of them: what would have been raised is written down instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from gcdp_bench.core.images import read_image
from gcdp_bench.core.types import Fault
from gcdp_bench.datasets.disk import Item

T = TypeVar("T")

WHOLE_SPLIT = "*"
"""Id of a fault that is not of one item."""


class FaultList:
    """Faults of the item `name`, in the order in which they are seen."""

    def __init__(self, name: str):
        self._name = name
        self.faults: list[Fault] = []

    def add(self, file: Path, problem: str) -> None:
        """Write a fault down; the problem does not repeat where the file is."""
        text = problem.removeprefix(f"{file}: ").replace(str(file), file.name)
        self.faults.append(Fault(self._name, str(file), text))

    def attempt(self, file: Path, read: Callable[[], T]) -> T | None:
        """Result of `read`, or None and a fault if it raises `ValueError` or `OSError`."""
        try:
            return read()
        except (ValueError, OSError) as error:
            self.add(file, str(error))
            return None


def inspect_item(
    item: Item,
    *,
    read_layout: Callable[[], Tensor],
    problems: Callable[[Tensor, Tensor | None], Iterable[str]],
    caption_file: Path,
    caption: Callable[[Tensor | None], object],
) -> FaultList:
    """Open the files of an item and list what is wrong.

    Args:
        item: where they lie.
        read_layout: the layout at its full size, uint8 (h, w); raises if it cannot be had.
        problems: of the layout and, where it could be read, the image (3, H, W).
        caption_file: what the caption is made from.
        caption: called with the layout, if it is there and sound; raises when there is no caption.
    """
    seen = FaultList(item.id)
    image = seen.attempt(item.image, lambda: read_existing_image(item.image))
    layout = seen.attempt(item.layout, read_layout)
    sound = layout
    if layout is not None:
        for problem in problems(layout, image):
            seen.add(item.layout, problem)
            sound = None
    seen.attempt(caption_file, lambda: caption(sound))
    return seen


def read_existing_image(path: Path) -> Tensor:
    """Image uint8 (3, H, W) of a file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be decoded.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected the image of this item, found none")
    return read_image(path)
