"""Work in batches, which become smaller where a GPU has no memory left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

logger = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


def in_batches(
    items: Sequence[T], work: Callable[[Sequence[T]], R], *, size: int, what: str
) -> Iterator[R]:
    """Results of `work` on `size` items at a time, in order; see `halved`.

    Raises:
        MemoryError: a single item is too much.
    """
    start = 0
    while start < len(items):
        part = items[start : start + size]
        try:
            result = work(part)
        except RuntimeError as error:
            size = halved(len(part), error, what)
            continue  # outside of `except` the failed batch is freed
        start += len(part)
        yield result


def halved(num: int, error: RuntimeError, what: str) -> int:
    """Items at a time after `num` were too many for the device's memory; a warning says so.

    Args:
        num: items of the batch that failed.
        error: how it failed.
        what: is done, for messages: "sampling".

    Raises:
        RuntimeError: `error`, if it is another one.
        MemoryError: a single item is too much.
    """
    if not out_of_memory(error):
        raise error
    reason = str(error).partition(". ")[0]
    if num == 1:
        raise MemoryError(
            f"{what}: out of memory with one image at a time ({reason}); free the device, use a "
            "larger one or --device cpu"
        ) from error
    logger.warning(
        "%s: out of memory with %d images at a time (%s); going on with %d",
        what,
        num,
        reason,
        num // 2,
    )
    torch.cuda.empty_cache()
    return num // 2


def out_of_memory(error: RuntimeError) -> bool:
    """Whether a device had no memory left; cuBLAS and cuDNN say so by a status of their own."""
    return isinstance(error, torch.OutOfMemoryError) or "_STATUS_ALLOC_FAILED" in str(error)
