"""Image files: truncated, random, of every mode, turned, animated, and too large for memory."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from gcdp_bench.cli import main
from gcdp_bench.core.images import MAX_PIXELS, read_image, read_layout
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_writer import FolderWriter
from tests.fuzz.common import (
    attempt,
    command_refused,
    memory_within,
    png,
    png_chunk,
    refused,
    resident_within,
)
from tests.properties import examples

READERS = (read_image, read_layout)
PIXELS = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)
ORIENTATION = 0x0112


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


FILES = {
    "a.png": encoded(Image.fromarray(PIXELS)),
    "palette.png": encoded(Image.fromarray(PIXELS).quantize(17)),
    "grey.png": encoded(Image.fromarray(PIXELS[..., 0])),
    "a.jpg": encoded(Image.fromarray(PIXELS), "JPEG"),
    "progressive.jpg": encoded(Image.fromarray(PIXELS), "JPEG", progressive=True),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_at_any_byte_is_whole_or_refused(name, tmp_path):
    path, content = tmp_path / name, FILES[name]
    path.write_bytes(content)
    whole = {read: attempt(lambda read=read: read(path))[0] for read in READERS}
    assert whole[read_image] is not None
    for length in range(len(content)):
        path.write_bytes(content[:length])
        for read in READERS:
            got, message = attempt(lambda read=read: read(path))
            if message is None:  # what was cut holds no pixels: the check sum, the end mark
                assert torch.equal(got, whole[read])
            else:
                assert name in message


@examples(150)
@given(
    name=st.sampled_from(sorted(FILES)),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_changed_bytes_give_pixels_or_a_refusal(name, changes, tmp_path):
    path, content = tmp_path / name, bytearray(FILES[name])
    for place, value in changes:
        content[place % len(content)] = value
    path.write_bytes(bytes(content))
    for read in READERS:
        got, message = attempt(lambda read=read: read(path))
        if message is None:
            assert got.dtype == torch.uint8 and got.numel() > 0
            assert got.ndim == (3 if read is read_image else 2)
        else:
            assert name in message


HEADS = (
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"RIFF\0\0\0\0WEBP",
    b"II*\0",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    b"8BPS\0\1",
    b"P6 2 2 255 ",
)


@examples(150)
@given(head=st.sampled_from(HEADS), body=st.binary(max_size=200))
def test_random_bytes_are_refused(head, body, tmp_path):
    path = tmp_path / "random.png"
    path.write_bytes(head + body)
    for read in READERS:
        refused(lambda read=read: read(path), "random.png")


def opaque(mode: str) -> Image.Image:
    picture = Image.fromarray(PIXELS).convert(mode)
    if "A" in mode:
        picture.putalpha(255)
    return picture


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "RGBA", "LA", "P"])
def test_colours_grey_and_palettes_become_rgb(mode, tmp_path):
    picture = opaque(mode)
    path = tmp_path / "picture.png"
    picture.save(path)
    table = np.asarray(picture.getpalette() or [0] * 768, np.uint8).reshape(-1, 3)  # (256, 3)
    values = np.asarray(picture)
    expected = {
        "RGB": lambda: values,
        "RGBA": lambda: values[..., :3],
        "L": lambda: values[..., None].repeat(3, 2),
        "LA": lambda: values[..., :1].repeat(3, 2),
        "1": lambda: (values[..., None] * np.uint8(255)).repeat(3, 2),
        "P": lambda: table[values],
    }[mode]()
    assert np.array_equal(read_image(path).permute(1, 2, 0).numpy(), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png(1, 1, b"\0\x12\x34", depth=16, colour=0), "'I;16'"),
        (encoded(Image.new("CMYK", (4, 4)), "JPEG"), "'CMYK'"),
        (encoded(Image.new("RGBA", (4, 4), (9, 9, 9, 128))), "transparent"),
        (encoded(Image.new("LA", (4, 4), (9, 0))), "transparent"),
        (encoded(Image.new("RGB", (4, 4), (9, 9, 9)), transparency=(9, 9, 9)), "transparent"),
        (encoded(Image.new("P", (4, 4)), transparency=b"\0\xff"), "transparent"),
        (png(4, 0, b""), "readable image"),
        (png(0, 4, b"\0" * 4), "readable image"),
    ],
    ids=["16-bit", "cmyk", "rgba", "grey-alpha", "colour-key", "palette-alpha", "flat", "thin"],
)
def test_what_has_no_rgb_pixels_is_refused(content, message, tmp_path):
    path = tmp_path / "odd.png"
    path.write_bytes(content)
    refused(lambda: read_image(path), "odd.png", message)


def test_16_bit_colour_keeps_its_upper_bits(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(png(1, 1, b"\0\x12\x34\x56\x78\x9a\xbc", depth=16))
    assert read_image(path).flatten().tolist() == [0x12, 0x56, 0x9A]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_upright_and_a_turned_layout_refused(kind, orientation, tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / "turned.png"
    path.write_bytes(encoded(Image.fromarray(PIXELS), kind, exif=exif))
    with Image.open(path) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    assert expected.shape[:2] == ((13, 9) if orientation > 4 else (9, 13))
    assert np.array_equal(read_image(path).permute(1, 2, 0).numpy(), expected)
    path.write_bytes(encoded(Image.fromarray(PIXELS[..., 0]), "PNG", exif=exif))
    if orientation == 1:
        assert read_layout(path).shape == (9, 13)
    else:
        refused(lambda: read_layout(path), "turned.png", "orientation")


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_animations_are_refused(kind, tmp_path):
    frames = [Image.new("L", (4, 4), value) for value in (10, 200)]
    path = tmp_path / "moving.png"
    path.write_bytes(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    for read in READERS:
        message = refused(lambda read=read: read(path), "moving.png")
        # GIF is read by neither, WebP by read_image alone
        assert ("2 frames" in message) == (kind == "PNG" or kind == "WEBP" and read is read_image)


def test_a_jpeg_with_a_second_picture_is_its_first(tmp_path):
    first, second = Image.new("RGB", (8, 8), (200, 40, 40)), Image.new("RGB", (4, 4))
    path = tmp_path / "two.jpg"
    path.write_bytes(encoded(first, "MPO", save_all=True, append_images=[second]))
    read = read_image(path)
    assert read.shape == (3, 8, 8)
    assert (read[:, 0, 0].int() - torch.tensor([200, 40, 40])).abs().max() < 4


BOMBS = {
    "pillow refuses": png(60_000, 60_000, b""),
    "pillow warns": png(9_800, 9_800, b""),
    "pillow accepts": png(8_193, 8_192, b""),
    "largest": png(2**31 - 1, 2**31 - 1, b""),
    "one row": png(2**31 - 1, 1, b""),
    "zeros": png(12_000, 12_000, b"\0" * 10**6),
    "text": png(1, 1, b"\0abc", extra=png_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"a" * 10**8))),
    "profile": png(
        1, 1, b"\0abc", extra=png_chunk(b"iCCP", b"k\0\0" + zlib.compress(b"a" * 10**8))
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_memory(name, tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(BOMBS[name])
    with memory_within(8), resident_within(64):
        for read in READERS:
            got, message = attempt(lambda read=read: read(path))
            assert "bomb.png" in (message or "") or got.numel() <= 3


def test_a_jpeg_that_claims_to_be_huge_is_refused(tmp_path):
    content = bytearray(FILES["a.jpg"])
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)
    path = tmp_path / "bomb.jpg"
    path.write_bytes(bytes(content))
    with memory_within(8):
        refused(lambda: read_image(path), "bomb.jpg", MAX_PIXELS)


def broken_folder(root, content: bytes):
    writer = FolderWriter(root, class_names=("a", "b"), dataset="toy", split="test")
    for name in ("0", "1"):
        pixels = torch.zeros(3, 4, 8, dtype=torch.uint8)
        writer.write(name, pixels, pixels[0], "an a")
    (root / "images" / "1.png").write_bytes(content)


@pytest.mark.parametrize("name", ["pillow refuses", "text"])
def test_commands_name_a_bomb_in_one_line(name, tmp_path):
    broken_folder(tmp_path / "data", BOMBS[name])
    refused(lambda: Folder(tmp_path / "data")[1], "1.png")
    checked = CliRunner().invoke(main, ["data", "check", str(tmp_path / "data")])
    assert checked.exit_code == 1 and "1 fault in 2 items" in checked.output
    images, out = tmp_path / "data" / "images", tmp_path / "out"
    command_refused(
        [
            "outpaint",
            "--dataset",
            "synth-city-25",
            "--image",
            images,
            "--caption",
            "a road",
            "--out",
            out,
        ],
        "1.png",
    )
    assert not out.exists()
