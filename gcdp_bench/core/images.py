"""The one image resize, the one layout resize, and every conversion between pixels and floats."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import ExifTags, Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.finite import require_finite
from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.validation import reason

Size = tuple[int, int]
"""(height, width) in pixels."""

MAX_PIXELS = 2**26
"""Most pixels of a file (8192x8192); a larger one is refused before memory is allocated."""
TOO_LARGE = f"expected at most {MAX_PIXELS} pixels"

PNG_LEVEL = 1
"""Of zlib's levels the fastest that compresses: a fifth of the time of its default, larger files by
a sixth (`docs/performance.md`).
"""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff")
"""Suffixes of readable images, in upper or lower case."""

LAYOUT_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Suffixes of layouts: formats that keep every pixel's value."""

LOSSY_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".webp", ".gif")
"""Suffixes of lossy formats, which are refused as layouts with the reason."""

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
LAYOUT_FORMATS = ("PNG", "BMP", "TIFF")
LOSSY_FORMATS = ("JPEG", "WEBP", "GIF")  # GIF and WebP may sort or change colours

GREY_BITS = {"1": 1, "L;2": 2, "L;4": 4}
"""Raw modes of grey of less than 8 bits, and their bits."""

MAX_NAMED_COLOURS = 64  # of a colour layout, in the message that refuses it

TURNED_FROM = 5  # EXIF orientations from here on change height and width

IMAGE_MODES = ("RGB", "RGBA", "L", "LA", "P", "1")
"""Pillow's names of what becomes RGB without loss: 8-bit colour, grey, palette, black and white."""


def to_float(images: Tensor) -> Tensor:
    """uint8 [0, 255] to float32 [-1, 1], any shape."""
    _require_uint8(images, "images")
    return images.float() / 127.5 - 1.0


