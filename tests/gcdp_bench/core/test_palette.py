"""Colours of layouts and sheets of pictures."""

import itertools
import math

import pytest
import torch

from gcdp_bench.core.palette import APART, class_colours, colourise, image_grid


def test_colours_are_the_fields_and_stable():
    assert class_colours(["road", "Road"]) == [(128, 64, 128)] * 2
    assert class_colours(["hair"]) == class_colours(["hair"]) != class_colours(["skin"])


@pytest.mark.parametrize("seed", range(20))
def test_few_classes_of_ones_own_are_told_apart(seed):
    names = ["road", *(f"class {seed} {place}" for place in range(3))]
    for one, other in itertools.combinations(class_colours(names), 2):
        assert math.dist(one, other) >= APART


def test_many_classes_have_colours():
    colours = class_colours([f"class {place}" for place in range(200)])
    assert len(colours) == 200 and len(set(colours)) > 190


def test_layouts_become_pictures():
    layouts = torch.tensor([[[0, 1], [255, 1]]], dtype=torch.uint8)
    picture = colourise(layouts, ["road", "sky"])
    assert picture.shape == (1, 3, 2, 2)
    assert picture[0, :, 0, 0].tolist() == [128, 64, 128]
    assert picture[0, :, 0, 1].tolist() == [70, 130, 180]
    assert picture[0, :, 1, 0].tolist() == [255, 255, 255]


def test_a_sheet_keeps_every_pixel():
    pictures = torch.arange(5 * 3 * 2 * 4, dtype=torch.uint8).view(5, 3, 2, 4)
    out = image_grid(pictures, num_columns=3, gap_px=1)
    assert out.shape == (3, 2 * 3 - 1, 3 * 5 - 1)
    assert torch.equal(out[:, 3:5, 5:9], pictures[4])
    assert (out[:, 2] == 255).all()
