"""The one image resize, the one layout resize, and every conversion between pixels and floats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.files import replacing

Size = tuple[int, int]
"""(height, width) in pixels."""


def to_float(images: Tensor) -> Tensor:
    """uint8 [0, 255] to float32 [-1, 1], any shape."""
    _require_uint8(images, "images")
    return images.float() / 127.5 - 1.0


def to_uint8(images: Tensor) -> Tensor:
    """Float [-1, 1] to uint8 [0, 255], rounded to nearest; values outside are clipped."""
    return ((images.float().clamp(-1.0, 1.0) + 1.0) * 127.5).round().to(torch.uint8)


def resize_images(images: Tensor, size: Size) -> Tensor:
    """Antialiased bilinear resize (Pillow's filter), uint8 or float.

    Args:
        images: (B, C, H, W).
        size: (height, width) of the result.
    """
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    resized = F.interpolate(
        images.float(), size=size, mode="bilinear", antialias=True, align_corners=False
    )  # (B, C, h, w)
    if images.dtype == torch.uint8:
        return resized.round().clamp(0, 255).to(torch.uint8)
    return resized


def resize_layouts(layouts: Tensor, size: Size) -> Tensor:
    """Nearest-pixel resize (pixel centres), any integer dtype.

    Args:
        layouts: (B, H, W).
        size: (height, width) of the result.
    """
    height, width = layouts.shape[-2:]
    if (height, width) == tuple(size):
        return layouts
    rows = ((torch.arange(size[0]) + 0.5) * height / size[0]).long().to(layouts.device)  # (h,)
    columns = ((torch.arange(size[1]) + 0.5) * width / size[1]).long().to(layouts.device)  # (w,)
    return layouts[:, rows][:, :, columns]  # (B, h, w)


def mirrored_ids(class_names: Sequence[str]) -> Tensor:
    """What each class id becomes in a mirror image, long (K,): "left eye" becomes "right eye".

    A class whose name has no left or right, or lacks its counterpart, stays.
    """
    places = {name: index for index, name in enumerate(class_names)}

    def other_side(name: str) -> str:
        for side, other in (("left ", "right "), ("right ", "left ")):
            if name.startswith(side):
                return other + name.removeprefix(side)
        return name

    return torch.tensor([places.get(other_side(n), places[n]) for n in class_names])


def mirror_layouts(layouts: Tensor, class_names: Sequence[str]) -> Tensor:
    """Mirror images of layouts; left and right parts change their ids.

    Args:
        layouts: uint8 (B, H, W); ids beyond the classes stay.
        class_names: K names.
    """
    table = torch.arange(256, dtype=torch.uint8)
    table[: len(class_names)] = mirrored_ids(class_names).to(torch.uint8)
    return table[layouts.flip(-1).long()]


def read_image(path: Path) -> Tensor:
    """RGB image file as uint8 (3, H, W).

    Raises:
        ValueError: the file cannot be decoded; the message names it.
    """
    return torch.from_numpy(_decode(path, "RGB")).permute(2, 0, 1).contiguous()  # (3, H, W)


def read_layout(path: Path) -> Tensor:
    """Layout file (8-bit grey or palette PNG whose values are class ids) as uint8 (H, W).

    Raises:
        ValueError: the file cannot be decoded, or is not 8-bit single-channel.
    """
    return torch.from_numpy(_decode(path, None))  # (H, W)


def write_image(path: Path, image: Tensor) -> None:
    """Write uint8 (3, H, W) as PNG, complete or not at all."""
    _require_uint8(image, "image")
    _write_png(path, Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()))  # (H, W, 3)


def write_layout(path: Path, layout: Tensor) -> None:
    """Write uint8 (H, W) class ids as an 8-bit grey PNG, complete or not at all."""
    _require_uint8(layout, "layout")
    _write_png(path, Image.fromarray(layout.contiguous().numpy()))


def _decode(path: Path, mode: str | None):
    import numpy as np

    try:
        with Image.open(path) as file:
            if mode is None and file.mode not in ("L", "P"):
                raise ValueError(
                    f"{path}: expected an 8-bit grey or palette PNG of class ids, got image mode "
                    f"{file.mode!r}; save the layout as a single 8-bit channel"
                )
            decoded = file.convert(mode) if mode else file
            return np.array(decoded, dtype=np.uint8)
    except FileNotFoundError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(
            f"{path}: expected a readable image, got {type(error).__name__}: {error}; "
            "restore the file or remove its entry"
        ) from error


def _write_png(path: Path, picture: Image.Image) -> None:
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")


def _require_uint8(pixels: Tensor, what: str) -> None:
    if pixels.dtype != torch.uint8:
        raise ValueError(f"{what}: expected dtype uint8, got {pixels.dtype}")
