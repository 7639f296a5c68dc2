"""Fit images to another shape: crop, pad or stretch.

An image and its layout go the same way. Without a choice an image is cropped, if that costs it
at most `MOST_CROPPED`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.images import Size, read_size, resize_images, resize_layouts
from gcdp_bench.core.types import IGNORE_ID, Dataset

RESIZES = ("crop", "pad", "stretch")
MOST_CROPPED = 0.05
"""Share of an image that is cut off without a choice; more needs `--resize`."""
EPSILON = 1e-9  # of a share, for rounding
NUM_NAMED = 3  # images that a message names


@dataclass(frozen=True)
class Frame:
    """The used part of an image, and its place in the result."""

    box: tuple[int, int, int, int]  # top, left, height, width of the part
    inner: Size  # that part's size in the result
    place: tuple[int, int]  # top, left of it


def crop_box(native: Size, size: Size) -> tuple[int, int, int, int]:
    """Top, left, height and width of the largest part in the middle with the shape of `size`.

    Sides are whole pixels, so that an image that lacks less than half a pixel is used whole.
    """
    (height, width), (rows, columns) = native, size
    box_height = min(height, max(1, round(width * rows / columns)))
    box_width = min(width, max(1, round(height * columns / rows)))
    return (height - box_height) // 2, (width - box_width) // 2, box_height, box_width


def lost(native: Size, size: Size) -> float:
    """Share of an image of the shape of `native` that a crop to that of `size` cuts off, 0 to 1."""
    ratio = (native[0] * size[1]) / (native[1] * size[0])
    return 1.0 - min(ratio, 1.0 / ratio)


def fits(native: Size, size: Size) -> bool:
    """Whether an image of `native` may be used at `size` without a choice of `--resize`."""
    return lost(native, size) <= MOST_CROPPED + EPSILON


def resize_needed(sizes: Iterable[Size], size: Size) -> str:
    """The usual fit of images beside the change of scale: "none" or "crop"."""
    return "crop" if any(crop_box(native, size)[2:] != native for native in set(sizes)) else "none"


def frame(native: Size, size: Size, resize: str = "none") -> Frame:
    """Frame that fits an image of `native` to `size`.

    Args:
        native: (height, width) of the image.
        size: (height, width) of the result.
        resize: one of `RESIZES`; "none": crop, if that costs at most `MOST_CROPPED`.

    Raises:
        ValueError: it costs more.
    """
    (height, width), (rows, columns) = native, size
    if resize == "stretch":
        return Frame((0, 0, height, width), size, (0, 0))
    if resize == "pad":
        inner = (
            min(rows, max(1, round(columns * height / width))),
            min(columns, max(1, round(rows * width / height))),
        )
        place = ((rows - inner[0]) // 2, (columns - inner[1]) // 2)
        return Frame((0, 0, height, width), inner, place)
    if resize == "none" and not fits(native, size):
        raise ValueError(misfit(native, size))
    return Frame(crop_box(native, size), size, (0, 0))


def misfit(native: Size, size: Size) -> str:
    """Message about an image that does not fit, with the remedy."""
    share = lost(native, size)
    return (
        f"expected about the shape of {by(size)}, got {by(native)}, of which a crop would cut off "
        f"{100 * share:.0f} %; {REMEDY}"
    )


REMEDY = "pass --resize crop, --resize pad (black bars) or --resize stretch"


def fit_image(image: Tensor, size: Size, resize: str = "none") -> Tensor:
    """Image (C, h, w), uint8 or float, to (C, *size); what is padded is 0. See `frame`."""
    way = frame((image.shape[-2], image.shape[-1]), size, resize)
    resized = resize_images(_part(image, way)[None], way.inner)[0]
    return _padded(resized, way, size, 0)


def fit_layout(layout: Tensor, size: Size, resize: str = "none") -> Tensor:
    """Layout (h, w) to `size`, nearest pixel; what is padded is `IGNORE_ID`. See `frame`."""
    way = frame((layout.shape[-2], layout.shape[-1]), size, resize)
    resized = resize_layouts(_part(layout, way)[None], way.inner)[0]
    return _padded(resized, way, size, IGNORE_ID)


def resize_of(dataset: Dataset) -> str:
    """How a dataset's images were fitted to their size: "none", or one of `RESIZES`."""
    return getattr(dataset, "resize", "none")


