"""Reading of captions: do denied classes ("no cars") count as prompted?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from gcdp_bench.core.images import Size
from gcdp_bench.core.types import AttributedDataset, Dataset, Triplet
from gcdp_bench.datasets.framing import native_of, resize_of

DENIED = "denied classes count"


@runtime_checkable
class Mentioning(Dataset, Protocol):
    """A dataset that can say which classes captions deny."""

    def mentioned_classes(self, caption: str) -> frozenset[int]:
        """Ids of the classes that `caption` names, those that it denies too."""
        ...


def reading_of(dataset: Dataset) -> str:
    """Reading of a dataset's captions, if it is not the usual one; else ""."""
    return getattr(dataset, "reading", "")


class CountingDenied:
    """A dataset whose captions prompt what they deny, too.

    Args:
        dataset: any; its items are unchanged.
    """

    def __init__(self, dataset: Mentioning):
        self._dataset = dataset
        self.name, self.split = dataset.name, dataset.split
        self.class_names, self.image_size = dataset.class_names, dataset.image_size
        self.resize = resize_of(dataset)
        own = reading_of(dataset)
        self.reading = own if DENIED in own else "; ".join(filter(None, [own, DENIED]))

    @property
    def native_size(self) -> Size | None:
        """See `framing.native_of`."""
        return native_of(self._dataset)

    def __len__(self) -> int:
        """Number of items."""
        return len(self._dataset)

    def __getitem__(self, index: int) -> Triplet:
        """Item `index`."""
        return self._dataset[index]

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Mentioning.mentioned_classes`."""
        return self._dataset.mentioned_classes(caption)


class CountingDeniedAttributed(CountingDenied):
    """The same of a dataset with attributes; of these, what a caption excludes stays excluded."""

    def __init__(self, dataset: Mentioning, attributed: AttributedDataset):
        super().__init__(dataset)
        self._attributed = attributed
        self.attribute_names = attributed.attribute_names

    def attributes(self, index: int) -> Tensor:
        """See `AttributedDataset.attributes`."""
        return self._attributed.attributes(index)

    def caption_attributes(self, caption: str) -> Mapping[int, bool]:
        """See `AttributedDataset.caption_attributes`."""
        return self._attributed.caption_attributes(caption)


def counting_denied(dataset: Dataset) -> CountingDenied:
    """The dataset with captions that prompt what they deny, with attributes where it has them.

    Raises:
        TypeError: it cannot say what captions deny.
    """
    if not isinstance(dataset, Mentioning):
        raise TypeError(f"{dataset.name}: expected a dataset with `mentioned_classes`")
    if isinstance(dataset, AttributedDataset):
        return CountingDeniedAttributed(dataset, dataset)
    return CountingDenied(dataset)
