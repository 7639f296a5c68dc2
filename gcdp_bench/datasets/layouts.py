"""Read layout files and check them against the image and the classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from gcdp_bench.core.types import IGNORE_ID, Dataset, Triplet
from gcdp_bench.datasets.coding import LayoutCoding

IDS = LayoutCoding()
"""Values of a layout are class ids."""


def read_existing_layout(path: Path, coding: LayoutCoding = IDS) -> Tensor:
    """Layout uint8 (H, W) of a file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: as `LayoutCoding.read`.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected the layout of this image, found none")
    return coding.read(path)


def size_problem(layout: Tensor, image: Tensor) -> str | None:
    """Problem with the size of a layout (H, W) for an image (3, H, W), or None."""
    if layout.shape == image.shape[-2:]:
        return None
    turned = ""
    if layout.shape == image.shape[-2:][::-1]:
        turned = ", and the image is used as its EXIF orientation turns it: turn the layout too"
    return (
        f"expected the image's size {tuple(image.shape[-2:])}, got {tuple(layout.shape)}; image "
        f"and layout must match pixel by pixel{turned}"
    )


def turned_problem(orientation: int) -> str:
    """Possible problem with a layout whose image an EXIF orientation turns."""
    return (
        f"the EXIF orientation {orientation} turns or mirrors the image, the layout is read as it "
        "is stored; save the turned pixels without the tag, and see that the layout fits them"
    )


def aspect_problem(layout: Tensor, image: Tensor) -> str | None:
    """Problem with the shape of a layout (h, w) for an image (3, H, W), or None.

    For datasets whose layouts are smaller than the images: h / w and H / W must be the same.
    """
    (height, width), (image_height, image_width) = layout.shape, image.shape[-2:]
    if height * image_width == width * image_height:
        return None
    return (
        f"expected the shape of the image {(image_height, image_width)}, got {(height, width)}; "
        "the layout may be smaller, height / width must agree"
    )


def class_problem(layout: Tensor, num_classes: int) -> str | None:
    """Problem with the ids of a layout, uint8 of any shape, or None."""
    known = (layout < num_classes) | (layout == IGNORE_ID)
    if bool(known.all()):
        return None
    return (
        f"layout has class {int(layout[~known][0])}, expected 0 to {num_classes - 1} or "
        f"{IGNORE_ID} (ignore); remap it or extend the classes; a folder's classes.json may say "
        'which class a value is: "values": {"128": "car"}'
    )


def checked_layout(triplet: Triplet, dataset: Dataset) -> Tensor:
    """Layout uint8 (H, W) of a triplet of `dataset`, with ids of its classes only.

    Raises:
        ValueError: an id outside the classes; names the triplet.
    """
    if problem := class_problem(triplet.layout, len(dataset.class_names)):
        raise ValueError(f"{dataset.name} {triplet.id}: {problem}")
    return triplet.layout


def pair_problems(layout: Tensor, image: Tensor | None, num_classes: int) -> Iterator[str]:
    """Everything wrong with a layout that must match its image pixel by pixel.

    Args:
        layout: uint8 (H, W).
        image: uint8 (3, H, W); None where it could not be read.
        num_classes: K.
    """
    problems = [class_problem(layout, num_classes)]
    if image is not None:
        problems.insert(0, size_problem(layout, image))
    yield from (problem for problem in problems if problem is not None)


def read_checked_layout(
    path: Path, image: Tensor, class_names: Sequence[str], coding: LayoutCoding = IDS
) -> Tensor:
    """Layout uint8 (H, W) of the image's size with known ids only.

    Raises:
        FileNotFoundError: no such file.
        ValueError: unreadable, another size than the image (3, H, W), or an unknown id.
    """
    layout = read_existing_layout(path, coding)
    for problem in pair_problems(layout, image, len(class_names)):
        raise ValueError(f"{path}: {problem}")
    return layout
