"""Samples as an iterator: the one loop in which every sample of this project is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from torch import Tensor

from gcdp_bench.core.batching import halved
from gcdp_bench.core.members import described, ids_of
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import IGNORE_ID, Batch, Generator

CPU_BATCH = 8
"""Samples that the CPU always draws at once. Its kernels choose the order of their sums by the
shape of a batch: with one shape, a sample does not depend on the batch that it is drawn in.
"""


@dataclass(frozen=True)
class Prompt:
    """Inputs of one sample."""

    id: str  # of the sample
    caption: str
    seed: int


def generate(
    generator: Generator,
    prompts: Sequence[Prompt],
    *,
    name: str,
    guidance: float,
    batch_size: int,
    progress: Progress,
    task: str,
    num_done: int = 0,
    draw: Callable[..., object] | None = None,
    settings: Callable[[Sequence[Prompt]], Mapping[str, Any]] = lambda prompts: {},
) -> Iterator[tuple[Batch, float]]:
    """Draw one sample per prompt, in batches, each of which is yielded as soon as it is drawn.

    A batch for which a GPU has no memory is halved, and so are those after it. On the CPU every
    batch has `CPU_BATCH` samples; those of a shorter one that are too many are dropped.

    Args:
        generator: that draws.
        prompts: in their order.
        name: of the generator, as the user gave it.
        guidance: value of its sampling parameter.
        batch_size: samples drawn at once on a GPU.
        progress: told of every batch, after it was taken.
        task: what the progress bar says.
        num_done: samples that are there already, for the progress bar.
        draw: None: `generator.sample`; or `Cascade.outpaint`.
        settings: further arguments of `draw` for a batch.

    Yields:
        A batch with the ids of its prompts, and the seconds that it took.

    Raises:
        MemoryError: the device has no room for one sample.
        FloatingPointError: as `Generator.sample`.
        ValueError: as `check_batch`.
    """
    draw = draw or generator.sample
    on_cpu = generator.device == "cpu"
    progress.start(task, len(prompts) + num_done, done=num_done, unit="image")
    size = CPU_BATCH if on_cpu else batch_size
    start = 0
    while start < len(prompts):
        part = prompts[start : start + size]
        full = [*part, *[part[-1]] * (CPU_BATCH - len(part))] if on_cpu else part
        captions = tuple(prompt.caption for prompt in full)
        began = time.perf_counter()
        try:
            batch = draw(
                list(captions),
                guidance=guidance,
                seeds=[prompt.seed for prompt in full],
                **settings(full),
            )
        except RuntimeError as error:
            size = halved(len(part), error, task)
            continue  # outside of `except` the failed batch is freed
        start += len(part)
        ids = tuple(prompt.id for prompt in part)
        drawn = check_batch(batch, captions, generator, name).first(len(part))
        yield replace(drawn, ids=ids), time.perf_counter() - began
        progress.advance(len(part))
    progress.finish()


def check_batch(batch: object, captions: Sequence[str], generator: Generator, name: str) -> Batch:
    """The batch itself, if it is what its generator says that it draws.

    Args:
        batch: from `Generator.sample`.
        captions: that it was drawn from.
        generator: that drew it.
        name: of the generator, as the user gave it.

    Raises:
        ValueError: it is no `Batch`, or the number, shapes, types or values of its members are
            others.
    """

    def refuse(what: str, expected: str, got: str) -> NoReturn:
        raise ValueError(
            f"{name}: {what}: expected {expected}, got {got}; correct its sample (no sample of "
            "this batch is written)"
        )

    if not isinstance(batch, Batch):
        refuse("sample", "a gcdp_bench.core.types.Batch", described(batch))
    num, size, layouts = len(captions), generator.image_size, batch.layouts
    if (layouts is not None) != generator.makes_layouts:
        expected = "layouts" if generator.makes_layouts else "None"
        refuse(
            "layouts",
            f"{expected}, as makes_layouts is {generator.makes_layouts}",
            described(layouts),
        )
    tensors: dict[str, tuple[object, tuple[int, ...]]] = {"images": (batch.images, (num, 3, *size))}
    if layouts is not None:
        tensors["layouts"] = layouts, (num, *size)
    for what, (found, shape) in tensors.items():
        expected = f"torch.uint8 {shape}"
        if not isinstance(found, Tensor) or described(found) != expected:
            refuse(what, f"{expected} for {num} captions", described(found))
    for what, texts in (("ids", batch.ids), ("captions", batch.captions)):
        if len(texts) != num:
            refuse(what, f"{num}, one per caption", f"{len(texts)}")
    if tuple(batch.captions) != tuple(captions):
        refuse("captions", "those that sample was given, in their order", "others")
    num_classes = len(generator.class_names)
    if layouts is not None and int(layouts.max()) >= num_classes:
        beyond = layouts[(layouts >= num_classes) & (layouts != IGNORE_ID)]
        if len(beyond):
            refuse(
                "layouts",
                ids_of(num_classes),
                f"{int(beyond.max())}",
            )
    return batch
