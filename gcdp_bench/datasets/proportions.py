"""How much of a dataset each class is, in pixels and in images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.datasets.disk import DiskDataset
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import IGNORE_ID, Dataset


@dataclass(frozen=True)
class Proportions:
    """Classes of a split; a pixel with the id 255 (ignore) counts nowhere."""

    class_names: tuple[str, ...]
    pixel_share: NDArray[np.float64]  # (K,) in [0, 1], of all pixels that are not ignored
    num_images: NDArray[np.int64]  # (K,), images with at least one pixel of the class
    num_items: int


def class_proportions(dataset: Dataset, progress: Progress) -> Proportions:
    """Read every layout of a dataset once, at its full size where it lies on disk.

    Raises:
        ValueError: a layout has an id outside the classes, or no pixel has a class.
        FileNotFoundError: a layout is missing.
    """
    num_classes = len(dataset.class_names)
    pixels = np.zeros(num_classes, np.int64)  # (K,)
    images = np.zeros(num_classes, np.int64)  # (K,)
    read = _reader(dataset)
    progress.start(f"stats {dataset.split}", len(dataset), unit="layout")
    for index in range(len(dataset)):
        counts = np.bincount(read(index).numpy().ravel(), minlength=256)  # (256,)
        if counts[num_classes:IGNORE_ID].any():
            found = num_classes + int(np.argmax(counts[num_classes:IGNORE_ID] > 0))
            raise ValueError(
                f"{dataset.name} {dataset.split} item {index}: layout has class {found}, expected "
                f"0 to {num_classes - 1} or {IGNORE_ID}; run `gcdp-bench data check`"
            )
        pixels += counts[:num_classes]
        images += counts[:num_classes] > 0
        progress.advance()
    progress.finish()
    if not pixels.sum():
        raise ValueError(f"{dataset.name} {dataset.split}: expected pixels with a class, got none")
    return Proportions(dataset.class_names, pixels / pixels.sum(), images, len(dataset))


def _reader(dataset: Dataset) -> Callable[[int], Tensor]:
    if isinstance(dataset, DiskDataset):
        return dataset.layout
    return lambda index: dataset[index].layout
