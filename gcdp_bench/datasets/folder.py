"""Any directory of images, layouts and captions; also what `sample` writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gcdp_bench.core.config import digest
from gcdp_bench.core.images import IMAGE_SUFFIXES, Size, orientation, read_image, read_size
from gcdp_bench.core.types import IGNORE_ID, Fault, Triplet
from gcdp_bench.datasets.captions import parse_caption, write_caption
from gcdp_bench.datasets.disk import layouts_by_id
from gcdp_bench.datasets.folder_files import (
    TEMPLATE,
    caption_file,
    captions_of_images,
    match_faults,
    read_classes,
    refuse,
    scan_captions,
    scan_images,
    split_root,
)
from gcdp_bench.datasets.framing import (
    common_size,
    first_size,
    fit_image,
    fit_layout,
    mixed_shapes,
    other_shapes,
    read_sizes,
    require_fit,
    resize_needed,
)
from gcdp_bench.datasets.inspection import WHOLE_SPLIT, FaultList
from gcdp_bench.datasets.layouts import (
    pair_problems,
    read_checked_layout,
    read_existing_layout,
    turned_problem,
)
from gcdp_bench.datasets.manifest import choose_caption
from gcdp_bench.datasets.reading import DENIED

MOST_SINGLED_OUT = 0.1
"""Share of images of another shape that `inspect` lists one by one; more are one fault."""


class Folder:
    """`images/{id}.png`, `layouts/{id}.png`, `captions.jsonl`, `classes.json`.

    A line of `captions.jsonl` has an id and one caption or several; which of an image's captions is
    used is decided by its id. Without that file captions are written by the template from the
    full-size layouts. `classes.json` is {"classes": [names], "dataset": name}, and may say how
    layouts are coded; see `ClassTable`. If `FOLDER/SPLIT/images` exists, the split is read from
    `FOLDER/SPLIT`, else the folder itself is the split.

    Args:
        path: the folder.
        split: "train", "val" or "test"; any name when the folder has no splits.
        image_size: (height, width) of the images; None: that of the first one.
        resize: how images of another shape get there, one of `framing.RESIZES`; "none": they
            are cropped, and refused if that costs too much.
        require_layouts: False accepts a folder without `layouts/`; its layouts are all ignored.
        require_captions: True refuses a folder without a file of captions: captions of samples must
            not be made from their own layouts.
        caption_seed: which of an image's captions is used; None: the first.
        strict: False accepts images without captions, captions without images and torn lines, for
            `inspect`.

    Raises:
        FileNotFoundError: a part is missing.
        ValueError: captions and images do not match, or a manifest cannot be read.
    """

    def __init__(
        self,
        path: Path,
        split: str = "test",
        *,
        image_size: Size | None = None,
        resize: str = "none",
        require_layouts: bool = True,
        require_captions: bool = False,
        caption_seed: int | None = 0,
        strict: bool = True,
    ):
        root = split_root(path, split)
        self._table = read_classes(root)
        self.name: str = self._table.dataset or path.resolve().name
        self.split = split
        self.official_count = None
        self.class_names = self._table.names
        self.root = root
        self._images, faults = scan_images(root)
        self._layouts, repeated = layouts_by_id(root / "layouts")
        self.has_layouts = (root / "layouts").is_dir()
        if require_layouts and not self.has_layouts:
            raise FileNotFoundError(f"{root / 'layouts'}: expected a folder of layouts, found none")
        self._stray = [
            Fault(path.stem, str(path), f"another layout has the id {path.stem!r}; remove one")
            for path in repeated
        ]
        self._manifest = caption_file(root)
        self._caption_seed = caption_seed
        self._captions: dict[str, tuple[str, ...]] | None = None  # None: by the template
        if self._manifest is not None:
            listed, torn = scan_captions(self._manifest)
            self._captions = captions_of_images(listed, self._images)
            faults += [*torn, *match_faults(self._images, self._captions, self._manifest)]
        elif require_captions or not self.has_layouts:
            raise FileNotFoundError(
                f"{root / 'captions.jsonl'}: expected captions, one JSON object a line, found none"
            )
        self._faults: dict[str, list[Fault]] = {}
        for fault in faults:
            self._faults.setdefault(fault.id, []).append(fault)
        self._ids = tuple(sorted(self._images.keys() | (self._captions or {}).keys()))
        self._resize = resize
        self.image_size = image_size or native_size(path, split)
        if strict:
            self.require(self._ids)

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the images, without the suffix."""
        return self._ids

    @property
    def native_size(self) -> Size | None:
        """See `framing.native_of`."""
        return first_size(self._images[name] for name in self._ids if name in self._images)

    def __len__(self) -> int:
        """Number of images."""
        return len(self._ids)

    def __getitem__(self, index: int) -> Triplet:
        """Triplet `index` in the order of ids."""
        name = self._ids[index]
        self.require((name,))
        image = read_image(self._images[name])  # (3, h, w)
        layout = torch.full(image.shape[-2:], IGNORE_ID, dtype=torch.uint8)
        if self.has_layouts:
            path = self.layout_path(name)
            layout = read_checked_layout(path, image, self.class_names, self._table.coding)
        return Triplet(
            name,
            fit_image(image, self.image_size, self._resize),
            fit_layout(layout, self.image_size, self._resize),
            self.caption(index, layout),
        )

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        table = self._table
        return parse_caption(
            caption, table.names, words=table.words, count_denied=table.count_denied
        )

    def mentioned_classes(self, caption: str) -> frozenset[int]:
        """See `Mentioning.mentioned_classes`."""
        table = self._table
        return parse_caption(caption, table.names, words=table.words, count_denied=True)

    @property
    def reading(self) -> str:
        """See `reading.reading_of`; more words of classes by their digest."""
        words = f"words {digest(self._table.words)}" if self._table.words else ""
        return "; ".join(filter(None, [words, DENIED if self._table.count_denied else ""]))

    def layout(self, index: int) -> Tensor:
        """See `DiskDataset.layout`."""
        return read_existing_layout(self.layout_path(self._ids[index]), self._table.coding)

    def caption(self, index: int, layout: Tensor) -> str:
        """See `DiskDataset.caption`."""
        name = self._ids[index]
        if self._captions is not None:
            return choose_caption(self._captions[name], name, self._caption_seed)
        present = [i for i in np.unique(layout).tolist() if i < len(self.class_names)]
        try:
            return write_caption(present, self.class_names, template=self._table.template)
        except ValueError as error:
            raise ValueError(
                f"{self.layout_path(name)}: the template has no class to name ({error}); write "
                "captions.jsonl"
            ) from error

    def own_captions(self) -> dict[str, str] | None:
        """See `Captioned.own_captions`."""
        if self._captions is None:
            return None
        captions = self._captions.items()
        return {name: choose_caption(own, name, self._caption_seed) for name, own in captions}

    @property
    def template_note(self) -> str | None:
        """See `disk.template_note_of`."""
        if self._captions is not None:
            return None
        template = self._table.template
        remedy = '; set "template" in classes.json' if template == TEMPLATE else ""
        return f'no captions.jsonl: captions are made from the template "{template}"{remedy}'

    def image_path(self, name: str) -> Path:
        """Path of an id's image."""
        return self._images[name]

    def layout_path(self, name: str) -> Path:
        """Path of an id's layout, which may be missing."""
        return self._layouts.get(name, self.root / "layouts" / f"{name}.png")

    def captions_of(self, name: str) -> tuple[str, ...]:
        """All captions of an id; none where the template writes them."""
        return (self._captions or {}).get(name, ())

    def require(self, ids: Collection[str]) -> None:
        """See `DiskDataset.require`; also refuse images of a shape that needs a choice."""
        for name in (WHOLE_SPLIT, *ids):
            refuse(self._faults.get(name, []))
        if self._resize == "none":
            require_fit(self.native_sizes(ids), self.image_size, str(self.root / "images"))

    @cached_property
    def resize(self) -> str:
        """How images were fitted to `image_size`: "none" (they have its shape), or of `RESIZES`."""
        if self._resize != "none":
            return self._resize
        return resize_needed(self.native_sizes(self._images).values(), self.image_size)

    def native_sizes(self, ids: Collection[str]) -> dict[str, Size]:
        """(height, width) by id of those of the images whose header can be read."""
        return read_sizes({name: self._images[name] for name in ids if name in self._images})

    def inspect(self) -> Iterator[tuple[str, Sequence[Fault]]]:
        """See `CheckedDataset.inspect`; a layout without image and caption is an item of its own.

        A folder without `layouts/` that was opened with `require_layouts=False` has no faults in
        layouts.
        """
        if WHOLE_SPLIT in self._faults:
            yield WHOLE_SPLIT, self._faults[WHOLE_SPLIT]
        sizes = self.native_sizes(self._images)
        others = other_shapes(sizes)
        many = len(others) > MOST_SINGLED_OUT * len(sizes)
        if many:
            yield WHOLE_SPLIT, [Fault(WHOLE_SPLIT, str(self.root / "images"), mixed_shapes(sizes))]
        known = set(self._ids)
        for index, name in enumerate(self._ids):
            found = [*self._faults.get(name, []), *self._inspect_files(index)]
            if name in others and not many:
                found.append(Fault(name, str(self._images[name]), others[name]))
            yield name, found
        for fault in self._stray:
            yield fault.id, [fault]
        for name, path in sorted(self._layouts.items()):
            if name not in known:
                problem = "layout without image and caption; restore them or remove it"
                yield name, [Fault(name, str(path), problem)]

    def _inspect_files(self, index: int) -> list[Fault]:
        name = self._ids[index]
        if name not in self._images:
            return []
        seen = FaultList(name)
        path = self._images[name]
        image = seen.attempt(path, lambda: read_image(path))
        if image is not None and self.has_layouts and (turned := orientation(path)) != 1:
            seen.add(path, turned_problem(turned))
        if self.has_layouts:
            layout_path = self.layout_path(name)
            layout = seen.attempt(layout_path, lambda: self.layout(index))
            if layout is not None:
                for problem in pair_problems(layout, image, len(self.class_names)):
                    seen.add(layout_path, problem)
                if self._captions is None:
                    seen.attempt(layout_path, lambda: self.caption(index, layout))
        return seen.faults


