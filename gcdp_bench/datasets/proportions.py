"""Class proportions: pixels, images, captions that name the class, ignored pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import IGNORE_ID, Dataset
from gcdp_bench.datasets.disk import Captioned, LayoutFiles

IGNORED_IS_MOST = 0.5
"""Share of ignored pixels from which on a note says so."""


@dataclass(frozen=True)
class Proportions:
    """Classes of some items. `+` joins those of two splits."""

    class_names: tuple[str, ...]
    num_pixels: NDArray[np.int64]  # (K,)
    num_images: NDArray[np.int64]  # (K,), images with at least one pixel of the class
    num_captions: NDArray[np.int64]  # (K,), captions that name the class
    named_pixels: NDArray[np.int64]  # (K,), all pixels of the images of those captions
    named_ignored: NDArray[np.int64]  # (K,), and how many of them are 255
    num_ignored: int  # pixels with the value 255
    num_unnamed: int  # captions that name no class
    num_items: int

    @property
    def pixel_share(self) -> NDArray[np.float64]:
        """Share of each class in the pixels that are not ignored, (K,)."""
        return self.num_pixels / max(1, self.num_pixels.sum())

    @property
    def ignored_share(self) -> float:
        """Share of ignored pixels in all."""
        return self.num_ignored / max(1, self.num_ignored + int(self.num_pixels.sum()))

    @property
    def unnamed(self) -> str:
        """Number of captions that name no class."""
        return unnamed_note(self.num_unnamed, self.num_items)

    def ignored_with(self, index: int) -> float:
        """Share of ignored pixels in the images whose captions name a class, NaN without any."""
        pixels = int(self.named_pixels[index])
        return int(self.named_ignored[index]) / pixels if pixels else float("nan")

    def missing(self) -> list[str]:
        """A sentence for each class that captions name and no layout holds."""
        absent = np.flatnonzero((self.num_captions > 0) & (self.num_images == 0)).tolist()
        return [self._missing(index) for index in absent]

    def ignored_note(self) -> str | None:
        """A sentence where most pixels are ignored."""
        if self.ignored_share < IGNORED_IS_MOST:
            return None
        return (
            f"{100 * self.ignored_share:.1f} % of the pixels are {IGNORE_ID} (ignored): no loss "
            "and no metric looks at them"
        )

    def _missing(self, index: int) -> str:
        name, share = self.class_names[index], self.ignored_with(index)
        text = (
            f"class {name!r}: {self.num_captions[index]} of {self.num_items} captions name it, no "
            "layout holds it"
        )
        if not share:
            return f"{text}; correct the layouts, the captions or the order of the classes"
        return (
            f"{text}, and {100 * share:.1f} % of the pixels of those images are {IGNORE_ID} "
            f"(ignored); if {IGNORE_ID} means it, say so in classes.json: "
            f'"values": {{"{IGNORE_ID}": "{name}"}}'
        )

    def __add__(self, other: Proportions) -> Proportions:
        return Proportions(
            self.class_names,
            self.num_pixels + other.num_pixels,
            self.num_images + other.num_images,
            self.num_captions + other.num_captions,
            self.named_pixels + other.named_pixels,
            self.named_ignored + other.named_ignored,
            self.num_ignored + other.num_ignored,
            self.num_unnamed + other.num_unnamed,
            self.num_items + other.num_items,
        )


def unnamed_note(num: int, of: int) -> str:
    """Message about captions that name no class."""
    text = f"{num} of {of} captions name no class"
    if num < of:
        return text
    return (
        f"{text}: Semantic Recall and its company are not defined; classes.json of a folder takes "
        'more words, "words": {"house": ["houses", "Häuser"]}'
    )


def count_unnamed(dataset: Dataset) -> tuple[int, int]:
    """Number of captions that name no class, and of all; a template's always name one."""
    captions = dataset.own_captions() if isinstance(dataset, Captioned) else None
    if captions is None:
        return 0, len(dataset)
    return sum(not dataset.caption_classes(text) for text in captions.values()), len(captions)


def class_proportions(
    dataset: Dataset, progress: Progress, *, indices: Sequence[int] | None = None
) -> Proportions:
    """Read layouts of a dataset once, at their full size where they lie on disk.

    Args:
        dataset: any.
        progress: told of every layout.
        indices: of the items to look at; None: all.

    Raises:
        ValueError: a layout has an id outside the classes, or no pixel of any has a class.
        FileNotFoundError: a layout is missing.
    """
    num_classes = len(dataset.class_names)
    sums = {
        name: np.zeros(num_classes, np.int64)
        for name in ("pixels", "images", "captions", "named", "ignored")
    }
    num_ignored = num_unnamed = 0
    read = _reader(dataset)
    indices = range(len(dataset)) if indices is None else indices
    progress.start(f"stats {dataset.split}", len(indices), unit="layout")
    for index in indices:
        layout, caption = read(index)
        counts = np.bincount(layout.numpy().ravel(), minlength=256)  # (256,)
        if counts[num_classes:IGNORE_ID].any():
            found = num_classes + int(np.argmax(counts[num_classes:IGNORE_ID] > 0))
            raise ValueError(
                f"{dataset.name} {dataset.split} item {index}: layout has class {found}, expected "
                f"0 to {num_classes - 1} or {IGNORE_ID}; run `gcdp-bench data check`"
            )
        named = sorted(dataset.caption_classes(caption))
        sums["pixels"] += counts[:num_classes]
        sums["images"] += counts[:num_classes] > 0
        sums["captions"][named] += 1
        sums["named"][named] += counts.sum()
        sums["ignored"][named] += counts[IGNORE_ID]
        num_ignored += int(counts[IGNORE_ID])
        num_unnamed += not named
        progress.advance()
    progress.finish()
    if len(indices) and not sums["pixels"].sum():
        raise ValueError(f"{dataset.name} {dataset.split}: expected pixels with a class, got none")
    return Proportions(
        dataset.class_names,
        num_pixels=sums["pixels"],
        num_images=sums["images"],
        num_captions=sums["captions"],
        named_pixels=sums["named"],
        named_ignored=sums["ignored"],
        num_ignored=num_ignored,
        num_unnamed=num_unnamed,
        num_items=len(indices),
    )


def _reader(dataset: Dataset) -> Callable[[int], tuple[Tensor, str]]:
    """Layout and caption at an index."""
    if not isinstance(dataset, LayoutFiles):
        return lambda index: ((triplet := dataset[index]).layout, triplet.caption)
    by_template = dataset.own_captions() is None

    def read(index: int) -> tuple[Tensor, str]:
        layout = dataset.layout(index)
        try:
            return layout, dataset.caption(index, layout)
        except ValueError:
            if not by_template:
                raise
            return layout, ""  # nothing that a caption can name

    return read
