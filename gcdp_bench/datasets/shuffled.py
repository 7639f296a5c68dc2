"""A fixed order in which the first N items are a fair draw from a split."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gcdp_bench.core.images import Size
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import AttributedDataset, Dataset, Triplet
from gcdp_bench.datasets.framing import native_of, resize_of
from gcdp_bench.datasets.reading import reading_of


class Shuffled:
    """A dataset in seeded random order: the first 64 items are part of the first 200.

    Files of a split lie in the order of a drive or a recording, so that its first items are one
    place at one hour. The order depends on the split's name and length alone: subsets of a dataset
    that share their test split share the captions prompted.

    Args:
        dataset: any dataset; its items keep their ids.
    """

    def __init__(self, dataset: Dataset):
        self._dataset = dataset
        num = len(dataset)
        self._order = torch.randperm(num, generator=generator("order", dataset.split, num)).tolist()
        self.name, self.split = dataset.name, dataset.split
        self.class_names, self.image_size = dataset.class_names, dataset.image_size
        self.reading = reading_of(dataset)

    @property
    def resize(self) -> str:
        """See `framing.resize_of`."""
        return resize_of(self._dataset)

    @property
    def native_size(self) -> Size | None:
        """See `framing.native_of`."""
        return native_of(self._dataset)

    def __len__(self) -> int:
        """Number of items."""
        return len(self._order)

    def __getitem__(self, index: int) -> Triplet:
        """Item `index` of the shuffled order."""
        return self._dataset[self._order[index]]

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return self._dataset.caption_classes(caption)


class ShuffledAttributed(Shuffled):
    """The same of a dataset with attributes."""

    def __init__(self, dataset: AttributedDataset):
        super().__init__(dataset)
        self._attributed = dataset
        self.attribute_names = dataset.attribute_names

    def attributes(self, index: int) -> Tensor:
        """See `AttributedDataset.attributes`."""
        return self._attributed.attributes(self._order[index])

    def caption_attributes(self, caption: str) -> Mapping[int, bool]:
        """See `AttributedDataset.caption_attributes`."""
        return self._attributed.caption_attributes(caption)


def shuffled(dataset: Dataset) -> Shuffled:
    """The dataset in its seeded order, with attributes where it has them."""
    if isinstance(dataset, AttributedDataset):
        return ShuffledAttributed(dataset)
    return Shuffled(dataset)
