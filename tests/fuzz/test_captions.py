"""Captions and ids: whole or refused, and no id ever leads out of its folder."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.captions import parse_caption
from gcdp_bench.datasets.celeba.captions import read_caption_lines
from gcdp_bench.datasets.faces import named_classes, parse_attributes
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_files import read_captions
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.io.validation import MAX_CAPTION, check_caption, check_id, file_stem, one_line
from reference_model.text import HashNgramEncoder, TextConfig
from tests.fuzz.common import attempt, command_refused, refused
from tests.properties import examples

PIXELS = torch.zeros(3, 4, 4, dtype=torch.uint8)
FINE = {
    "empty": "",
    "blank": " \t\n ",
    "script": "<script>alert(1)</script>",
    "path": "../../etc/passwd",
    "jinja": "{{ 7 * 7 }} {% include 'x' %}",
    "right to left": "\u202eabc\u202c \u05d0\u05d1\u05d2",
    "separators": "a\u2028b\u2029c",
    "emoji": "a \U0001f697 and \U0001f469\u200d\U0001f680",
    "formula": r"costs $5 and $\frac{$",
    "long": "car " * (MAX_CAPTION // 4),
    "long word": "a" * MAX_CAPTION,
}
REFUSED = {
    "too long": "a" * (MAX_CAPTION + 1),
    "a megabyte": "a car " * 170_000,
    "NUL": "a\0b",
    "bell": "a\x07b",
    "escape": "\x1b[31mred",
    "delete": "a\x7fb",
    "next line": "a\x85b",
    "half a character": "a\ud800b",
}
BAD_IDS = (
    "",
    " ",
    ".",
    "..",
    "../x",
    "/etc/x",
    "a/b",
    "a\\b",
    "..\\x",
    "a\0b",
    "a\nb",
    ".hidden",
    "\ud800",
    "a" * 201,
    "\u00e9" * 101,
)


def writer(root: Path) -> FolderWriter:
    return FolderWriter(root, class_names=("car", "sky"), dataset="toy", split="test")


def files_in(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


def write_lines(root: Path, lines) -> Path:
    """A folder with one image and any lines of captions."""
    writer(root).write("0", PIXELS, PIXELS[0], "a car")
    (root / "captions.jsonl").write_bytes(
        b"".join(
            line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines
        )
    )
    return root


@pytest.mark.parametrize("name", FINE)
def test_a_caption_survives_writer_and_reader(name, tmp_path):
    writer(tmp_path).write("0", PIXELS, PIXELS[0], FINE[name])
    assert Folder(tmp_path)[0].caption == FINE[name]
    again = writer(tmp_path)
    assert again.holds("0") and len(Folder(tmp_path)) == 1
    encoded = HashNgramEncoder(TextConfig()).encode([FINE[name]])
    assert bool(torch.isfinite(encoded.tokens).all())
    assert parse_caption(FINE[name], ("car", "sky")) <= {0, 1}
    assert named_classes(FINE[name]) is not None and parse_attributes(FINE[name]) is not None


@pytest.mark.parametrize("name", REFUSED)
def test_other_captions_are_refused_by_writer_and_reader(name, tmp_path):
    caption = REFUSED[name]
    refused(lambda: writer(tmp_path / "w").write("0", PIXELS, None, caption), "caption")
    assert not list((tmp_path / "w" / "images").iterdir())
    write_lines(tmp_path / "r", [{"id": "0", "caption": caption}])
    refused(lambda: Folder(tmp_path / "r"), "captions.jsonl line 1")
    out = tmp_path / "out"
    image = tmp_path / "r" / "images" / "0.png"
    captions = tmp_path / "r" / "captions.jsonl"
    command_refused(
        [
            "outpaint",
            "--dataset",
            "synth-city-25",
            "--image",
            image,
            "--captions",
            captions,
            "--out",
            out,
        ],
        "captions.jsonl",
    )
    assert not out.exists()


@examples(100)
@given(text=st.text(max_size=60))
def test_any_text_is_a_caption_or_refused(text, tmp_path):
    root = tmp_path / "data"
    names = sorted(path.stem for path in (root / "images").glob("*.png"))
    name = f"{len(names):04d}"
    _, message = attempt(lambda: writer(root).write(name, PIXELS, None, text))
    captions = read_captions(root / "captions.jsonl") if (root / "captions.jsonl").exists() else {}
    assert captions.get(name) == (text if message is None else None)


@examples(100)
@given(
    text=st.one_of(
        st.text(max_size=40), st.sampled_from(BAD_IDS), st.text(alphabet="./\\ab\0\n", max_size=12)
    )
)
def test_any_text_is_an_id_inside_the_folder_or_refused(text, tmp_path):
    root = tmp_path / "inner" / "data"
    _, message = attempt(lambda: writer(root).write(text, PIXELS, PIXELS[0], "a car"))
    assert all(root in path.parents for path in files_in(tmp_path))
    if message is None:
        name = check_id(text)
        assert (
            name == unicodedata.normalize("NFC", text)
            and (root / "images" / f"{name}.png").exists()
        )
        assert (root / "images" / f"{name}.png").parent.resolve() == (root / "images").resolve()


@examples(100)
@given(text=st.one_of(st.text(max_size=60), st.text(alphabet="./\\a ", max_size=12)))
def test_any_text_gives_a_file_name_of_its_folder(text, tmp_path):
    name = file_stem(text)
    assert (tmp_path / f"{name}.png").resolve().parent == tmp_path.resolve()
    assert name == file_stem(name) and "/" not in name and "\0" not in name
    assert "\x1b" not in one_line(text) and one_line(text).encode() is not None


@pytest.mark.parametrize("name", BAD_IDS)
def test_an_id_in_a_manifest_reads_nothing_outside(name, tmp_path):
    outside = tmp_path / "x.png"
    outside.write_bytes(b"secret")
    root = write_lines(
        tmp_path / "data", [{"id": "0", "caption": "a"}, {"id": name, "caption": ""}]
    )
    refused(lambda: Folder(root), "captions.jsonl line 2")
    lenient = Folder(root, strict=False)
    assert lenient.ids == ("0",)
    faults = [fault for _, found in lenient.inspect() for fault in found]
    assert [fault.id for fault in faults] == ["*"]
    refused(lambda: writer(root), "captions.jsonl line 2")
    command_refused(["sample", "reference", "--dataset", root, "--out", tmp_path / "out"])


LINES = {
    "torn": b'{"id": "1", "capt\n',
    "list": [],
    "number": 7,
    "null": None,
    "no id": {"caption": "a"},
    "number as id": {"id": 7, "caption": "a"},
    "list of numbers": {"id": "1", "caption": [7]},
    "empty list": {"id": "1", "caption": []},
    "blank in a list": {"id": "1", "caption": ["a", " "]},
    "key twice": b'{"id": "1", "id": "2", "caption": "a"}\n',
    "deep": b"[" * 50_000 + b"]" * 50_000 + b"\n",
    "deep enough": b'{"id": ' + b"[" * 80 + b"]" * 80 + b"}\n",
    "huge number": b'{"id": ' + b"9" * 5000 + b"}\n",
    "NaN": b'{"id": NaN, "caption": "a"}\n',
    "not UTF-8": b'{"id": "\xff", "caption": "a"}\n',
    "UTF-16": '{"id": "1", "caption": "a"}\n'.encode("utf-16"),
    "binary": bytes(range(256)),
    "megabyte": b"x" * 10**6 + b"\n",
}


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_is_named(name, tmp_path):
    root = write_lines(tmp_path / "data", [{"id": "0", "caption": "a"}, LINES[name]])
    refused(lambda: Folder(root), "captions.jsonl")
    command_refused(["data", "stats", root, "--split", "test"], "captions.jsonl")


@examples(100)
@given(
    content=st.one_of(
        st.binary(max_size=80),
        st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")),
    )
)
def test_any_bytes_are_captions_or_refused(content, tmp_path):
    path = tmp_path / "captions.jsonl"
    path.write_bytes(content)
    _, message = attempt(lambda: read_captions(path))
    assert message is None or "captions.jsonl" in message
    path = tmp_path / "7.txt"
    path.write_bytes(content)
    captions, message = attempt(lambda: read_caption_lines(path))
    assert message is None or "7.txt" in message
    assert all(check_caption(caption) == caption for caption in captions or ())


def test_a_caption_of_the_command_line_is_checked_before_drawing(tmp_path):
    image = tmp_path / "0.png"
    FolderWriter(tmp_path / "d", class_names=("a",), dataset="d", split="test").write(
        "0", torch.zeros(3, 32, 64, dtype=torch.uint8), None, "a"
    )
    image.write_bytes((tmp_path / "d" / "images" / "0.png").read_bytes())
    for caption in ("a" * 20_000, "a\x07"):
        command_refused(
            [
                "outpaint",
                "--dataset",
                "synth-city-25",
                "--image",
                image,
                "--caption",
                caption,
                "--out",
                tmp_path / "out",
            ],
            "caption",
        )
        assert not (tmp_path / "out").exists()


def test_a_folder_of_other_images_is_not_sampled_into(toy, tmp_path):
    photos = tmp_path / "photos"
    (photos / "images").mkdir(parents=True)
    (photos / "images" / "mine.png").write_bytes(b"a photograph")
    command_refused(
        [
            "sample",
            "reference",
            "--dataset",
            toy.data,
            "--weights",
            toy.reference,
            "--out",
            photos,
            "--num-samples",
            2,
            "--steps",
            2,
        ],
        photos,
    )
    assert (photos / "images" / "mine.png").read_bytes() == b"a photograph"


def test_an_unnamed_caption_draws_finite_pixels(toy, tmp_path):
    from gcdp_bench.core.sampling_config import SamplingConfig
    from reference_model.generator import Cascade

    cascade = Cascade.load("reference", toy.reference, SamplingConfig(steps=2, sr_steps=2))
    batch = cascade.sample(["", " ", "\u05d0\u202e", "a" * 2000], guidance=2.0, seeds=[0, 1, 2, 3])
    pixels = batch.images.float().numpy()
    assert np.isfinite(pixels).all() and (pixels.std((1, 2, 3)) > 0).all()