def native_of(dataset: Dataset) -> Size | None:
    """(height, width) of the first image file of a dataset; None: it has none."""
    return getattr(dataset, "native_size", None)


def first_size(files: Iterable[Path]) -> Size | None:
    """(height, width) of the first image file, None if its header cannot be read."""
    first = next(iter(files), None)
    return None if first is None else read_sizes({"": first}).get("")


def read_sizes(files: Mapping[str, Path]) -> dict[str, Size]:
    """(height, width) of image files by id; one whose header cannot be read is left out."""
    sizes = {}
    for name, path in files.items():
        try:
            sizes[name] = read_size(path)
        except (OSError, ValueError):
            continue  # whoever reads the image says what is wrong with it
    return sizes


def common_size(sizes: Mapping[str, Size]) -> Size | None:
    """The first size, by id, of the shape that most images have; None: of no image."""
    if not sizes:
        return None
    shapes = {name: Fraction(*sizes[name]) for name in sorted(sizes)}
    ((most, _),) = Counter(shapes.values()).most_common(1)
    return next(sizes[name] for name, shape in shapes.items() if shape == most)


def other_shapes(sizes: Mapping[str, Size]) -> dict[str, str]:
    """Images of another shape than most, with what is wrong, by id."""
    usual = common_size(sizes)
    return {
        name: f"{misfit(native, usual)} to train and to score"
        for name, native in sizes.items()
        if usual and not fits(native, usual)
    }


def mixed_shapes(sizes: Mapping[str, Size]) -> str:
    """Message about images of several shapes, with the remedy."""
    counts = Counter(sizes.values()).most_common()
    shown = ", ".join(f"{num} of {by(size)}" for size, num in counts[:NUM_NAMED])
    return (
        f"expected images of one shape, got {len(counts)} sizes ({shown}"
        f"{', ...' * (len(counts) > NUM_NAMED)}); {REMEDY} to train and to score"
    )


def usual_native(dataset: Dataset) -> Size | None:
    """(height, width) of the first image of the shape that most have; None: there is no file."""
    sizes = getattr(dataset, "native_sizes", None)
    return native_of(dataset) if sizes is None else common_size(sizes(getattr(dataset, "ids", ())))


def other_splits(shapes: Mapping[str, Size]) -> str:
    """Message about splits whose images have different shapes, with the remedy; "": none.

    Args:
        shapes: (height, width) of the images of each split; they are used at the first one's shape.
    """
    first = next(iter(shapes.values()), None)
    if first is None or all(fits(size, first) for size in shapes.values()):
        return ""
    listed = ", ".join(f"{split} {by(size)}" for split, size in shapes.items())
    return (
        f"expected images of one shape in all splits, got {listed}; {REMEDY} to train and to score"
    )


def require_fit(natives: Mapping[str, Size], size: Size, where: str) -> None:
    """Refuse images that need a choice of `--resize`, all in one message.

    Args:
        natives: (height, width) of images by id.
        size: (height, width) that they are used at.
        where: the dataset and its split, for the message.

    Raises:
        ValueError: there is one.
    """
    others = [name for name, native in natives.items() if not fits(native, size)]
    if others:
        named = ", ".join(f"{name} is {by(natives[name])}" for name in others[:NUM_NAMED])
        raise ValueError(
            f"{where}: expected images of about the shape of {by(size)}, {len(others)} of "
            f"{len(natives)} have another ({named}{', ...' * (len(others) > NUM_NAMED)}); {REMEDY}"
            ", or leave them out with --exclude"
        )


def by(size: Sequence[int]) -> str:
    """ "HEIGHTxWIDTH"."""
    return "x".join(map(str, size))


def _part(pixels: Tensor, way: Frame) -> Tensor:
    top, left, height, width = way.box
    return pixels[..., top : top + height, left : left + width]


def _padded(pixels: Tensor, way: Frame, size: Size, value: int) -> Tensor:
    if way.inner == tuple(size):
        return pixels
    (top, left), (height, width) = way.place, way.inner
    sides = (left, size[1] - left - width, top, size[0] - top - height)
    return F.pad(pixels, sides, value=value)
