"""Layout files: the right ids, or a refusal that names the file."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from gcdp_bench.core.images import read_layout
from gcdp_bench.datasets.camvid import CamVid
from gcdp_bench.datasets.celeba import CelebA
from gcdp_bench.datasets.cityscapes import Cityscapes
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.generators.outpaint_inputs import Sources, find_conditioning, read_conditioning
from tests.fuzz.common import attempt, command_refused, png, refused
from tests.gcdp_bench.datasets.trees import write_celeba, write_cityscapes
from tests.properties import examples

SIZE = (8, 12)
IDS = np.arange(96, dtype=np.uint8).reshape(SIZE) % 3
SHADES = [value for index in range(256) for value in (index, 0, 255 - index)]


def encoded(pixels, mode: str | None = None, kind: str = "PNG", **options) -> bytes:
    picture = Image.fromarray(pixels)
    content = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(content, kind, **options)
    return content.getvalue()


def palette(bits: int) -> bytes:
    picture = Image.fromarray(IDS, "L")
    picture.putpalette(SHADES)
    content = io.BytesIO()
    picture.save(content, "PNG", bits=bits)
    return content.getvalue()


def array_file() -> bytes:
    content = io.BytesIO()
    np.save(content, IDS)
    return content.getvalue()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_a_palette_keeps_its_ids_whatever_its_bits(bits, tmp_path):
    path = tmp_path / "layout.png"
    path.write_bytes(palette(bits))
    with Image.open(path) as stored:
        assert stored.mode == "P"
    assert np.array_equal(read_layout(path).numpy(), IDS)


@examples(60)
@given(bits=st.sampled_from([1, 2, 4]), row=st.binary(min_size=1, max_size=9))
def test_grey_of_few_bits_keeps_the_values_of_the_file(bits, row, tmp_path):
    path = tmp_path / "layout.png"
    path.write_bytes(png(len(row) * 8 // bits, 1, b"\0" + row, depth=bits, colour=0))
    stored = np.unpackbits(np.frombuffer(row, np.uint8)).reshape(-1, bits)  # (W, bits)
    expected = stored @ (2 ** np.arange(bits)[::-1])
    assert np.array_equal(read_layout(path).numpy(), expected[None])


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_black_is_0_and_white_is_1_in_a_mask_of_1_bit(kind, tmp_path):
    path = tmp_path / "layout"
    path.write_bytes(encoded(IDS > 0, kind=kind))
    assert np.array_equal(read_layout(path).numpy(), IDS > 0)


@examples(60)
@given(pixels=arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_grey_ids_survive_a_file(pixels, tmp_path):
    path = tmp_path / "layout.png"
    path.write_bytes(encoded(pixels))
    assert np.array_equal(read_layout(path).numpy(), pixels)


REFUSED = {
    "colour": encoded(np.zeros((*SIZE, 3), np.uint8)),
    "alpha": encoded(IDS, "LA"),
    "16-bit": encoded(IDS.astype(np.uint16)),
    "32-bit": encoded(IDS.astype(np.int32), kind="TIFF"),
    "float": encoded(IDS.astype(np.float32), kind="TIFF"),
    "array": array_file(),
    "lossy": encoded(IDS, kind="JPEG"),
    "gif": encoded(IDS, kind="GIF"),
    "empty": b"",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_8_bit_ids_is_refused(name, tmp_path):
    path = tmp_path / "layout.png"
    path.write_bytes(REFUSED[name])
    refused(lambda: read_layout(path), "layout.png")


def toy_folder(root, num_classes=3):
    writer = FolderWriter(
        root, class_names=["sky", "road", "car"][:num_classes], dataset="toy", split="test"
    )
    writer.write("0", torch.zeros(3, *SIZE, dtype=torch.uint8), torch.from_numpy(IDS), "a car")
    return root / "layouts" / "0.png"


OTHER = {
    "another size": encoded(IDS[:4]),
    "turned": encoded(np.ascontiguousarray(IDS.T)),
    "an unknown id": encoded(IDS + 1),
    "id 254": encoded(np.full(SIZE, 254, np.uint8)),
    **REFUSED,
}


@pytest.mark.parametrize("name", OTHER)
def test_a_folder_names_the_layout(name, tmp_path):
    path = toy_folder(tmp_path / "data")
    path.write_bytes(OTHER[name])
    refused(lambda: Folder(tmp_path / "data")[0], path)
    faults = [fault for _, found in Folder(tmp_path / "data").inspect() for fault in found]
    assert [fault.file for fault in faults] == [str(path)]
    if name not in ("another size", "turned"):  # sizes have no part in shares of classes
        command_refused(["data", "stats", tmp_path / "data", "--split", "test"])


@examples(60)
@given(value=st.integers(0, 255))
def test_an_id_is_a_class_or_ignored_or_refused(value, tmp_path):
    path = toy_folder(tmp_path / str(value))
    path.write_bytes(encoded(np.full(SIZE, value, np.uint8)))
    triplet, message = attempt(lambda: Folder(tmp_path / str(value))[0])
    if value in (0, 1, 2, 255):
        assert (triplet.layout == value).all()
    else:
        assert f"layout has class {value}, expected 0 to 2" in message


@pytest.mark.parametrize("name", [name for name in OTHER if name not in ("another size", "turned")])
def test_outpainting_names_the_layout(name, tmp_path):
    path = tmp_path / "known.png"
    path.write_bytes(OTHER[name])
    (files,) = find_conditioning(Sources(layout=path))
    refused(lambda: read_conditioning(files, SIZE, ("sky", "road", "car")), path)


@pytest.mark.parametrize("name", [*REFUSED, "an unknown id"])
def test_every_dataset_names_the_file(name, tmp_path):
    content = {**OTHER, "an unknown id": encoded(np.full((16, 32), 40, np.uint8))}[name]
    write_cityscapes(tmp_path / "cityscapes", {"val": 1})
    (path,) = (tmp_path / "cityscapes" / "gtFine").rglob("*.png")
    path.write_bytes(content)
    refused(lambda: Cityscapes(tmp_path / "cityscapes", "val")[0], path)
    for part, pixels in (("test", np.zeros((16, 32, 3), np.uint8)), ("testannot", IDS)):
        (tmp_path / "CamVid" / part).mkdir(parents=True)
        (tmp_path / "CamVid" / part / "0.png").write_bytes(encoded(pixels))
    path = tmp_path / "CamVid" / "testannot" / "0.png"
    path.write_bytes(content)
    refused(lambda: CamVid(tmp_path, "test")[0], path)


@pytest.mark.parametrize("name", ["16-bit", "array", "empty", "another size", "an unknown id"])
def test_faces_name_the_merged_layout(name, tmp_path):
    write_celeba(tmp_path, num_train=20, num_test=1, attributes=False)
    path = tmp_path / "CelebAMask-HQ-mask-anno" / "preprocessed" / "2010.png"
    path.parent.mkdir()
    content = {**OTHER, "an unknown id": encoded(np.full((16, 16), 40, np.uint8))}[name]
    path.write_bytes(content)
    refused(lambda: CelebA(tmp_path, "test")[0], path)
