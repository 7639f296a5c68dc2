"""Samples as an iterator: the one loop in which every sample of this project is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gcdp_bench.core.batching import halved
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import Batch

CPU_BATCH = 8
"""Samples that the CPU always draws at once. Its kernels choose the order of their sums by the
shape of a batch: with one shape, a sample does not depend on the batch that it is drawn in.
"""


@dataclass(frozen=True)
class Prompt:
    """What one sample is drawn from."""

    id: str  # of the sample
    caption: str
    seed: int


def generate(
    draw: Callable[..., Batch],
    prompts: Sequence[Prompt],
    *,
    guidance: float,
    device: str,
    batch_size: int,
    progress: Progress,
    task: str,
    num_done: int = 0,
    settings: Callable[[Sequence[Prompt]], Mapping[str, Any]] = lambda prompts: {},
) -> Iterator[tuple[Batch, float]]:
    """Draw one sample per prompt, in batches, each of which is yielded as soon as it is drawn.

    A batch for which a GPU has no memory is halved, and so are those after it. On the CPU every
    batch has `CPU_BATCH` samples; those of a shorter one that are too many are dropped.

    Args:
        draw: `Generator.sample` or `Cascade.outpaint`.
        prompts: in their order.
        guidance: value of the generator's sampling parameter.
        device: where `draw` computes.
        batch_size: samples drawn at once on a GPU.
        progress: told of every batch, after it was taken.
        task: what the progress bar says.
        num_done: samples that are there already, for the progress bar.
        settings: further arguments of `draw` for a batch.

    Yields:
        A batch with the ids of its prompts, and the seconds that it took.

    Raises:
        MemoryError: the device has no room for one sample.
        FloatingPointError: as `Generator.sample`.
    """
    progress.start(task, len(prompts) + num_done, done=num_done, unit="image")
    size = CPU_BATCH if device == "cpu" else batch_size
    start = 0
    while start < len(prompts):
        part = prompts[start : start + size]
        full = [*part, *[part[-1]] * (CPU_BATCH - len(part))] if device == "cpu" else part
        began = time.perf_counter()
        try:
            batch = draw(
                [prompt.caption for prompt in full],
                guidance=guidance,
                seeds=[prompt.seed for prompt in full],
                **settings(full),
            )
        except RuntimeError as error:
            size = halved(len(part), error, task)
            continue  # outside of `except` the failed batch is freed
        start += len(part)
        ids = tuple(prompt.id for prompt in part)
        yield replace(batch.first(len(part)), ids=ids), time.perf_counter() - began
        progress.advance(len(part))
    progress.finish()