def to_uint8(images: Tensor, *, what: str = "images") -> Tensor:
    """Float [-1, 1] to uint8 [0, 255], rounded to nearest; finite values outside are clipped.

    Args:
        images: (B, ...), one row per sample.
        what: they are, for the message.

    Raises:
        NotFinite: a value is NaN or infinite.
    """
    require_finite(what, images)
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
    """Class ids of a mirrored image, long (K,): "left eye" becomes "right eye".

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
    """PNG, JPEG, WebP, BMP or TIFF as uint8 (3, H, W), turned as its EXIF orientation says.

    Of 16-bit colour the upper 8 bits are taken; of a JPEG with several pictures, the first.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be decoded, has more than `MAX_PIXELS`, is animated, 16-bit grey, CMYK
            or transparent in places; the message names it.
    """
    return torch.from_numpy(_decode(path, IMAGE_FORMATS, _rgb)).permute(2, 0, 1).contiguous()


def read_size(path: Path) -> Size:
    """(height, width) of an image file as `read_image` gives it; no pixel is decoded.

    Raises:
        FileNotFoundError: no such file.
        ValueError: its header cannot be read; the message names it.
    """
    with _opened(path, IMAGE_FORMATS) as file:
        return _upright_size(file)


def orientation(path: Path) -> int:
    """EXIF orientation of an image file, 1 (upright) to 8.

    Raises:
        FileNotFoundError: no such file.
        ValueError: its header cannot be read; the message names it.
    """
    with _opened(path, IMAGE_FORMATS) as file:
        return _orientation(file)


def read_layout(path: Path) -> Tensor:
    """Layout file (grey or palette PNG, BMP or TIFF of class ids, up to 8 bits) as uint8 (H, W).

    Values are those that the file stores: 0 and 1 of 1 bit, 0 to 15 of 4 bits.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be decoded, has more than `MAX_PIXELS`, is animated or turned by an
            EXIF orientation, is not single-channel of up to 8 bits, or of a format that changes
            values; the message names it.
    """
    return torch.from_numpy(_decode(path, LAYOUT_FORMATS, _class_ids, LOSSY_FORMATS))  # (H, W)


def grey_bits(path: Path) -> int:
    """Bits of each pixel of a grey picture, 1 to 8; 8 of any other picture.

    Raises:
        FileNotFoundError: no such file.
        ValueError: its header cannot be read; the message names it.
    """
    with _opened(path, LAYOUT_FORMATS, LOSSY_FORMATS) as file:
        return GREY_BITS.get(_raw_mode(file), 8)


def read_layout_colours(path: Path) -> Tensor:
    """Colours of a layout file whose classes are colours, uint8 (3, H, W).

    Raises:
        FileNotFoundError: no such file.
        ValueError: as `read_layout`, or it has more than 8 bits a channel or is transparent in
            places; the message names it.
    """
    colours = _decode(path, LAYOUT_FORMATS, _class_colours, LOSSY_FORMATS)
    return torch.from_numpy(colours).permute(2, 0, 1).contiguous()  # (3, H, W)


def write_image(path: Path, image: Tensor, *, level: int = PNG_LEVEL) -> None:
    """Write uint8 (3, H, W) as PNG, complete or not at all.

    Args:
        path: of the file.
        image: to write.
        level: of zlib's compression, 0 to 9; every level holds the same pixels.
    """
    _require_uint8(image, "image")
    pixels = image.permute(1, 2, 0).contiguous().numpy()  # (H, W, 3)
    _write_png(path, Image.fromarray(pixels), level)


def write_layout(path: Path, layout: Tensor, *, level: int = PNG_LEVEL) -> None:
    """Write uint8 (H, W) class ids as an 8-bit grey PNG; `level` as of `write_image`."""
    _require_uint8(layout, "layout")
    _write_png(path, Image.fromarray(layout.contiguous().numpy()), level)


class _RefusedError(ValueError):
    """A picture that Pillow can open, but that is refused."""


def _decode(
    path: Path,
    formats: tuple[str, ...],
    convert: Callable[[Any], Image.Image],
    refused: tuple[str, ...] = (),
):
    """Pixels of a file; `refused` are formats that are opened to say why they are refused."""
    import numpy as np

    with _opened(path, formats, refused) as file:
        return np.array(convert(file), dtype=np.uint8)


@contextmanager
def _opened(path: Path, formats: tuple[str, ...], refused: tuple[str, ...] = ()) -> Iterator[Any]:
    """A file of one still picture; errors, those of the block included, name it."""
    expected = f"{', '.join(formats[:-1])} or {formats[-1]}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's: of large sizes, of odd metadata
            with Image.open(path, formats=(*formats, *refused)) as file:
                if refused and file.format not in formats:
                    raise _RefusedError(
                        f"expected a layout as {expected}, got {file.format}, which changes the "
                        f"values of pixels; save the layout as PNG where it was made"
                    )
                _require_still(file)
                yield file
    except FileNotFoundError:
        raise
    except _RefusedError as error:
        raise ValueError(f"{path}: {error}") from error
    except Image.DecompressionBombError as error:  # of twice Pillow's own limit
        raise ValueError(f"{path}: {TOO_LARGE}, got more: {reason(error)}") from error
    except Exception as error:  # damaged bytes raise almost anything in Pillow's decoders
        raise ValueError(
            f"{path}: expected a readable image ({expected}), got "
            f"{type(error).__name__}: {reason(error)}; restore the file or remove its entry"
        ) from error


def _require_still(file: Any) -> None:
    """Refuse, before any pixel is decoded, what is too large or has no single picture.

    A JPEG with several pictures has previews or depth beside the first one.
    """
    width, height = file.size
    if width * height > MAX_PIXELS:
        raise _RefusedError(f"{TOO_LARGE}, got {height}x{width}; make the picture smaller")
    frames = getattr(file, "n_frames", 1)
    if frames != 1 and file.format != "MPO":
        raise _RefusedError(
            f"expected one still picture, got {frames} frames or pages; save one of them"
        )


def _orientation(file: Any) -> int:
    """EXIF orientation as the header says it, 1 where it says nothing valid.

    `file.getexif` of a PNG would decode all pixels first.
    """
    value = Image.Image.getexif(file).get(ExifTags.Base.Orientation, 1)
    return value if value in range(1, 9) else 1


def _upright_size(file: Any) -> Size:
    width, height = file.size
    turned = file.format != "TIFF" and _orientation(file) >= TURNED_FROM  # TIFF: Pillow turns it
    return (width, height) if turned else (height, width)


def _rgb(file: Any) -> Image.Image:
    """The picture in RGB, upright."""
    if file.mode not in IMAGE_MODES:
        raise _RefusedError(
            f"expected 8-bit RGB, grey or palette colours, got image mode {file.mode!r}; convert "
            "it to 8-bit RGB"
        )
    _require_opaque(file)
    return ImageOps.exif_transpose(file).convert("RGB")


def _class_ids(file: Any) -> Image.Image:
    """The values that the file stores, which are class ids; Pillow scales grey of few bits."""
    raw = _raw_mode(file)
    few = GREY_BITS.get(raw) if file.mode in ("1", "L") else None
    if few is None and (file.mode not in ("L", "P") or raw not in ("L", "P", "P;1", "P;2", "P;4")):
        colours = file.mode in ("RGB", "RGBA")
        remedy = (
            "for a folder dataset name the class of each colour in classes.json, "
            f"{_colours_to_name(file)}; else restore the file of ids"
            if colours
            else "save the layout as a single 8-bit channel"
        )
        raise _RefusedError(
            "expected a grey or palette PNG (or BMP, TIFF) of class ids, of up to 8 bits, got "
            f"image mode {file.mode!r} ({raw}); {remedy}"
        )
    _require_unturned(file)
    if few is None:
        return file
    step = 255 // (2**few - 1)
    return file.convert("L").point([value // step for value in range(256)])


def _colours_to_name(file: Any) -> str:
    """Entry "colours" of classes.json with the colours of a picture, their classes to be filled in;
    an example where they are too many for a layout.
    """
    colours = file.convert("RGB").getcolors(MAX_NAMED_COLOURS)
    if colours is None:
        return (
            '"colours": {"#ff0000": "car"} (this file has more than '
            f"{MAX_NAMED_COLOURS} colours: a photograph, or saved with smoothing)"
        )
    codes = sorted("#" + bytes(colour).hex() for _, colour in colours)
    return '"colours": ' + json.dumps(dict.fromkeys(codes, "CLASS"))


def _class_colours(file: Any) -> Image.Image:
    """The picture in RGB, whose colours are classes."""
    if file.mode not in IMAGE_MODES or "16" in _raw_mode(file):
        raise _RefusedError(
            "expected 8-bit colours, palette or grey of classes, got image mode "
            f"{_raw_mode(file)!r}; save the layout with 8 bits a channel"
        )
    _require_unturned(file)
    _require_opaque(file)
    return file.convert("RGB")


def _raw_mode(file: Any) -> str:
    """Pixel format of a file that is open and not loaded: "L;4", "RGB", ..."""
    arguments = file.tile[0].args
    return arguments if isinstance(arguments, str) else str(arguments[0])


def _require_opaque(file: Any) -> None:
    if file.has_transparency_data:
        opacity, _ = file.convert("RGBA").getchannel("A").getextrema()
        if opacity < 255:
            raise _RefusedError(
                "expected opaque pixels, got transparent ones; lay the picture over a background"
            )


def _require_unturned(file: Any) -> None:
    if file.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        raise _RefusedError(
            "expected a layout as it is stored, got one that its EXIF orientation turns; turn the "
            "pixels and remove the tag"
        )


def _write_png(path: Path, picture: Image.Image, level: int) -> None:
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG", compress_level=level)


def _require_uint8(pixels: Tensor, what: str) -> None:
    if pixels.dtype != torch.uint8:
        raise ValueError(f"{what}: expected dtype uint8, got {pixels.dtype}")
