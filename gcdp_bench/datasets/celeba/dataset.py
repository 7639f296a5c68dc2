"""Multi-Modal CelebA-HQ as triplets: photographs, merged layouts, one of ten captions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from gcdp_bench.core.images import Size, read_image
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import Fault, Triplet
from gcdp_bench.datasets.celeba.attributes import read_attributes
from gcdp_bench.datasets.celeba.captions import count_problem, read_caption_lines
from gcdp_bench.datasets.celeba.layouts import Layouts
from gcdp_bench.datasets.celeba.partition import (
    FRACTIONS,
    SPLITS,
    draw_subset,
    find_subset,
    listed_subset,
    read_partition,
)
from gcdp_bench.datasets.celeba.tree import ATTRIBUTES, find_tree
from gcdp_bench.datasets.disk import Item
from gcdp_bench.datasets.faces import ATTRIBUTE_NAMES, CLASS_NAMES, named_classes, parse_attributes
from gcdp_bench.datasets.framing import first_size, fit_image, fit_layout
from gcdp_bench.datasets.inspection import WHOLE_SPLIT, FaultList, inspect_item
from gcdp_bench.datasets.layouts import aspect_problem, class_problem
from gcdp_bench.datasets.manifest import choose_caption


class CelebA:
    """`celeba-25/-50/-100`: 30,000 faces with 19 classes and captions.

    Layouts (512x512) are smaller than the images (1024x1024) and must have their shape. Each is
    resized from its own full size: the image antialiased, the layout by nearest pixels. The three
    subsets share val and test. The tree is described in docs/reference/datasets.md.

    Args:
        root: the folder of the tree, or its parent.
        split: "train", "val" or "test".
        image_size: (height, width) to resize to.
        resize: how images of another shape get there, see `framing.frame`.
        fraction: percent of the training ids that train has: 25, 50 or 100.
        caption_seed: which of a face's captions is used; None: the first.
        subset: manifest or list of the training ids; None: `25_captions.jsonl` or `25_ids.txt` in
            the dataset's folder (50, 100 alike), else drawn by a hash of the id.
        cache: folder for merged layouts, see `Layouts`; None: `preprocessed/` beside the masks.
        strict: False accepts faces of which a file is missing, for `inspect`.

    Raises:
        FileNotFoundError: a part of the tree, or a file of a face, is missing.
        ValueError: unknown split or fraction, or a list that cannot be read.
    """

    class_names = CLASS_NAMES

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        image_size: Size = (256, 256),
        resize: str = "none",
        fraction: int = 100,
        caption_seed: int | None = 0,
        subset: Path | None = None,
        cache: Path | None = None,
        strict: bool = True,
    ):
        if split not in SPLITS:
            raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
        if fraction not in FRACTIONS:
            raise ValueError(f"fraction: expected 25, 50 or 100, got {fraction}")
        self.name = f"celeba-{fraction}"
        self.split = split
        self.image_size = image_size
        self.resize = resize
        self.tree = find_tree(root)
        self.subset = subset or find_subset(self.tree, fraction)  # None: drawn
        attributes = self.tree.attributes
        self._attributes = None if attributes is None else read_attributes(attributes)
        partition, counts = read_partition(self.tree)
        self._ids = partition[split]
        self.official_count: int | None = counts[split]
        if split == "train" and self.subset is not None:
            self._ids, self.official_count = listed_subset(self.subset, partition), None
        elif split == "train":
            self._ids = draw_subset(self._ids, fraction)
            self.official_count = round(counts[split] * fraction / 100)
        self._caption_seed = caption_seed
        self._layouts = Layouts(self.tree, cache)
        if strict:
            self.require(self._ids)
            self._layouts.require_official_ids(self._ids)

    @property
    def ids(self) -> tuple[str, ...]:
        """Numbers of the faces in CelebA-HQ, as text, in their order."""
        return self._ids

    @property
    def native_size(self) -> Size | None:
        """See `framing.native_of`."""
        return first_size(map(self.tree.image, self._ids))

    def __len__(self) -> int:
        """Number of faces."""
        return len(self._ids)

    def __getitem__(self, index: int) -> Triplet:
        """Face `index` in the order of numbers; its layout is merged and kept on the first read."""
        name = self._ids[index]
        image = read_image(self.tree.image(name))  # (3, H, W)
        layout = self._layouts.read(name)  # (h, w)
        for problem in _problems(layout, image):
            raise ValueError(f"{self._layouts.path(name)}: {problem}")
        return Triplet(
            name,
            fit_image(image, self.image_size, self.resize),
            fit_layout(layout, self.image_size, self.resize),
            self.caption(index),
        )

    def layout(self, index: int) -> Tensor:
        """See `DiskDataset.layout`."""
        return self._layouts.read(self._ids[index])

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return named_classes(caption)

    def mentioned_classes(self, caption: str) -> frozenset[int]:
        """See `Mentioning.mentioned_classes`."""
        return named_classes(caption, count_denied=True)

    def caption(self, index: int, layout: Tensor | None = None) -> str:
        """See `DiskDataset.caption`."""
        name = self._ids[index]
        captions = read_caption_lines(self.tree.caption_file(name))
        return choose_caption(captions, name, self._caption_seed)

    def own_captions(self) -> dict[str, str]:
        """See `Captioned.own_captions`; faces whose file is missing or broken are left out."""
        captions = {}
        for index, name in enumerate(self._ids):
            with suppress(FileNotFoundError, ValueError):
                captions[name] = self.caption(index)
        return captions

    def require(self, ids: Collection[str]) -> None:
        """See `DiskDataset.require`."""
        given = set(ids)
        wanted = [name for name in self._ids if name in given]
        unmerged = set(self._layouts.unmerged(wanted))
        for name in wanted:
            for path, what in (
                (self.tree.image(name), "image"),
                (self.tree.caption_file(name), "captions"),
            ):
                if not path.exists():
                    raise FileNotFoundError(f"{path}: expected the {what} of {name}, found none")
            if name in unmerged:
                self._layouts.parts(name)
            self._require_attributes(name)

    def prepare(self, progress: Progress) -> int:
        """Merge all layouts of the split that are not there yet; see `Layouts.prepare`."""
        return self._layouts.prepare(self._ids, progress)

    def inspect(self) -> Iterator[tuple[str, Sequence[Fault]]]:
        """See `CheckedDataset.inspect`. Where masks lie beside a merged layout, both must agree."""
        try:
            self._layouts.require_official_ids(self._ids)
        except ValueError as error:
            file, _, problem = str(error).partition(": ")
            yield WHOLE_SPLIT, [Fault(WHOLE_SPLIT, file, problem)]
        for name in self._ids:
            yield name, self._inspect(name).faults

    def _inspect(self, name: str) -> FaultList:
        path = self._layouts.path(name)
        captions = self.tree.caption_file(name)
        seen = inspect_item(
            Item(name, self.tree.image(name), path),
            read_layout=lambda: self._layouts.read(name, keep=False),
            problems=_problems,
            caption_file=captions,
            caption=lambda _: _require_ten(captions),
        )
        if path.exists() and self._layouts.has_masks(name):
            seen.attempt(path, lambda: self._compare(name))
        if self.tree.attributes is not None:
            seen.attempt(self.tree.attributes, lambda: self._require_attributes(name))
        return seen

    def _require_attributes(self, name: str) -> None:
        """Raises ValueError: there is a file of attributes, but not of this face."""
        if self._attributes is not None and name not in self._attributes:
            raise ValueError(
                f"{self.tree.attributes}: expected a line for {name}.jpg, found none; restore the "
                "file"
            )

    def _compare(self, name: str) -> None:
        """Hold a merged layout against its masks.

        Raises:
            ValueError: they differ.
        """
        layout, merged = self._layouts.read(name), self._layouts.merge(name)
        if layout.shape == merged.shape and bool((layout != merged).any()):
            share = float((layout != merged).float().mean())
            raise ValueError(
                f"{100 * share:.2f} % of the pixels differ from the masks merged in the official "
                "order; remove the file, it was merged in another one or is of another face"
            )


class AttributedCelebA(CelebA):
    """The same with the attributes of `CelebAMask-HQ-attribute-anno.txt`.

    Raises:
        FileNotFoundError: that file is not there, or as `CelebA`.
        ValueError: as `CelebA`.
    """

    attribute_names = ATTRIBUTE_NAMES

    def attributes(self, index: int) -> Tensor:
        """See `AttributedDataset.attributes`."""
        name = self._ids[index]
        self._require_attributes(name)
        assert self._attributes is not None
        return torch.from_numpy(self._attributes[name])  # (A,)

    def caption_attributes(self, caption: str) -> Mapping[int, bool]:
        """See `AttributedDataset.caption_attributes`."""
        return parse_attributes(caption)

    def require(self, ids: Collection[str]) -> None:
        """See `DiskDataset.require`."""
        if self._attributes is None:
            raise FileNotFoundError(
                f"{self.tree.root / ATTRIBUTES}: expected the attributes of the faces, found none"
            )
        super().require(ids)


def _problems(layout: Tensor, image: Tensor | None) -> list[str]:
    found = (
        aspect_problem(layout, image) if image is not None else None,
        class_problem(layout, len(CLASS_NAMES)),
    )
    return [problem for problem in found if problem is not None]


def _require_ten(path: Path) -> None:
    """Raises ValueError, FileNotFoundError: no, or another number of captions."""
    problem = count_problem(read_caption_lines(path))
    if problem is not None:
        raise ValueError(f"{path}: {problem}")
