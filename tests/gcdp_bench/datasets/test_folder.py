"""Folders of images, layouts and captions: read, written, and every fault named."""

import json
import re

import pytest
import torch
from PIL import ExifTags, Image

from gcdp_bench.core.images import write_image, write_layout
from gcdp_bench.datasets.folder import Folder, native_size
from gcdp_bench.datasets.folder_files import read_captions, read_classes
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.datasets.manifest import choose_caption

NAMES = ["sky", "road", "car"]


def write(folder, num=3, layouts=True):
    writer = FolderWriter(folder, class_names=NAMES, dataset="toy", split="test")
    for index in range(num):
        image = torch.full((3, 8, 12), 20 * index, dtype=torch.uint8)
        layout = torch.full((8, 12), index % 3, dtype=torch.uint8)
        writer.write(f"{index:03d}", image, layout if layouts else None, f"a scene with {index}")
    return writer


def test_what_is_written_is_a_dataset(tmp_path):
    write(tmp_path)
    folder = Folder(tmp_path)
    assert (len(folder), folder.name, folder.image_size) == (3, "toy", (8, 12))
    triplet = folder[2]
    assert (triplet.id, triplet.caption) == ("002", "a scene with 2")
    assert (triplet.image == 40).all() and (triplet.layout == 2).all()
    assert native_size(tmp_path) == (8, 12)
    assert Folder(tmp_path, image_size=(4, 6))[0].image.shape == (3, 4, 6)


def test_without_layouts_every_pixel_is_ignored(tmp_path):
    write(tmp_path, layouts=False)
    with pytest.raises(FileNotFoundError, match="expected a folder of layouts"):
        Folder(tmp_path)
    layout = Folder(tmp_path, require_layouts=False)[0].layout
    assert (layout == 255).all() and layout.shape == (8, 12) and layout.dtype == torch.uint8


def test_splits_are_subfolders(tmp_path):
    write(tmp_path / "train", num=2)
    write(tmp_path / "val", num=1)
    assert len(Folder(tmp_path, "train")) == 2 and len(Folder(tmp_path, "val")) == 1
    with pytest.raises(FileNotFoundError, match="expected images/ or test/images/"):
        Folder(tmp_path, "test")


BAD_NAMES = ["../../escaped", "..", "a/b", "a\\b", ".hidden", "", 3, "é" * 101]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_of_which_folders_are_made_stays_in_its_place(tmp_path, name):
    write(tmp_path)
    table = tmp_path / "classes.json"
    table.write_text(json.dumps({"classes": NAMES, "dataset": name}))
    with pytest.raises(ValueError, match=f"^{re.escape(str(table))}: dataset: expected a name"):
        Folder(tmp_path)
    if isinstance(name, str):
        with pytest.raises(ValueError, match="^split: expected a name"):
            Folder(tmp_path, name)


def test_a_crash_leaves_only_complete_samples(tmp_path):
    write(tmp_path)
    manifest = tmp_path / "captions.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-5])  # the last line is torn
    writer = FolderWriter(tmp_path, class_names=NAMES, dataset="toy", split="test")
    assert writer.holds("001") and not writer.holds("002")
    assert not (tmp_path / "images" / "002.png").exists()
    assert len(Folder(tmp_path)) == 2


def break_caption(folder):
    lines = (folder / "captions.jsonl").read_text().splitlines()
    (folder / "captions.jsonl").write_text("\n".join(lines[:2]) + "\n")


def break_line(folder):
    (folder / "captions.jsonl").write_text('{"id": "000"}\n')


def break_twice(folder):
    with (folder / "captions.jsonl").open("a") as file:
        file.write(json.dumps({"id": "000", "caption": "again"}) + "\n")


def break_extra(folder):
    (folder / "images" / "001.png").unlink()


