"""Files of every reader: hidden ones, suffixes in any case, names with accents."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gcdp_bench.core.images import IMAGE_SUFFIXES, LAYOUT_SUFFIXES
from gcdp_bench.datasets.camvid import CamVid
from gcdp_bench.datasets.celeba import CelebA
from gcdp_bench.datasets.cityscapes import Cityscapes
from gcdp_bench.datasets.disk import files_by_id, id_of
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.framing import by, native_of, other_splits, usual_native
from gcdp_bench.datasets.manifest import read_ids
from gcdp_bench.datasets.reading import counting_denied
from gcdp_bench.datasets.registry import image_size_of, open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.datasets.sizes import used_images
from gcdp_bench.datasets.views import read_excluded, without
from gcdp_bench.generators.outpaint_inputs import Sources, find_conditioning, read_conditioning
from gcdp_bench.io.atomic import is_hidden, visible
from gcdp_bench.train import Request, plan, resolve
from tests.gcdp_bench.datasets.trees import noise, save, write_celeba, write_cityscapes

APPLE_DOUBLE = b"\0\5\26\7\0\2\0\0Mac OS X        "
NFD = unicodedata.normalize("NFD", "café-ü")
NFC = unicodedata.normalize("NFC", NFD)


def write_folder(root: Path, names=("0000", "0001"), captions=True) -> Path:
    random = np.random.default_rng(0)
    for name in names:
        save(root / "images" / f"{name}.png", noise(random, 8, 12))
        save(root / "layouts" / f"{name}.png", np.full((8, 12), len(name) % 2, np.uint8))
    if captions:
        lines = (json.dumps({"id": name, "caption": f"a car, {name}"}) for name in names)
        (root / "captions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "classes.json").write_text(json.dumps({"classes": ["road", "car"]}))
    return root


def write_camvid(root: Path) -> Path:
    random = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for index in range(2):
            save(root / split / f"f_{index}.png", noise(random, 6, 8))
            save(root / f"{split}annot" / f"f_{index}.png", np.full((6, 8), 3, np.uint8))
    return root


READERS = {
    "folder": (write_folder, lambda root: Folder(root)),
    "camvid": (write_camvid, lambda root: CamVid(root, "train")),
    "cityscapes": (write_cityscapes, lambda root: Cityscapes(root, "train")),
    "celeba": (write_celeba, lambda root: CelebA(root, "train")),
}


def faults(dataset):
    return [fault for _, found in dataset.inspect() for fault in found]


@pytest.mark.parametrize("name", READERS)
def test_files_of_systems_are_no_items(name, tmp_path):
    write, read = READERS[name]
    root = write(tmp_path / "data")
    before = read(root).ids
    for path in [p for p in root.rglob("*") if p.suffix in (".png", ".jpg")]:
        path.with_name(f"._{path.name}").write_bytes(APPLE_DOUBLE)
        for junk in (".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.png"):
            (path.parent / junk).write_bytes(b"junk")
        for folder in (".ipynb_checkpoints", "__MACOSX", "@eaDir"):
            (path.parent / folder).mkdir(exist_ok=True)
            (path.parent / folder / path.name).write_bytes(APPLE_DOUBLE)
    dataset = read(root)
    assert dataset.ids == before and not faults(dataset)
    assert [dataset[index].id for index in range(len(dataset))] == list(before)


@pytest.mark.parametrize("name", READERS)
def test_suffixes_are_read_in_any_case(name, tmp_path):
    write, read = READERS[name]
    root = write(tmp_path / "data")
    before = [triplet.layout.sum() for triplet in read(root)]
    for number, path in enumerate(sorted(root.rglob("*.*"))):
        if path.suffix in (".png", ".jpg", ".txt") and "anno.txt" not in path.name:
            path.rename(path.with_suffix(path.suffix.upper()) if number % 3 else path)
    dataset = read(root)
    assert not faults(dataset)
    assert [triplet.layout.sum() for triplet in dataset] == before


@pytest.mark.parametrize("name", ["folder", "camvid"])
def test_names_are_compared_with_composed_accents(name, tmp_path):
    write, read = READERS[name]
    root = write(tmp_path / "data")
    first = read(root).ids[0]
    for path in [p for p in root.rglob("*.png") if p.stem == first]:
        form = NFC if path.parent.name in ("images", "train") else NFD
        path.rename(path.with_name(f"{form}.png"))
    if name == "folder":
        (root / "captions.jsonl").write_text(
            "".join(
                json.dumps({"id": i, "caption": "a"}, ensure_ascii=False) + "\n"
                for i in (NFD, "0001")
            ),
            encoding="utf-8",
        )
    dataset = read(root)
    assert NFC in dataset.ids and not faults(dataset)
    assert {triplet.id for triplet in dataset} == set(dataset.ids)
    listed = tmp_path / "q.jsonl"
    listed.write_text(json.dumps({"split": "train", "id": NFD}), encoding="utf-8")
    assert read_excluded(listed, ["train"]) == {NFC}
    assert NFC not in without(dataset, {NFD}).ids


def test_outpainting_skips_hidden_files_and_matches_accents(tmp_path):
    random = np.random.default_rng(0)
    save(tmp_path / "images" / f"{NFD}.png", noise(random, 4, 4))
    (tmp_path / "images" / f"{NFD}.png").rename(tmp_path / "images" / f"{NFD}.PNG")
    save(tmp_path / "masks" / f"{NFC}.png", noise(random, 4, 4))
    (tmp_path / "images" / "._a.png").write_bytes(APPLE_DOUBLE)
    (tmp_path / "masks" / "Thumbs.db").write_bytes(b"junk")
    (found,) = find_conditioning(Sources(image=tmp_path / "images", mask=tmp_path / "masks"))
    assert found.id == NFC


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_every_format_of_images_is_read(suffix, tmp_path):
    root = write_folder(tmp_path)
    path = root / "images" / "0000.png"
    Image.open(path).save(path.with_name(f"0000{suffix}"), quality=95)
    if suffix != ".png":
        path.unlink()
    assert Folder(root)[0].image.shape == (3, 8, 12)


@pytest.mark.parametrize("mode", ["L", "P"])
@pytest.mark.parametrize("suffix", LAYOUT_SUFFIXES)
def test_every_format_of_layouts_keeps_ids(suffix, mode, tmp_path):
    root = write_folder(tmp_path)
    ids = np.arange(96, dtype=np.uint8).reshape(8, 12) % 2
    (root / "layouts" / "0000.png").unlink()
    picture = Image.fromarray(ids)
    if mode == "P":
        picture = Image.fromarray(ids, "L").convert("P")
        picture.putpalette(list(range(255, -1, -1)) * 3)
    picture.save(root / "layouts" / f"0000{suffix}")
    assert np.array_equal(Folder(root)[0].layout.numpy(), ids)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp", ".gif"])
def test_layouts_of_formats_that_change_values_are_refused_with_the_reason(suffix, tmp_path):
    root = write_folder(tmp_path)
    path = root / "layouts" / "0000.png"
    Image.open(path).save(path.with_suffix(suffix))
    assert Folder(root)[0].id == "0000"  # the PNG is there too, and is taken
    path.unlink()
    with pytest.raises(ValueError, match=r"got \w+, which changes the values of pixels"):
        Folder(root)[0]


def test_pictures_that_are_not_read_and_second_layouts_are_reported(tmp_path):
    root = write_folder(tmp_path)
    (root / "images" / "0001.png").rename(root / "images" / "0001.HEIC")
    Image.open(root / "layouts" / "0000.png").save(root / "layouts" / "0000.TIF")
    problems = {fault.id: fault.problem for fault in faults(Folder(root, strict=False))}
    assert "another layout" in problems["0000"] and "got .HEIC; convert it" in str(
        [fault.problem for fault in faults(Folder(root, strict=False))]
    )


@given(st.lists(st.sampled_from(["a", ".b", "Thumbs.db", "__MACOSX", "c.png"]), min_size=1))
def test_a_path_is_hidden_if_a_part_is(parts):
    hidden = {".b", "Thumbs.db", "__MACOSX"}
    assert is_hidden(Path(*parts)) == bool(hidden & set(parts))


def test_listing_is_in_order_and_of_a_missing_folder_empty(tmp_path):
    assert visible(tmp_path / "none") == [] and files_by_id(tmp_path / "none", (".png",)) == (
        {},
        [],
    )
    for name in ("b.png", "a.PNG", "a.png", ".c.png"):
        (tmp_path / name).touch()
    files, repeated = files_by_id(tmp_path, (".png",))
    assert files == {"a": tmp_path / "a.PNG", "b": tmp_path / "b.png"}
    assert repeated == [tmp_path / "a.png"]


@given(st.text(alphabet="ab.é/", min_size=1), st.sampled_from([".png", ".JPG", ".tiff", ""]))
def test_an_id_loses_folders_and_the_suffix_of_a_picture_alone(stem, suffix):
    name = stem.rpartition("/")[2]
    if not name or "." in name:
        return
    assert id_of(f"x\\y/{name}.0001{suffix}") == f"{name}.0001"


def test_a_list_of_ids_may_have_a_mark_and_line_ends_of_windows(tmp_path):
    (tmp_path / "ids.TXT").write_bytes(b"\xef\xbb\xbf0.jpg\r\n\r\n1.JPG\r\n")
    assert read_ids(tmp_path / "ids.TXT") == ("0", "1")


def test_outpainting_reads_layouts_as_their_folder_says(tmp_path):
    root = write_folder(tmp_path / "data")
    save(root / "layouts" / "0000.png", np.full((8, 12), 255, np.uint8))
    place = Sources(layout=root / "layouts" / "0000.png")
    (files,) = find_conditioning(place)
    assert (read_conditioning(files, (8, 12), ["road", "car"]).layout == 255).all()
    table = {"classes": ["road", "car"], "values": {"255": "car"}}
    (root / "classes.json").write_text(json.dumps(table))
    pair = read_conditioning(files, (8, 12), ["road", "car"])
    assert (pair.layout == 1).all() and bool(pair.layout_mask.all())


@pytest.mark.parametrize("name", READERS)
def test_the_size_of_the_files_and_the_used_one_are_said(name, tmp_path):
    write, read = READERS[name]
    dataset = read(write(tmp_path / "data"))
    native = native_of(dataset)
    assert native is not None and native == usual_native(dataset)
    for view in (dataset, without(dataset, ()), shuffled(dataset), counting_denied(dataset)):
        assert native_of(view) == native
        line = used_images(view)
        if native == dataset.image_size:
            assert line == "" and name == "folder"
        else:
            start = f"{dataset.name}: your images of {by(native)} (height x width) are used at "
            assert line.startswith(start + by(dataset.image_size))


@pytest.mark.parametrize("name", ["synth-city-25", "synth-face-25"])
def test_drawn_images_have_no_other_size(name):
    size = image_size_of(name, 64)
    assert used_images(open_dataset(name, "test", size=size, data_root=None)) == ""


def test_training_says_the_size_of_a_dataset_of_the_catalogue(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = write_camvid(tmp_path / "CamVid")
    request = Request(model="segmenter", dataset="camvid", data_root=root)
    assert plan(request).images.startswith(
        "camvid: your images of 6x8 (height x width) are used at 96x128"
    )
    assert resolve(request).notes == ()  # a dry run needs no data


def test_splits_of_one_shape_may_differ_in_size():
    assert other_splits({}) == other_splits({"train": (16, 32), "test": (32, 64)}) == ""
    assert "train 16x32, test 32x32" in other_splits({"train": (16, 32), "test": (32, 32)})
