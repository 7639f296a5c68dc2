"""Items of a dataset, read or rendered by other processes before a training asks for them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from gcdp_bench.core.types import Dataset, Triplet
from gcdp_bench.training.settings import TrainingConfig
from gcdp_bench.training.steps import step_indices

QUEUED = 16
"""Items per process that are read and not yet asked for."""


@runtime_checkable
class ReadsAhead(Protocol):
    """A task whose items other processes can read before they are asked for."""

    def read_ahead(self, indices: Sequence[int], num_workers: int) -> None:
        """Start `num_workers` processes that read the items in this order."""
        ...


def first_uses(config: TrainingConfig, num_examples: int, step: int) -> list[int]:
    """All examples, in the order in which the steps from `step` on use them first."""
    batch_size = config.batch_size * config.accumulation
    num_steps = -(-2 * num_examples // batch_size)  # a rest of one epoch and a whole one
    used = (step_indices(step + k, batch_size, num_examples, config.seed) for k in range(num_steps))
    return list(dict.fromkeys(index for indices in used for index in indices))


def items(
    dataset: Dataset, indices: Sequence[int], num_workers: int
) -> Iterator[tuple[int, Triplet]]:
    """Each index with its item, in the given order whatever the number of processes.

    Args:
        dataset: can be pickled.
        indices: to read, each once.
        num_workers: at least 1; they end with the iterator. At most `QUEUED` items of each wait.
    """
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    context.set_forkserver_preload([__name__])
    loader = DataLoader(
        _Arrays(dataset),
        batch_size=None,
        sampler=list(indices),
        num_workers=num_workers,
        prefetch_factor=QUEUED,
        collate_fn=_as_it_is,  # pyright: ignore[reportArgumentType]
        multiprocessing_context=context,
        generator=torch.Generator(),  # its seed is for workers, which draw nothing
    )
    for index, triplet in loader:
        yield (
            index,
            replace(
                triplet,
                image=torch.from_numpy(triplet.image),
                layout=torch.from_numpy(triplet.layout),
            ),
        )


class _Arrays(TorchDataset):
    """Items with arrays in place of tensors, which would hold a file open for each."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def __getitem__(self, index: int) -> tuple[int, Any]:
        triplet: Any = self.dataset[index]
        image, layout = triplet.image.numpy(), triplet.layout.numpy()
        return index, replace(triplet, image=image, layout=layout)


def _as_it_is(item: tuple[int, Any]) -> tuple[int, Any]:
    return item
