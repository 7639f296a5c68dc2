"""Colours of layouts and sheets of pictures."""

import torch

from gcdp_bench.palette import class_colour, colourise, sheet


def test_colours_are_the_fields_and_stable():
    assert class_colour("road") == (128, 64, 128) == class_colour("Road")
    assert class_colour("hair") == class_colour("hair") != class_colour("skin")


def test_layouts_become_pictures():
    layouts = torch.tensor([[[0, 1], [255, 1]]], dtype=torch.uint8)
    picture = colourise(layouts, ["road", "sky"])
    assert picture.shape == (1, 3, 2, 2)
    assert picture[0, :, 0, 0].tolist() == [128, 64, 128]
    assert picture[0, :, 0, 1].tolist() == [70, 130, 180]
    assert picture[0, :, 1, 0].tolist() == [255, 255, 255]


def test_a_sheet_keeps_every_pixel():
    pictures = torch.arange(5 * 3 * 2 * 4, dtype=torch.uint8).view(5, 3, 2, 4)
    out = sheet(pictures, num_columns=3, gap_px=1)
    assert out.shape == (3, 2 * 3 - 1, 3 * 5 - 1)
    assert torch.equal(out[:, 3:5, 5:9], pictures[4])
    assert (out[:, 2] == 255).all()
