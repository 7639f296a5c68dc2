"""Images and layouts of any shape to any size: nothing is squeezed unless prompted."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.core.images import resize_images, resize_layouts
from gcdp_bench.core.types import IGNORE_ID
from gcdp_bench.datasets.framing import (
    MOST_CROPPED,
    RESIZES,
    common_size,
    crop_box,
    fit_image,
    fit_layout,
    fits,
    frame,
    lost,
    require_fit,
    resize_needed,
)

SIDES = st.integers(1, 60)
SIZES = st.tuples(SIDES, SIDES)


@given(native=SIZES, size=SIZES, resize=st.sampled_from(RESIZES))
def test_an_image_and_its_layout_go_the_same_way(native, size, resize):
    """Each class has its own grey: where an image is of one colour, the layout has that class."""
    layout = torch.randint(3, native, generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    layout = layout[:1].expand(native).contiguous() if native[0] > 1 else layout
    image = (layout[None] * 100).expand(3, *native).contiguous()
    small, ids = fit_image(image, size, resize), fit_layout(layout, size, resize)
    assert small.shape == (3, *size) and ids.shape == size
    assert small.dtype == ids.dtype == torch.uint8
    top, left = frame(native, size, resize).place
    inner = frame(native, size, resize).inner
    inside = torch.zeros(size, dtype=torch.bool)
    inside[top : top + inner[0], left : left + inner[1]] = True
    assert bool((ids[~inside] == IGNORE_ID).all()) and bool((ids[inside] != IGNORE_ID).all())
    assert bool((small[:, ~inside] == 0).all())
    assert resize == "pad" or bool(inside.all())
    whole = torch.full((3, *native), 70, dtype=torch.uint8)
    assert bool((fit_image(whole, size, resize)[:, inside] == 70).all())


@given(native=SIZES, size=SIZES)
def test_a_crop_lies_in_the_image_and_has_the_shape(native, size):
    top, left, height, width = crop_box(native, size)
    assert 0 <= top <= native[0] - height and 0 <= left <= native[1] - width
    assert height == native[0] or width == native[1]  # one side alone is cut
    if min(height, width) > 1:
        assert abs(height * size[1] - width * size[0]) <= max(size) / 2 + 1e-9
        share = 1 - height * width / (native[0] * native[1])
        assert lost(native, size) == pytest.approx(share, abs=0.51 / min(height, width))


@given(size=SIZES, factor=st.integers(1, 5))
def test_images_of_the_same_shape_are_resized_as_ever(size, factor):
    native = (size[0] * factor, size[1] * factor)
    generator = torch.Generator().manual_seed(factor)
    image = torch.randint(256, (3, *native), generator=generator).to(torch.uint8)
    layout = torch.randint(5, native, generator=generator).to(torch.uint8)
    for resize in ("none", *RESIZES):
        assert torch.equal(fit_image(image, size, resize), resize_images(image[None], size)[0])
        assert torch.equal(fit_layout(layout, size, resize), resize_layouts(layout[None], size)[0])
    assert resize_needed([native], size) == "none"


def test_a_crop_takes_the_middle():
    image = torch.arange(8, dtype=torch.uint8).expand(3, 4, 8)
    assert fit_image(image, (4, 4), "crop")[0, 0].tolist() == [2, 3, 4, 5]
    assert fit_layout(image[0], (4, 4), "crop")[0].tolist() == [2, 3, 4, 5]
    assert fit_layout(image[0], (4, 4), "stretch")[0].tolist() == [1, 3, 5, 7]
    padded = fit_layout(image[0], (8, 8), "pad")
    assert (padded[:, 0] == IGNORE_ID).tolist() == [True] * 2 + [False] * 4 + [True] * 2
    assert frame((4, 8), (12, 12), "pad").place == (3, 0)
    assert frame((8, 4), (12, 12), "pad").place == (0, 3)
    assert frame((1, 90), (4, 4), "pad").inner == (1, 4)  # never none


def test_without_a_choice_little_is_cut_and_more_is_refused():
    assert fits((100, 95), (64, 64)) and not fits((100, 94), (64, 64))
    assert resize_needed([(64, 64), (100, 95)], (64, 64)) == "crop"
    assert fit_layout(torch.zeros(100, 95), (64, 64)).shape == (64, 64)
    with pytest.raises(ValueError, match=r"shape of 64x64, got 100x94, .*cut off 6 %; pass --res"):
        fit_layout(torch.zeros(100, 94), (64, 64))
    assert MOST_CROPPED == 0.05


def test_all_images_of_another_shape_are_counted_in_one_message():
    natives = {f"{i:02d}": (64, 128) for i in range(9)} | {"07": (64, 64), "08": (128, 64)}
    with pytest.raises(ValueError, match=r"D test: .* 2 of 9 .*\(07 is 64x64, 08 is 128x64"):
        require_fit(natives, (32, 64), "D test")
    require_fit({"a": (100, 200), "b": (101, 200)}, (32, 64), "D test")


def test_the_usual_shape_is_that_of_most_images():
    sizes = {"a": (64, 128), "b": (480, 640), "c": (960, 1280), "d": (10, 20)}
    assert common_size(sizes | {"e": (3, 4)}) == (480, 640)
    assert common_size(sizes) == (64, 128) and common_size({}) is None
