"""Faults of one item: all of them, each said once."""

import pytest
import torch

from gcdp_bench.core.images import write_image
from gcdp_bench.datasets.disk import Item
from gcdp_bench.datasets.inspection import FaultList, inspect_item


def test_a_problem_does_not_repeat_where_the_file_is(tmp_path):
    file, faults = tmp_path / "a.png", FaultList("a")
    faults.add(file, f"{file}: expected a picture")
    faults.add(file, f"expected {file} to be a picture")
    assert [fault.problem for fault in faults.faults] == [
        "expected a picture",
        "expected a.png to be a picture",
    ]
    assert {(fault.id, fault.file) for fault in faults.faults} == {("a", str(file))}
    assert faults.attempt(file, lambda: 3) == 3 and len(faults.faults) == 2
    with pytest.raises(KeyError):  # a mistake of the program is no fault of the data
        faults.attempt(file, lambda: {}["missing"])


@pytest.fixture
def item(tmp_path):
    write_image(tmp_path / "a.png", torch.zeros(3, 4, 4, dtype=torch.uint8))
    return Item("a", tmp_path / "a.png", tmp_path / "layout.png")


def inspect(item, *, layout, problems=(), caption=None):
    """Problems of an item, and the layout with which its caption was prompted."""
    prompted = []

    def read_layout():
        if layout is None:
            raise ValueError(f"{item.layout}: expected a layout")
        return layout

    def make_caption(given):
        prompted.append(given)
        if caption is not None:
            raise ValueError(caption)

    seen = inspect_item(
        item,
        read_layout=read_layout,
        problems=lambda _layout, _image: problems,
        caption_file=item.layout,
        caption=make_caption,
    )
    return [fault.problem for fault in seen.faults], prompted


LAYOUT = torch.zeros(4, 4, dtype=torch.uint8)


def test_a_sound_item_has_no_fault(item):
    problems, (prompted,) = inspect(item, layout=LAYOUT)
    assert problems == [] and prompted is LAYOUT


def test_every_fault_of_an_item_is_said(item):
    item.image.unlink()
    problems, prompted = inspect(
        item, layout=LAYOUT, problems=["size", "ids"], caption="no caption"
    )
    assert problems == ["expected the image of this item, found none", "size", "ids", "no caption"]
    assert prompted == [None]  # a caption is not made from a layout that is wrong
    problems, prompted = inspect(item, layout=None)
    assert problems[1:] == ["expected a layout"] and prompted == [None]
