"""Cityscapes' official tree, written by the test."""

import numpy as np
import pytest
import torch
from PIL import Image

from gcdp_bench.datasets.cityscapes import (
    CLASS_NAMES,
    TRAIN_LABELS,
    Cityscapes,
    find_manifest,
    to_classes,
)
from gcdp_bench.datasets.disk import DiskDataset
from tests.gcdp_bench.datasets.trees import CLASSES, LABELS, save, write_cityscapes, write_manifest

NAMED = "roads, sidewalks, buildings, vegetation, sky, people and cars"


@pytest.fixture
def root(tmp_path):
    return write_cityscapes(tmp_path / "cityscapes")


def label_file(root, name, split="train"):
    return root / "gtFine" / split / name.split("_")[0] / f"{name}_gtFine_labelIds.png"


def image_file(root, name, split="train"):
    return root / "leftImg8bit" / split / name.split("_")[0] / f"{name}_leftImg8bit.png"


def test_label_ids_become_the_19_training_classes_or_unlabeled():
    # Train id of every label id 0 to 33, as the label definition lists them.
    expected = [19] * 7 + [
        0,
        1,
        19,
        19,
        2,
        3,
        4,
        19,
        19,
        19,
        5,
        19,
        6,
        7,
        8,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
        19,
        19,
        16,
        17,
        18,
    ]
    assert to_classes(torch.arange(34, dtype=torch.uint8)).tolist() == expected
    assert to_classes(torch.tensor([255], dtype=torch.uint8)).tolist() == [19]


def test_triplets(root):
    frames = Cityscapes(root, "train", image_size=(8, 16))
    assert isinstance(frames, DiskDataset)
    assert (len(frames), frames.name, frames.split) == (4, "cityscapes", "train")
    assert frames.class_names == CLASS_NAMES and len(CLASS_NAMES) == 20
    assert frames.ids[0] == "aachen_000000_000019" and frames.ids[-1] == "bremen_000003_000019"
    triplet = frames[0]
    assert triplet.image.shape == (3, 8, 16) and triplet.image.dtype == torch.uint8
    columns = np.array(CLASSES)[np.arange(32) % len(LABELS)]
    nearest = columns[(np.arange(16) * 2 + 1)]  # the pixel at the centre of each pair, from above
    assert triplet.layout[3].tolist() == nearest.tolist()
    assert triplet.caption == f"An image of an urban scene with {NAMED}."
    assert frames.caption_classes(triplet.caption) == set(CLASSES) - {19}
    image = Image.open(image_file(root, frames.ids[0])).resize((16, 8), Image.Resampling.BILINEAR)
    difference = triplet.image.permute(1, 2, 0).int() - torch.from_numpy(np.array(image)).int()
    assert difference.abs().max() <= 1  # Pillow's antialiased resize


def test_the_caption_names_the_classes_of_the_full_size_layout(root):
    labels = np.full((16, 32), 7, np.uint8)
    labels[1, 1] = 33  # a bicycle of one pixel, lost when resized
    name = "aachen_000000_000019"
    save(label_file(root, name), labels)
    triplet = Cityscapes(root, "train", image_size=(4, 8))[0]
    assert triplet.layout.unique().tolist() == [0]
    assert triplet.caption == "An image of an urban scene with roads and bicycles."


def test_singular_captions(root):
    frames = Cityscapes(root, "val", plural=False)
    assert frames[0].caption == (
        "An image of an urban scene with road, sidewalk, building, vegetation, sky, person and car."
    )
    assert frames.name == "cityscapes-singular"
    assert frames.caption_classes(frames[0].caption) == set(CLASSES) - {19}


def test_splits(root):
    parts = {split: Cityscapes(root, split) for split in ("train", "val", "test", "all", "both")}
    assert parts["test"].ids == parts["val"].ids  # the official test labels are not public
    assert parts["all"].ids == parts["both"].ids == parts["train"].ids + parts["val"].ids
    assert parts["both"].split == "all"
    counts = {split: part.official_count for split, part in parts.items()}
    assert counts == {"train": 2975, "val": 500, "test": 500, "all": 3475, "both": 3475}
    assert len(Cityscapes(root.parent, "train")) == 4  # the data root, with other datasets
    with pytest.raises(ValueError, match="expected one of train, val, test, all or both"):
        Cityscapes(root, "dev")