def break_classes(folder):
    (folder / "classes.json").write_text('{"classes": []}')


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (break_caption, r"002\.png: expected a caption in .*captions\.jsonl, found none"),
        (break_line, r'captions\.jsonl line 1: expected \{"id"'),
        (break_extra, "id '001' has no image"),
        (break_classes, "with at least one name"),
    ],
)
def test_faults_of_the_manifests_are_named(tmp_path, fault, message):
    write(tmp_path)
    fault(tmp_path)
    with pytest.raises(ValueError, match=message):
        Folder(tmp_path)


def test_faults_of_a_layout_are_named(tmp_path):
    write(tmp_path)
    path = tmp_path / "layouts" / "001.png"
    write_layout(path, torch.full((8, 12), 7, dtype=torch.uint8))
    with pytest.raises(ValueError, match="layout has class 7, expected 0 to 2 or 255"):
        Folder(tmp_path)[1]
    write_layout(path, torch.zeros(4, 12, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"expected the image's size \(8, 12\), got \(4, 12\)"):
        Folder(tmp_path)[1]
    write_image(path, torch.zeros(3, 8, 12, dtype=torch.uint8))
    with pytest.raises(ValueError, match="expected a grey or palette PNG"):
        Folder(tmp_path)[1]
    path.unlink()
    with pytest.raises(FileNotFoundError, match="expected the layout of this image"):
        Folder(tmp_path)[1]


def test_an_unreadable_image_is_named(tmp_path):
    write(tmp_path)
    (tmp_path / "images" / "001.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"001\.png: expected a readable image"):
        Folder(tmp_path, image_size=(8, 12))[1]


def test_inspection_finds_every_fault_and_raises_none(tmp_path):
    write(tmp_path, num=5)
    break_twice(tmp_path)
    (tmp_path / "images" / "001.png").unlink()
    (tmp_path / "images" / "002.png").write_bytes(b"torn")
    (tmp_path / "layouts" / "002.png").unlink()
    write_layout(tmp_path / "layouts" / "003.png", torch.full((4, 4), 9, dtype=torch.uint8))
    write_image(tmp_path / "images" / "004.jpeg", torch.zeros(3, 8, 12, dtype=torch.uint8))
    write_image(tmp_path / "images" / "005.png", torch.zeros(3, 8, 12, dtype=torch.uint8))
    write_layout(tmp_path / "layouts" / "005.png", torch.zeros(8, 12, dtype=torch.uint8))
    write_layout(tmp_path / "layouts" / "stray.png", torch.zeros(8, 12, dtype=torch.uint8))
    with (tmp_path / "captions.jsonl").open("a") as file:
        file.write("not json\n")
    found = dict(Folder(tmp_path, strict=False, image_size=(8, 12)).inspect())
    problems = {name: [fault.problem for fault in faults] for name, faults in found.items()}
    expected = {
        "*": ['expected {"id"'],
        "000": [],
        "001": ["has no image"],
        "002": ["expected a readable image", "expected the layout of this image"],
        "003": ["expected the image's size", "layout has class 9"],
        "004": ["another image has the id '004'"],
        "005": ["expected a caption"],
        "stray": ["layout without image and caption"],
    }
    assert problems.keys() == expected.keys()
    for name, parts in expected.items():
        assert len(problems[name]) == len(parts), name
        assert all(p in q for p, q in zip(parts, problems[name], strict=True)), name


def test_the_size_is_that_of_the_first_image_that_is_not_left_out(tmp_path):
    write(tmp_path)
    write_image(tmp_path / "images" / "000.png", torch.zeros(3, 4, 4, dtype=torch.uint8))
    assert native_size(tmp_path) == (4, 4)
    assert native_size(tmp_path, without={"000"}) == (8, 12)


@pytest.mark.parametrize(("num", "fits"), [(0, False), (1, True), (255, True), (256, False)])
def test_a_layout_tells_1_to_255_classes_apart(tmp_path, num, fits):
    names = [f"class {i}" for i in range(num)]
    (tmp_path / "classes.json").write_text(json.dumps({"classes": names}))
    if fits:
        assert read_classes(tmp_path).names == tuple(names)
    else:
        with pytest.raises(ValueError, match="at least one name and at most 255"):
            read_classes(tmp_path)


def test_images_of_another_shape_are_refused_and_named(tmp_path):
    write(tmp_path, num=11)
    odd = torch.zeros(8, 8, dtype=torch.uint8)
    write_image(tmp_path / "images" / "003.png", odd.expand(3, 8, 8))
    write_layout(tmp_path / "layouts" / "003.png", odd)
    with pytest.raises(ValueError, match="003 is 8x8.*--resize"):
        Folder(tmp_path)
    found = dict(Folder(tmp_path, strict=False).inspect())
    (fault,) = found.pop("003")
    assert "got 8x8" in fault.problem and not any(found.values())
    write_image(tmp_path / "images" / "004.png", odd.expand(3, 8, 8))
    write_layout(tmp_path / "layouts" / "004.png", odd)
    found = dict(Folder(tmp_path, strict=False).inspect())  # more than a tenth: said once
    (fault,) = found.pop("*")
    assert "got 2 sizes" in fault.problem and not any(found.values())
    assert Folder(tmp_path, resize="crop")[3].image.shape == (3, 8, 12)


def rewrite(folder, lines, name="captions.jsonl"):
    (folder / "captions.jsonl").unlink()
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


SEVERAL = {f"{i:03d}": [f"first {i}", f"second {i}", f"third {i}"] for i in range(6)}
FORMS = {
    "repeated lines": [{"id": n, "caption": t} for n, texts in SEVERAL.items() for t in texts],
    "official release": [{"file_name": f"{n}.png", "text": t} for n, t in SEVERAL.items()],
    "ids with a suffix": [{"id": f"{n}.png", "text": t} for n, t in SEVERAL.items()],
    "paths": [{"file_name": f"images/{n}.PNG", "captions": t} for n, t in SEVERAL.items()],
}


@pytest.mark.parametrize("name", ["captions.jsonl", "metadata.jsonl", "images/metadata.jsonl"])
@pytest.mark.parametrize("form", FORMS)
def test_several_captions_are_chosen_as_in_a_manifest(tmp_path, form, name):
    write(tmp_path, num=6)
    rewrite(tmp_path, FORMS[form], name)
    chosen = [triplet.caption for triplet in Folder(tmp_path)]
    assert chosen == [choose_caption(SEVERAL[n], n, 0) for n in sorted(SEVERAL)]
    assert len({text.split()[0] for text in chosen}) > 1
    assert list(read_captions(tmp_path / name, SEVERAL).values()) == chosen
    first = [triplet.caption for triplet in Folder(tmp_path, caption_seed=None)]
    assert first == [texts[0] for texts in SEVERAL.values()]
    assert not any(found for _, found in Folder(tmp_path).inspect())


def test_an_id_with_a_suffix_is_an_image_of_just_that_id_first(tmp_path):
    write(tmp_path, num=2)
    for part in ("images", "layouts"):
        (tmp_path / part / "001.png").rename(tmp_path / part / "000.png.png")
    rewrite(tmp_path, [{"id": "000.png", "caption": "second"}, {"id": "000", "caption": "first"}])
    data = Folder(tmp_path)
    assert {t.id: t.caption for t in data} == {"000": "first", "000.png": "second"}
    assert read_captions(tmp_path / "captions.jsonl", ["000"]).keys() == {"000"}
    rewrite(tmp_path, [{"id": n, "caption": "a"} for n in ("000", "000.png", "007.png")])
    with pytest.raises(ValueError, match=r"'007\.png' has no image in images/, nor has '007'"):
        Folder(tmp_path)


def test_two_files_of_captions_are_refused(tmp_path):
    write(tmp_path)
    (tmp_path / "metadata.jsonl").write_text("")
    with pytest.raises(ValueError, match="expected captions in one file"):
        Folder(tmp_path)


def test_without_captions_the_template_names_the_classes_of_the_layout(tmp_path):
    write(tmp_path)
    (tmp_path / "captions.jsonl").unlink()
    folder = Folder(tmp_path)
    assert [triplet.caption for triplet in folder] == [
        f"An image of {name}." for name in ("sky", "roads", "cars")
    ]
    assert folder.own_captions() is None and not any(found for _, found in folder.inspect())
    table = {"classes": ["void", "road", "person"], "template": "Photo: {classes}"}
    (tmp_path / "classes.json").write_text(json.dumps(table))
    assert Folder(tmp_path)[2].caption == "Photo: people"
    assert Folder(tmp_path).template_note == (
        'no captions.jsonl: captions are made from the template "Photo: {classes}"'
    )
    (fault,) = dict(Folder(tmp_path).inspect())["000"]  # void alone
    assert "the template has no class to name" in fault.problem
    with pytest.raises(FileNotFoundError, match=r"captions\.jsonl: expected captions"):
        Folder(tmp_path, require_captions=True)


def test_denials_and_more_words_are_settings_of_the_folder(tmp_path):
    write(tmp_path)
    assert Folder(tmp_path).caption_classes("a sky without cars, an automobile") == {0}
    table = {"classes": NAMES, "count_denied": True, "words": {"road": ["street"]}}
    (tmp_path / "classes.json").write_text(json.dumps(table))
    assert Folder(tmp_path).caption_classes("a street without cars") == {1, 2}


def test_sorting_a_manifest_keeps_every_caption(tmp_path):
    writer = write(tmp_path, num=2)
    with (tmp_path / "captions.jsonl").open("a") as file:
        file.write(json.dumps({"id": "000", "caption": "another"}) + "\n")
    writer.put_in_order()
    lines = [json.loads(line) for line in (tmp_path / "captions.jsonl").read_text().splitlines()]
    assert [(line["id"], line["caption"]) for line in lines] == [
        ("000", "a scene with 0"),
        ("000", "another"),
        ("001", "a scene with 1"),
    ]


TURNED = Image.Exif()
TURNED[ExifTags.Base.Orientation] = 6  # by a quarter


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_layout_of_an_image_that_its_exif_orientation_turns(tmp_path, suffix):
    """Of another shape it is refused and says why; of a square image it cannot be told."""
    root = tmp_path / "data"
    for part in ("images", "layouts"):
        (root / part).mkdir(parents=True)
    for name, size in (("plain", (8, 8)), ("square", (8, 8)), ("wide", (16, 8))):
        exif = TURNED if name != "plain" else Image.Exif()
        Image.new("RGB", size, (9, 9, 9)).save(root / "images" / f"{name}{suffix}", exif=exif)
        Image.new("L", size, 1).save(root / "layouts" / f"{name}.png")
    (root / "captions.jsonl").write_text(
        "".join(
            f'{{"id": "{name}", "caption": "a road"}}\n' for name in ("plain", "square", "wide")
        )
    )
    (root / "classes.json").write_text(json.dumps({"classes": NAMES}))
    faults = dict(Folder(root, strict=False).inspect())
    problems = {name: [fault.problem for fault in found] for name, found in faults.items()}
    assert problems["plain"] == []
    turned = (
        "the EXIF orientation 6 turns or mirrors the image, the layout is read as it is stored; "
        "save the turned pixels without the tag, and see that the layout fits them"
    )
    assert problems["square"] == [turned]
    assert turned in problems["wide"]
    wrong = (
        "expected the image's size (16, 8), got (8, 16); image and layout must match pixel by "
        "pixel, and the image is used as its EXIF orientation turns it: turn the layout too"
    )
    assert wrong in problems["wide"]
    with pytest.raises(ValueError) as refused:
        Folder(root, image_size=(8, 8), resize="stretch")[2]
    assert str(refused.value) == f"{root / 'layouts' / 'wide.png'}: {wrong}"
    assert Folder(root, image_size=(8, 8), resize="stretch")[1].layout.eq(1).all()
