"""What is wrong with a layout: its size, its shape, its ids."""

from types import SimpleNamespace
from typing import cast

import pytest
import torch

from gcdp_bench.core.types import Dataset, Triplet
from gcdp_bench.datasets.layouts import (
    aspect_problem,
    checked_layout,
    class_problem,
    pair_problems,
    size_problem,
)

IMAGE = torch.zeros(3, 8, 12, dtype=torch.uint8)


def layout(height, width, value=0):
    return torch.full((height, width), value, dtype=torch.uint8)


def test_layouts_have_the_images_size():
    assert size_problem(layout(8, 12), IMAGE) is None
    problem = size_problem(layout(8, 11), IMAGE)
    assert problem is not None and "size (8, 12), got (8, 11)" in problem and "EXIF" not in problem
    turned = size_problem(layout(12, 8), IMAGE)
    assert turned is not None and "as its EXIF orientation turns it" in turned


@pytest.mark.parametrize("size", [(8, 12), (4, 6), (2, 3), (16, 24)])
def test_smaller_layouts_have_the_images_shape(size):
    assert aspect_problem(layout(*size), IMAGE) is None


@pytest.mark.parametrize("size", [(12, 8), (8, 8), (4, 12), (3, 4)])
def test_layouts_of_another_shape_are_named(size):
    problem = aspect_problem(layout(*size), IMAGE)
    assert problem is not None and f"image (8, 12), got {size}" in problem


def test_ids_are_classes_or_ignored():
    assert class_problem(layout(2, 2, 4), 5) is None and class_problem(layout(2, 2, 255), 5) is None
    pixels = layout(2, 2)
    pixels[1, 0] = 5
    problem = class_problem(pixels, 5)
    assert problem is not None and "layout has class 5, expected 0 to 4 or 255" in problem


def test_all_problems_of_a_pair_are_said():
    assert len(list(pair_problems(layout(8, 11, 9), IMAGE, 5))) == 2
    assert len(list(pair_problems(layout(8, 11, 9), None, 5))) == 1
    assert not list(pair_problems(layout(8, 12, 4), IMAGE, 5))


def test_layouts_of_a_dataset_hold_its_classes_only():
    dataset = cast(Dataset, SimpleNamespace(name="toy", class_names=("sky", "road")))
    pixels = layout(8, 12, 1)
    assert checked_layout(Triplet("007", IMAGE, pixels, "a road"), dataset) is pixels
    with pytest.raises(ValueError, match="toy 007: layout has class 2, expected 0 to 1"):
        checked_layout(Triplet("007", IMAGE, layout(8, 12, 2), "a road"), dataset)
