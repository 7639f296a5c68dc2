"""Layouts of other values and of colours, and what `classes.json` may say of them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gcdp_bench.datasets.coding import LayoutCoding, read_coding
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_files import read_classes
from tests.gcdp_bench.datasets.test_disk import write_folder

NAMES = ("tissue", "lesion")
IDS = np.arange(96).reshape(8, 12) % 2


def folder_of(root, pixels, table, mode=None):
    write_folder(root)
    picture = Image.fromarray(pixels.astype(np.uint8))
    (picture if mode is None else picture.convert(mode, palette=Image.Palette.ADAPTIVE)).save(
        root / "layouts" / "0000.png"
    )
    (root / "classes.json").write_text(json.dumps({"classes": NAMES, **table}))
    return Folder(root)


@pytest.mark.parametrize(
    "values",
    [{"255": "lesion"}, {"lesion": 255}, {"lesion": [255, 254]}, {"255": 1, "0": "tissue"}],
)
def test_values_of_0_and_255_are_two_classes(values, tmp_path):
    data = folder_of(tmp_path, IDS * 255, {"values": values})
    assert np.array_equal(data[0].layout.numpy(), IDS)
    assert data.layout(0).unique().tolist() == [0, 1]
    assert not [fault for _, found in data.inspect() for fault in found]


def test_null_is_ignored_and_other_values_stay(tmp_path):
    data = folder_of(tmp_path, IDS * 7, {"values": {"7": None}})
    assert np.array_equal(data[0].layout.numpy(), np.where(IDS, 255, 0))
    with pytest.raises(ValueError, match=r"layout has class 9.*\"values\""):
        folder_of(tmp_path, IDS * 9, {"values": {"7": None}})[0]


COLOURS = np.stack([IDS * 255, IDS * 0, 40 + 0 * IDS], -1)  # (8, 12, 3): #000028 and #ff0028


@pytest.mark.parametrize("mode", [None, "RGBA", "P"])
@pytest.mark.parametrize(
    "table",
    [
        {"colours": {"#000028": "tissue", "#ff0028": "lesion"}},
        {"colors": {"tissue": [0, 0, 40], "lesion": "255, 0, 40"}},
        {"colours": {"(0,0,40)": 0, "lesion": [[255, 0, 40], "#123"]}},
    ],
)
def test_colours_are_classes(table, mode, tmp_path):
    data = folder_of(tmp_path, COLOURS, table, mode)
    assert np.array_equal(data[0].layout.numpy(), IDS)


def test_black_and_white_of_one_bit_are_colours(tmp_path):
    data = folder_of(tmp_path, IDS * 255, {"colours": {"black": "tissue", "white": "lesion"}}, "1")
    assert np.array_equal(data[0].layout.numpy(), IDS)


@pytest.mark.parametrize("values", [{}, {"values": {"1": "lesion"}}, {"values": {"lesion": [1]}}])
def test_a_mask_of_one_bit_has_the_values_0_and_1(values, tmp_path):
    data = folder_of(tmp_path, IDS * 255, values, "1")
    assert np.array_equal(data[0].layout.numpy(), IDS)
    assert not [fault for _, found in data.inspect() for fault in found]
    swapped = folder_of(tmp_path, IDS * 255, {"values": {"0": "lesion", "1": "tissue"}}, "1")
    assert np.array_equal(swapped[0].layout.numpy(), 1 - IDS)


def test_values_that_a_mask_of_few_bits_cannot_hold_are_refused(tmp_path):
    data = folder_of(tmp_path, IDS * 255, {"values": {"255": "lesion"}}, "1")
    with pytest.raises(ValueError, match=r"0000\.png: a 1-bit mask has the values 0 and 1.* 255;"):
        data[0]
    (fault,) = dict(data.inspect())["0000"]
    assert "1-bit mask" in fault.problem


def test_other_colours_are_named_and_counted(tmp_path):
    pixels = COLOURS.copy()
    pixels[0, :3] = (1, 2, 3)
    data = folder_of(tmp_path, pixels, {"colours": {"#000028": "tissue", "#ff0028": "lesion"}})
    with pytest.raises(ValueError, match=r"0000\.png: 3 pixels have colours.*#010203"):
        data[0]
    (fault,) = dict(data.inspect())["0000"]
    assert "#010203" in fault.problem and "others" not in fault.problem
    for place in range(6):
        pixels[1, place] = (1, 1, place)
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "layouts" / "0000.png")
    with pytest.raises(ValueError, match=r"9 pixels .*#010100, #010101, .*#010103 and 3 others;"):
        data[0]


def test_colours_without_a_table_say_how_to_name_them(tmp_path):
    data = folder_of(tmp_path, COLOURS, {})
    with pytest.raises(ValueError, match=r"image mode 'RGB'.*\"colours\""):
        data[0]


@given(st.permutations(range(256)), st.integers(1, 20))
def test_every_value_is_read_in_both_directions(order, num):
    names = [f"class {i}" for i in range(num)]
    expected = LayoutCoding(values=tuple((value, i) for i, value in enumerate(order[:num])))
    pairs = list(zip(order, names, strict=False))
    assert read_coding({"values": {str(v): n for v, n in pairs}}, names) == expected
    assert read_coding({"values": {n: v for v, n in pairs}}, names) == expected


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"values": []}, "values: expected a table"),
        ({"values": {}}, "values: expected a table"),
        ({"values": {"256": "lesion"}}, "from 0 to 255, got 256"),
        ({"values": {"x": "lesion"}}, "from 0 to 255, got 'x'"),
        ({"values": {"7": True}}, "null for '7', got True"),
        ({"values": {"7": 2}}, "null for '7', got 2"),
        ({"values": {"7": -1}}, "null for '7', got -1"),
        ({"values": {"3": "lesions", "4": "tisue"}}, r"lesions.*; values: .*tisue"),
        ({"values": {"3": "lesion", "tissue": 3}}, "two classes"),
        ({"colours": {"#ff00": "lesion", "1,2": "tissue"}}, r"#ff00|1,2"),
        ({"colours": {"300,0,0": "lesion"}}, "from 0 to 255, got 300"),
        ({"values": {"1": 1}, "colours": {"red": 1}}, "expected values or colours"),
        ({"value": {"255": "lesion"}}, "did you mean 'values'"),
        ({"template": "nothing"}, "template"),
        ({"words": {"lesions": ["spot"]}}, "is no class"),
        ({"words": {"lesion": "spot"}}, "words: expected a table"),
        ({"count_denied": 1}, "count_denied"),
    ],
)
def test_bad_entries_are_named(table, message, tmp_path):
    write_folder(tmp_path)
    (tmp_path / "classes.json").write_text(json.dumps({"classes": NAMES, **table}))
    with pytest.raises(ValueError, match=message):
        read_classes(tmp_path)


def test_all_bad_names_are_said_at_once(tmp_path):
    write_folder(tmp_path)
    names = [
        "car ",
        "",
        "Bus",
        "bus",
        "a\nb",
        "traffic light",
        "traffic_light",
        "café",
        "cafe\u0301",
        "_",
        7,
    ]
    (tmp_path / "classes.json").write_text(json.dumps({"classes": names}))
    with pytest.raises(ValueError) as caught:
        read_classes(tmp_path)
    message = str(caught.value)
    for part in (
        "'car '",
        "got ''",
        "'Bus' and 'bus'",
        "'\\n'",
        "'traffic_light'",
        "twice",
        "'_'",
        "got 7",
    ):
        assert part in message, part


def test_windows_marks_and_line_ends_are_read(tmp_path):
    write_folder(tmp_path)
    for name in ("captions.jsonl", "classes.json"):
        text = (tmp_path / name).read_text().replace("\n", "\r\n") + "\r\n\r\n"
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert [triplet.caption for triplet in Folder(tmp_path)] == ["a car, 0000", "a car, 0001"]
    (tmp_path / "classes.json").write_bytes('{"classes": ["a"]}'.encode("utf-16"))
    with pytest.raises(ValueError, match=r"classes\.json: expected UTF-8 text, got UTF-16; save"):
        Folder(tmp_path)
