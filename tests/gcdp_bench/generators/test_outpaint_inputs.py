"""Files of what is known: matched by name, read at the model's size, and refused by name."""

from pathlib import Path

import pytest
import torch

from gcdp_bench.core.images import write_image, write_layout
from gcdp_bench.core.types import IGNORE_ID
from gcdp_bench.generators.outpaint_inputs import (
    UNKNOWN_GREY,
    ConditioningFiles,
    Sources,
    find_conditioning,
    read_conditioning,
    shown,
)

NAMES = ("sky", "road")
SIZE = (4, 8)


def image(path: Path, size=SIZE, value: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, torch.full((3, *size), value, dtype=torch.uint8))
    return path


def layout(path: Path, size=SIZE, value: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_layout(path, torch.full(size, value, dtype=torch.uint8))
    return path


def test_something_has_to_be_known_and_something_unknown(tmp_path):
    with pytest.raises(ValueError, match="expected a layout or an image"):
        Sources(mask=tmp_path)
    with pytest.raises(ValueError, match="nothing is left to draw; give a mask"):
        Sources(layout=tmp_path, image=tmp_path)
    Sources(layout=tmp_path, image=tmp_path, mask=tmp_path)


def test_files_of_folders_are_matched_by_name(tmp_path):
    for name in ("b", "a"):
        layout(tmp_path / "l" / f"{name}.png")
        image(tmp_path / "i" / f"{name}.PNG")
    (tmp_path / "l" / "notes.txt").write_text("no image")
    mask = image(tmp_path / "m.png")
    found = find_conditioning(Sources(layout=tmp_path / "l", image=tmp_path / "i", mask=mask))
    assert [item.id for item in found] == ["a", "b"]
    assert found[1] == ConditioningFiles(
        "b", tmp_path / "l" / "b.png", tmp_path / "i" / "b.PNG", mask
    )


def test_single_files_need_no_common_name(tmp_path):
    files = layout(tmp_path / "l.png"), image(tmp_path / "i.png"), image(tmp_path / "m.png")
    found = find_conditioning(Sources(layout=files[0], image=files[1], mask=files[2]))
    assert found == [ConditioningFiles("l", *files)]
    assert find_conditioning(Sources(image=files[1])) == [
        ConditioningFiles("i", None, files[1], None)
    ]


def test_a_file_without_its_counterpart_is_named(tmp_path):
    layout(tmp_path / "l" / "a.png")
    image(tmp_path / "i" / "a.png")
    image(tmp_path / "i" / "more.png")
    mask = image(tmp_path / "m.png")
    with pytest.raises(ValueError, match=r"more\.png: expected a file of the same name"):
        find_conditioning(Sources(layout=tmp_path / "l", image=tmp_path / "i", mask=mask))
    image(tmp_path / "i" / "a.jpg")
    with pytest.raises(ValueError, match="a.jpg has the same name; rename one"):
        find_conditioning(Sources(image=tmp_path / "i"))
    with pytest.raises(FileNotFoundError, match="nowhere: expected an image file or a folder"):
        find_conditioning(Sources(image=tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"empty: expected \.png"):
        find_conditioning(Sources(image=tmp_path / "empty"))


def test_what_is_not_given_is_not_known(tmp_path):
    half = torch.ones(SIZE, dtype=torch.uint8)
    half[:, 6:] = IGNORE_ID
    write_layout(tmp_path / "l.png", half)
    pair = read_conditioning(ConditioningFiles("l", tmp_path / "l.png", None, None), SIZE, NAMES)
    assert not pair.image_mask.any()
    assert torch.equal(pair.layout_mask, half != IGNORE_ID)
    assert torch.equal(pair.layout, half)
    pair = read_conditioning(
        ConditioningFiles("i", None, image(tmp_path / "i.png"), None), SIZE, NAMES
    )
    assert pair.image_mask.all() and not pair.layout_mask.any()
    assert (pair.image == 10).all()


def test_a_pixel_is_known_where_no_white_of_the_mask_reaches_it(tmp_path):
    """A mask of twice the size with one white pixel; its antialiased reach is unknown."""
    mask = torch.zeros(3, 8, 16, dtype=torch.uint8)
    mask[:, 2, 5] = 255
    write_image(tmp_path / "m.png", mask)
    files = ConditioningFiles(
        "a", layout(tmp_path / "l.png"), image(tmp_path / "i.png", (8, 16)), tmp_path / "m.png"
    )
    pair = read_conditioning(files, SIZE, NAMES)
    assert torch.equal(pair.image_mask, pair.layout_mask)
    unknown = (~pair.image_mask).nonzero().tolist()
    assert [1, 2] in unknown and len(unknown) <= 4
    assert all(abs(row - 1) <= 1 and abs(column - 2) <= 1 for row, column in unknown)
    pictures = shown(pair, NAMES)
    assert (pictures[:, :, 1, 2] == UNKNOWN_GREY).all()
    assert (pictures[0, :, 3, 7] == 10).all()


@pytest.mark.parametrize("part", ["image", "layout", "mask"])
def test_another_shape_is_refused(tmp_path, part):
    parts = {
        "layout": layout(tmp_path / "l.png"),
        "image": image(tmp_path / "i.png"),
        "mask": image(tmp_path / "m.png"),
    }
    (layout if part == "layout" else image)(parts[part], (4, 4))
    with pytest.raises(ValueError, match=r"expected the shape of the model's images \(4, 8\)"):
        read_conditioning(
            ConditioningFiles("a", parts["layout"], parts["image"], parts["mask"]), SIZE, NAMES
        )


@pytest.mark.parametrize("side", ["image", "layout"])
def test_a_photograph_of_another_shape_is_cropped_or_padded_with_its_mask(tmp_path, side):
    """8 x 8 for a model of 4 x 8: the middle rows; padded, what is added is not known."""
    pixels = torch.arange(8, dtype=torch.uint8)[:, None].expand(8, 8).contiguous()
    write_image(tmp_path / "i.png", pixels.expand(3, 8, 8).contiguous())
    write_layout(tmp_path / "l.png", (pixels >= 4).to(torch.uint8))
    files = ConditioningFiles(
        "a",
        tmp_path / "l.png" if side == "layout" else None,
        tmp_path / "i.png" if side == "image" else None,
        None,
    )
    pair = read_conditioning(files, SIZE, NAMES)
    mask = pair.image_mask if side == "image" else pair.layout_mask
    assert mask.all() and pair.native == (8, 8)
    if side == "image":
        assert pair.image[0, :, 0].tolist() == [2, 3, 4, 5]
    else:
        assert pair.layout[:, 0].tolist() == [0, 0, 1, 1]
    padded = read_conditioning(files, SIZE, NAMES, "pad")
    mask = padded.image_mask if side == "image" else padded.layout_mask
    assert mask[0].tolist() == [False] * 2 + [True] * 4 + [False] * 2


def test_an_unknown_class_is_refused(tmp_path):
    files = ConditioningFiles("a", layout(tmp_path / "l.png", value=7), None, None)
    with pytest.raises(ValueError, match=r"l\.png: layout has class 7, expected 0 to 1 or 255"):
        read_conditioning(files, SIZE, NAMES)
