"""Work in batches, which become smaller where a GPU has no memory left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

logger = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


def out_of_memory(error: RuntimeError) -> bool:
    """Whether a device had no memory left; cuBLAS and cuDNN say so by a status of their own."""
    return isinstance(error, torch.OutOfMemoryError) or "_STATUS_ALLOC_FAILED" in str(error)


class Batches:
    """Does work on items, some at a time.

    When the device runs out of memory, the batch is halved, for the rest of the work too, and a
    warning says so.

    Args:
        size: items at a time.
        what: is done, for messages: "sampling".
    """

    def __init__(self, size: int, what: str):
        self.size = size
        self._what = what

    def run(self, items: Sequence[T], work: Callable[[Sequence[T]], R]) -> Iterator[R]:
        """Results of all batches, in order.

        Raises:
            MemoryError: a single item is too much.
        """
        start = 0
        while start < len(items):
            part = items[start : start + self.size]
            try:
                result = work(part)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                self._shrink(len(part), error)
                continue  # outside of `except` the failed batch is freed
            start += len(part)
            yield result

    def _shrink(self, num: int, error: RuntimeError) -> None:
        reason = str(error).partition(". ")[0]
        if num == 1:
            raise MemoryError(
                f"{self._what}: out of memory with one image at a time ({reason}); free the "
                "device, use a larger one or --device cpu"
            ) from error
        self.size = num // 2
        logger.warning(
            "%s: out of memory with %d images at a time (%s); going on with %d",
            self._what,
            num,
            reason,
            self.size,
        )
        torch.cuda.empty_cache()