def test_missing_parts_are_refused_early(root, tmp_path):
    with pytest.raises(FileNotFoundError, match="leftImg8bit, gtFine.*--data-root"):
        Cityscapes(tmp_path / "nowhere", "train")
    label_file(root, "bremen_000003_000019").unlink()
    with pytest.raises(FileNotFoundError, match="bremen_000003_000019_gtFine.*expected the labels"):
        Cityscapes(root, "train")
    image_file(root, "aachen_000000_000019").unlink()
    with pytest.raises(FileNotFoundError, match="aachen_000000_000019_left.*expected the image"):
        Cityscapes(root, "train")
    for path in (root / "leftImg8bit" / "val" / "frankfurt").iterdir():
        path.unlink()
    for path in (root / "gtFine" / "val" / "frankfurt").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="expected leftImg8bit/val/CITY"):
        Cityscapes(root, "val")


def test_only_the_frames_that_are_used_are_required(root):
    label_file(root, "aachen_000000_000019").unlink()
    frames = Cityscapes(root, "train", strict=False)
    frames.require(frames.ids[1:])
    label_file(root, frames.ids[-1]).unlink()
    with pytest.raises(FileNotFoundError, match=f"expected the labels of {frames.ids[-1]}"):
        frames.require(frames.ids[1:])


def test_frames_have_the_papers_size_unless_told(root):
    triplet = Cityscapes(root, "val")[0]
    assert triplet.image.shape == (3, 256, 512) and triplet.layout.shape == (256, 512)


def test_unknown_label_ids_and_other_sizes_are_refused(root):
    path = label_file(root, "aachen_000000_000019")
    save(path, np.full((16, 32), 40, np.uint8))
    with pytest.raises(ValueError, match=r"labelIds.png: has label id 40, expected 0 to 33"):
        Cityscapes(root, "train")[0]
    save(path, np.full((8, 16), 7, np.uint8))
    with pytest.raises(ValueError, match=r"expected the image's size \(16, 32\), got \(8, 16\)"):
        Cityscapes(root, "train")[0]


class TestManifest:
    """Captions in the form of the official release, for train and val in one file."""

    @pytest.fixture
    def manifest(self, root):
        captions = {
            f"{name}_leftImg8bit.png": [f"Caption {i} of {name}, with Roads." for i in range(4)]
            for name in Cityscapes(root, "all").ids
        }
        return write_manifest(root / "100_captions.jsonl", captions)

    def test_the_seed_and_the_id_choose(self, root, manifest):
        frames = Cityscapes(root, "all", captions=manifest)
        assert frames.name == "cityscapes-manifest"
        chosen = [frames[i].caption for i in range(6)]
        assert chosen == [Cityscapes(root, "all", captions=manifest)[i].caption for i in range(6)]
        assert len({caption.split()[1] for caption in chosen}) > 1  # not all the same place
        apart = Cityscapes(root, "val", captions=manifest)
        assert [apart[0].caption, apart[1].caption] == chosen[4:]  # the split does not matter
        other = Cityscapes(root, "all", captions=manifest, caption_seed=1)
        assert [other[i].caption for i in range(6)] != chosen
        first = Cityscapes(root, "all", captions=manifest, caption_seed=None)
        assert all(first[i].caption.startswith("Caption 0 ") for i in range(6))
        assert frames.caption_classes(chosen[0]) == {0}

    def test_a_frame_without_captions_is_refused(self, root, manifest):
        lines = manifest.read_text().splitlines()
        manifest.write_text("\n".join(lines[1:]))
        with pytest.raises(ValueError, match="expected captions of aachen_000000_000019"):
            Cityscapes(root, "train", captions=manifest)

    def test_own_captions_are_those_of_the_manifest(self, root, manifest):
        assert Cityscapes(root, "train").own_captions() is None
        lines = manifest.read_text().splitlines()
        manifest.write_text("\n".join(lines[1:]))
        frames = Cityscapes(root, "all", captions=manifest, strict=False)
        own = frames.own_captions()
        assert own is not None and list(own) == list(frames.ids[1:])
        assert own[frames.ids[1]] == frames[1].caption

    def test_there_has_to_be_one(self, root):
        with pytest.raises(FileNotFoundError, match=r"expected captions in one file \*_captions"):
            find_manifest(root)

    def test_it_is_found_in_the_folder_of_the_tree(self, root, manifest):
        assert find_manifest(root.parent) == manifest
        manifest.with_name("25_captions.jsonl").write_text("")
        with pytest.raises(ValueError, match="found 100_captions.jsonl, 25_captions.jsonl"):
            find_manifest(root)


