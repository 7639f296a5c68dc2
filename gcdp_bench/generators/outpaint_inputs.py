"""Files of known layouts and images to the known part of pairs, for outpainting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gcdp_bench.core.images import (
    IMAGE_SUFFIXES,
    Size,
    read_image,
)
from gcdp_bench.core.palette import colourise
from gcdp_bench.core.types import IGNORE_ID
from gcdp_bench.datasets.coding import LayoutCoding
from gcdp_bench.datasets.disk import files_by_id
from gcdp_bench.datasets.folder_files import read_classes
from gcdp_bench.datasets.framing import fit_image, fit_layout
from gcdp_bench.datasets.layouts import class_problem
from gcdp_bench.io.validation import nfc

MASKED = 128
"""Grey value from which on a pixel of a mask is drawn anew."""

UNKNOWN_GREY = 200
"""Grey of unknown pixels in image grids."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """A file or a folder of files each; None: that side is not known.

    Files of one pair have the same name but for the suffix. A single mask serves every pair.
    """

    layout: Path | None = None
    image: Path | None = None
    mask: Path | None = None  # white where both sides are drawn anew

    def __post_init__(self):
        if self.layout is None and self.image is None:
            raise ValueError("expected a layout or an image to start from, got neither")
        if self.layout is not None and self.image is not None and self.mask is None:
            raise ValueError(
                "with the layout and the image known nothing is left to draw; give a mask of what "
                "to draw anew, or leave one of the two out"
            )


@dataclass(frozen=True)
class ConditioningFiles:
    """Files of one pair."""

    id: str
    layout: Path | None
    image: Path | None
    mask: Path | None


@dataclass(frozen=True)
class Conditioning:
    """Known part of one sample, at the model's size."""

    id: str
    image: Tensor  # uint8 (3, H, W)
    layout: Tensor  # uint8 (H, W)
    image_mask: Tensor  # bool (H, W), True where the image is known
    layout_mask: Tensor  # bool (H, W)
    native: Size | None = None  # of the files; None: it comes from a dataset


def find_conditioning(sources: Sources) -> list[ConditioningFiles]:
    """Match the files of every pair by name.

    Raises:
        FileNotFoundError: a place does not exist, or a folder has no images.
        ValueError: a file has no counterpart; it is named.
    """
    layouts, images, masks = (
        None if path is None else _files(path)
        for path in (sources.layout, sources.image, sources.mask)
    )
    if sources.mask is not None and sources.mask.is_file():
        masks = dict.fromkeys(layouts or images or {}, sources.mask)
    if all(path is None or path.is_file() for path in (sources.layout, sources.image)):
        name = next(iter(layouts or images or {}))  # a single pair: its files may differ in name
        layouts, images = (
            None if files is None else dict.fromkeys([name], *files.values())
            for files in (layouts, images)
        )
    given = [files for files in (layouts, images, masks) if files is not None]
    names = sorted({name for files in given for name in files})
    for name in names:
        if any(name not in files for files in given):
            there = [str(files[name]) for files in given if name in files]
            raise ValueError(
                f"{', '.join(there)}: expected a file of the same name in every given folder, "
                "found none; restore it or remove this one"
            )
    return [
        ConditioningFiles(
            name, *(None if files is None else files[name] for files in (layouts, images, masks))
        )
        for name in names
    ]


def read_conditioning(
    files: ConditioningFiles, size: Size, class_names: Sequence[str], resize: str = "crop"
) -> Conditioning:
    """Read a pair and bring it to the model's size.

    Pixels of a layout with the value 255 are not known, nor are those that padding adds.

    Args:
        files: of one shape.
        size: (height, width) of the model's images.
        class_names: of the layouts.
        resize: how files of another shape get there, see `framing.frame`.

    Raises:
        ValueError: a file cannot be decoded, the files of the pair have different shapes, or a
            layout an unknown class.
    """
    image = torch.zeros(3, *size, dtype=torch.uint8)
    layout = torch.full(size, IGNORE_ID, dtype=torch.uint8)
    kept = torch.ones(size, dtype=torch.bool)
    sizes: dict[Path, Size] = {}
    if files.image is not None:
        read = read_image(files.image)  # (3, h, w)
        sizes[files.image] = native = (read.shape[-2], read.shape[-1])
        image = fit_image(read, size, resize)  # (3, H, W)
        kept &= fit_layout(torch.zeros(native, dtype=torch.uint8), size, resize) != IGNORE_ID
    if files.layout is not None:
        read = _coding_of(files.layout).read(files.layout)  # (h, w)
        sizes[files.layout] = (read.shape[0], read.shape[1])
        if problem := class_problem(read, len(class_names)):
            raise ValueError(f"{files.layout}: {problem}")
        layout = fit_layout(read, size, resize)  # (H, W)
    if files.mask is not None:
        read = read_image(files.mask)  # (3, h, w)
        sizes[files.mask] = (read.shape[-2], read.shape[-1])
        drawn = (read[:1] >= MASKED).float()  # (1, h, w)
        kept &= fit_image(drawn, size, resize)[0] == 0  # (H, W): no masked pixel reaches it
    _check_shapes(sizes, size)
    return Conditioning(
        files.id,
        image,
        layout,
        kept & (files.image is not None),
        kept & (layout != IGNORE_ID),
        native=next(iter(sizes.values())),
    )


def shown(pair: Conditioning, class_names: Sequence[str]) -> Tensor:
    """Pictures of the known image and the known layout, grey where they are not known.

    Returns:
        uint8 (2, 3, H, W).
    """
    pictures = torch.stack([pair.image, colourise(pair.layout[None], class_names)[0]])
    known = torch.stack([pair.image_mask, pair.layout_mask])[:, None]  # (2, 1, H, W)
    return torch.where(known, pictures, torch.full_like(pictures, UNKNOWN_GREY))


def _coding_of(layout: Path) -> LayoutCoding:
    """Coding of classes in the layout: that of its folder dataset, if it lies in one."""
    root = layout.parent.parent
    described = any((folder / "classes.json").is_file() for folder in (root, root.parent))
    if layout.parent.name != "layouts" or not described:
        return LayoutCoding()
    return read_classes(root).coding


def _files(path: Path) -> dict[str, Path]:
    """Image files by name without suffix: of a folder, or the one file."""
    if path.is_file():
        return {nfc(path.stem): path}
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: expected an image file or a folder of them, found none")
    files, repeated = files_by_id(path, IMAGE_SUFFIXES)
    for file in repeated:
        raise ValueError(f"{file}: {files[nfc(file.stem)].name} has the same name; rename one")
    if not files:
        raise FileNotFoundError(f"{path}: expected {', '.join(IMAGE_SUFFIXES)} files, found none")
    return files


def _check_shapes(sizes: Mapping[Path, Size], size: Size) -> None:
    """Refuse files of one pair that cannot show the same, because their shapes differ."""
    (first, native), *others = sizes.items()
    for path, found in others:
        if found[0] * native[1] != found[1] * native[0]:
            raise ValueError(
                f"{path}: expected the shape of the model's images {tuple(size)}, or any other "
                f"that all files of the pair have, got {found} beside {native} of {first}; cut "
                "both in the same way"
            )