def native_size(path: Path, split: str = "test", *, without: Collection[str] = ()) -> Size:
    """(height, width) of the first image whose id is not in `without`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: its header cannot be read.
    """
    images = _images(path, split, without)
    return read_size(images[min(images)])


def usual_size(path: Path, split: str, *, without: Collection[str] = ()) -> Size:
    """(height, width) of the first image of the shape that most have; see `native_size`."""
    images = _images(path, split, without)
    return common_size(read_sizes(images)) or read_size(images[min(images)])


def require_shapes(path: Path, split: str, size: Size, *, without: Collection[str] = ()) -> None:
    """Refuse images of a shape that needs a `--resize` at `size`, by their headers alone.

    Args:
        path: the folder.
        split: of which the images are looked at.
        size: (height, width) at which they are to be used.
        without: ids that do not count.

    Raises:
        FileNotFoundError: there is no image.
        ValueError: as `framing.require_fit`.
    """
    images = _images(path, split, without)
    require_fit(read_sizes(images), size, str(split_root(path, split) / "images"))


def _images(path: Path, split: str, without: Collection[str]) -> dict[str, Path]:
    root = split_root(path, split)
    found, _ = scan_images(root)
    images = {name: file for name, file in found.items() if name not in without}
    if not images:
        raise FileNotFoundError(
            f"{root / 'images'}: expected pictures ({', '.join(IMAGE_SUFFIXES)}), found none"
        )
    return images