def test_inspection_finds_every_fault_and_raises_none(root):
    cut = image_file(root, "aachen_000000_000019")
    cut.write_bytes(cut.read_bytes()[:100])
    label_file(root, "aachen_000002_000019").unlink()
    odd = np.full((8, 16), 7, np.uint8)
    odd[0, 0] = 99  # another size and an unknown id at once
    save(label_file(root, "bremen_000001_000019"), odd)
    save(label_file(root, "bremen_000003_000019"), np.zeros((16, 32), np.uint8))  # unlabeled
    found = dict(Cityscapes(root, "train", strict=False).inspect())
    problems = {name: [fault.problem for fault in faults] for name, faults in found.items()}
    assert "expected a readable image" in problems["aachen_000000_000019"][0]
    assert "expected the layout of this image" in problems["aachen_000002_000019"][0]
    size, ids = problems["bremen_000001_000019"]
    assert "expected the image's size" in size and "has label id 99" in ids
    assert "at least one that can be named" in problems["bremen_000003_000019"][0]
    assert sum(map(len, problems.values())) == 5
    assert all(not faults for _, faults in Cityscapes(root, "val").inspect())


def write_train_ids(root, *, ignored=False):
    table = np.full(256, 255, np.uint8)
    table[list(TRAIN_LABELS)] = range(len(TRAIN_LABELS))
    for path in root.rglob("*_labelIds.png"):
        labels = np.array(Image.open(path))
        save(path, table[labels] if ignored else np.where(labels > 4, table[labels], 0))


@pytest.mark.parametrize("ignored", [False, True])
def test_train_ids_are_recognised_and_refused(tmp_path, ignored):
    root = write_cityscapes(tmp_path)
    Cityscapes(root, "train")
    write_train_ids(root, ignored=ignored)
    with pytest.raises(ValueError, match=r"gtFine: \*_labelIds\.png hold train ids.*restore"):
        Cityscapes(root, "train")
    found = dict(Cityscapes(root, "train", strict=False).inspect())
    (fault,) = found.pop("*")
    assert "expected label ids" in fault.problem and not any(found.values())


def test_train_ids_are_recognised_beside_a_file_that_cannot_be_read(tmp_path):
    root = write_cityscapes(tmp_path)
    write_train_ids(root, ignored=True)
    label_file(root, "aachen_000000_000019").write_bytes(b"torn")
    found = dict(Cityscapes(root, "train", strict=False).inspect())
    assert "hold train ids" in found["*"][0].problem


def test_a_single_file_of_train_ids_is_refused(tmp_path):
    root = write_cityscapes(tmp_path)
    (path,) = (root / "gtFine").rglob("aachen_000002*_labelIds.png")
    write_train_ids(path.parent, ignored=True)
    for other in path.parent.glob("*"):
        if other != path:
            save(other, np.tile(LABELS, (16, 4))[:, :32])
    frames = Cityscapes(root, "train")
    for values in (None, [0, 10, 255], [2, 13, 255], [0, 13, 18, 255]):  # roads and the sky, ...
        if values:
            save(path, np.resize(np.array(values, np.uint8), (16, 32)))
        with pytest.raises(ValueError, match=r"000002.*hold train ids"):
            frames[frames.ids.index("aachen_000002_000019")]


def test_label_ids_of_any_frame_with_a_sky_or_a_car_are_label_ids(tmp_path):
    for number, values in enumerate(([0, 2, 10, 13, 23], [0, 7, 8, 11], [4], [7, 8, 255])):
        root = write_cityscapes(tmp_path / str(number), {"train": 2, "val": 1})
        for path in root.rglob("*_labelIds.png"):
            save(path, np.resize(np.array(values, np.uint8), (16, 32)))
        assert not Cityscapes(root, "train").ids[2:]
