"""A function in a process of its own, whose memory holds nothing of the tests before."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """What `function` of a module returns, with one thread."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(
        1, mp_context=spawn, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        return pool.submit(function, *arguments).result()
