"""Conversions are exact, resizes agree with Pillow and with index arithmetic, faults are named."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from gcdp_bench.core import images


def test_uint8_survives_the_float_range():
    pixels = torch.arange(256, dtype=torch.uint8).repeat(1, 3, 1, 1)
    assert torch.equal(images.to_uint8(images.to_float(pixels)), pixels)


def test_floats_are_clipped_but_neither_nan_nor_infinite_ones_are_colours():
    pixels = torch.tensor([[-3.0, -1.0, 0.0, 1.0, 3e38]])
    assert images.to_uint8(pixels).tolist() == [[0, 0, 128, 255, 255]]
    for value in (torch.nan, torch.inf, -torch.inf):
        pixels[0, 2] = value
        with pytest.raises(FloatingPointError, match="NaN or infinite ones in the previews"):
            images.to_uint8(pixels, what="previews")


@pytest.mark.parametrize("size", [(16, 32), (21, 37), (96, 160)])
def test_image_resize_is_pillows_antialiased_bilinear(size):
    pixels = torch.randint(
        0, 256, (1, 3, 48, 80), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    picture = Image.fromarray(pixels[0].permute(1, 2, 0).numpy())
    expected = np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR))
    got = images.resize_images(pixels, size)[0].permute(1, 2, 0).numpy()
    assert np.abs(got.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("size", [(2, 4), (5, 3), (16, 32)])
def test_layout_resize_is_pillows_nearest(size):
    layout = torch.arange(8 * 16, dtype=torch.uint8).reshape(1, 8, 16)
    expected = Image.fromarray(layout[0].numpy()).resize(size[::-1], Image.Resampling.NEAREST)
    assert np.array_equal(images.resize_layouts(layout, size)[0].numpy(), np.asarray(expected))


def test_files_round_trip(tmp_path):
    image = torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8)
    layout = torch.randint(0, 256, (5, 7), dtype=torch.uint8)
    images.write_image(tmp_path / "image.png", image)
    images.write_layout(tmp_path / "layout.png", layout)
    assert torch.equal(images.read_image(tmp_path / "image.png"), image)
    assert torch.equal(images.read_layout(tmp_path / "layout.png"), layout)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image.png", "layout.png"]


def test_palette_layout_keeps_its_ids(tmp_path):

    indexed = Image.new("P", (2, 2))
    indexed.putdata([0, 1, 2, 11])
    indexed.putpalette([value for colour in range(256) for value in (colour, 0, 255 - colour)])
    indexed.save(tmp_path / "palette.png")

    assert images.read_layout(tmp_path / "palette.png").flatten().tolist() == [0, 1, 2, 11]


def test_unreadable_image_is_named(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"not a picture")
    with pytest.raises(ValueError, match="broken.png: expected a readable image"):
        images.read_image(path)


def test_colour_layout_is_refused(tmp_path):
    path = tmp_path / "colour.png"
    Image.new("RGB", (2, 2)).save(path)
    with pytest.raises(ValueError, match="expected a grey or palette PNG.*'RGB'"):
        images.read_layout(path)


def test_the_colours_of_a_refused_layout_are_named(tmp_path):
    path = tmp_path / "colour.png"
    picture = Image.new("RGB", (16, 16))
    picture.putpixel((3, 3), (255, 128, 0))
    picture.save(path)
    with pytest.raises(ValueError, match=r'"colours": {"#000000": "CLASS", "#ff8000": "CLASS"};'):
        images.read_layout(path)
    picture.putdata([(value, 0, 0) for value in range(256)])
    picture.save(path)
    with pytest.raises(ValueError, match=r'"car"} \(this file has more than 64 colours'):
        images.read_layout(path)


def test_floats_are_refused_where_pixels_are_expected():
    with pytest.raises(ValueError, match="expected dtype uint8, got torch.float32"):
        images.to_float(torch.zeros(1, 3, 2, 2))


def test_left_becomes_right_in_a_mirror():
    names = ("skin", "left eye", "right eye", "left ear", "bright light")
    layout = torch.tensor([[[0, 1, 2], [3, 4, 255]]], dtype=torch.uint8)
    expected = torch.tensor([[[1, 2, 0], [255, 4, 3]]], dtype=torch.uint8)  # no right ear: stays
    assert torch.equal(images.mirror_layouts(layout, names), expected)
    assert torch.equal(images.mirror_layouts(expected, names), layout)
    assert images.mirrored_ids(names).tolist() == [0, 2, 1, 3, 4]
    street = ("road", "sky")
    assert torch.equal(images.mirror_layouts(layout, street), layout.flip(-1))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_a_size_is_that_of_the_upright_image(tmp_path, suffix, turned):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turned
    file = tmp_path / f"image.{suffix}"
    way: dict[str, Any] = (
        {"tiffinfo": {ExifTags.Base.Orientation: turned}} if suffix == "tif" else {"exif": exif}
    )
    Image.new("RGB", (30, 20)).save(file, **way)
    assert images.read_size(file) == tuple(images.read_image(file).shape[-2:])
    assert images.read_size(file) == ((20, 30) if turned < 5 else (30, 20))
    assert images.orientation(file) == turned


@pytest.mark.parametrize("level", [0, 1, 9])
def test_every_level_of_png_holds_the_same_pixels(tmp_path, level):
    ramp = torch.arange(3 * 64 * 64).remainder(251).to(torch.uint8).reshape(3, 64, 64)
    images.write_image(tmp_path / "image.png", ramp, level=level)
    images.write_layout(tmp_path / "layout.png", ramp[0], level=level)
    assert torch.equal(images.read_image(tmp_path / "image.png"), ramp)
    assert torch.equal(images.read_layout(tmp_path / "layout.png"), ramp[0])
