"""At which size images are used: the largest one that every network of a comparison passes.

The choice depends on the shape of the images and on the preset alone, not on the network that is
trained, so that what is trained apart fits together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gcdp_bench.core.images import Size
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.framing import by, fits, lost, native_of, resize_of

STEP = 4  # px; sides that are tried are multiples of it
LEAST = 16  # px of a side

SizeCheck = Callable[[Size], None]
"""Raises ValueError for a size that a network does not pass."""


@dataclass(frozen=True)
class SizeChoice:
    """The size that `--size` or `--width` choose; neither: the preset's width."""

    size: Size | None = None
    width: int | None = None

    def __post_init__(self):
        if self.size is not None and self.width is not None:
            raise ValueError("--size and --width exclude each other; leave one out")


def parse_size(text: str) -> Size:
    """(height, width) of "HEIGHTxWIDTH".

    Raises:
        ValueError: another form, or a side of 0.
    """
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text.strip().lower())
    if match is None:
        raise ValueError(f"expected HEIGHTxWIDTH in pixels, such as 96x128, got {text!r}")
    return int(match[1]), int(match[2])


def choose_size(
    native: Size, longest: int, checks: Mapping[str, SizeCheck], *, width: int | None = None
) -> Size:
    """The largest size that passes all checks and for which `native` is hardly cropped.

    Of those that cut off at most `MOST_CROPPED` the one with the most pixels; if there is none, the
    one that cuts off least.

    Args:
        native: (height, width) of the images, of which the shape alone matters.
        longest: of both sides, at most.
        checks: by network.
        width: exactly; None: any.

    Raises:
        ValueError: no size passes.
    """
    columns = range(STEP, longest + 1, STEP) if width is None else [width]
    rows = range(STEP, longest + 1, STEP)
    for size in sorted(((h, w) for h in rows for w in columns), key=lambda s: _rank(native, s)):
        if min(size) >= LEAST and not problems(size, checks):
            return size
    text = f"expected a size that {', '.join(checks)} pass, found none"
    if width is None:
        raise ValueError(f"{text} up to {longest}; choose another --preset")
    near = [f"--width {other}" for other in _nearest_widths(native, width, checks)]
    raise ValueError(f"{text} of width {width}; choose {' or '.join(near) or 'another --width'}")


def _nearest_widths(native: Size, width: int, checks: Mapping[str, SizeCheck]) -> Iterator[int]:
    """The next widths below and above one that pass at a height for the shape of `native`."""
    most = 2 * width + LEAST
    rows = range(LEAST, max(most, round(most * native[0] / native[1])) + 1, STEP)
    below = range((width - 1) // STEP * STEP, LEAST - 1, -STEP)
    above = range((width // STEP + 1) * STEP, most + 1, STEP)
    for columns in (below, above):
        for other in columns:
            fitting = ((height, other) for height in rows if fits(native, (height, other)))
            if any(not problems(size, checks) for size in fitting):
                yield other
                break


def problems(size: Size, checks: Mapping[str, SizeCheck]) -> dict[str, str]:
    """Networks that do not pass a size, with the reason."""
    found = {}
    for name, check in checks.items():
        try:
            check(size)
        except ValueError as error:
            found[name] = str(error)
    return found


def require_multiples(size: Size, divisor: int) -> None:
    """Refuse sides that are not multiples of `divisor`.

    Raises:
        ValueError: one is not.
    """
    if any(side % divisor for side in size):
        raise ValueError(
            f"expected sides that are multiples of {divisor}, got {tuple(size)}; choose another "
            "--size"
        )


def used_at(native: Size, size: Size, resize: str) -> str:
    """A sentence: images of `native` are used at `size`, and what that does to them."""
    share = lost(native, size)
    how = {"none": "cropped", "crop": "cropped", "pad": "padded", "stretch": "stretched"}[resize]
    change = f", {how} by {100 * share:.1f} %" if share > 0 else ""
    return f"your images of {by(native)} (height x width) are used at {by(size)}{change}"


def used_images(dataset: Dataset) -> str:
    """The same of an opened dataset, with its name; "": its images have that size already."""
    native = native_of(dataset)
    if native is None or native == tuple(dataset.image_size):
        return ""
    return f"{dataset.name}: {used_at(native, dataset.image_size, resize_of(dataset))}"


def _rank(native: Size, size: Size) -> tuple[float, float, int]:
    share = lost(native, size)
    beyond = 0.0 if fits(native, size) else share
    return (beyond, -size[0] * size[1], size[0])
