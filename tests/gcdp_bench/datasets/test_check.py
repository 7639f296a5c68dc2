"""Checks over splits: all faults, counted once, none raised."""

import functools
import json
import pickle

import numpy as np
import torch

from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.celeba import CelebA
from gcdp_bench.datasets.check import MAX_LOOKED_AT, check_splits, training_notes
from gcdp_bench.datasets.cityscapes import Cityscapes
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.synth_city import SynthCity
from gcdp_bench.datasets.synth_face import SynthFace
from gcdp_bench.datasets.views import without
from tests.gcdp_bench.datasets.test_disk import write_folder
from tests.gcdp_bench.datasets.trees import save, write_celeba, write_cityscapes

ALL = ("train", "val", "test")


def check(kind, root, splits, **options):
    opener = functools.partial(kind, root, strict=False)
    return check_splits(opener, splits, progress=Silent(), **options)


def test_a_part_of_a_dataset_has_another_count(tmp_path):
    root = write_cityscapes(tmp_path)
    report = check(Cityscapes, root, ("train", "val"))
    problems = [fault.problem for _, fault in report.faults]
    assert report.num_items == 6 and report.of_items == ()
    assert [problem.split(";")[0] for problem in problems] == [
        "expected 2975 items, got 4",
        "expected 500 items, got 2",
    ]
    assert check(Cityscapes, root, ("train", "val"), partial=True).faults == ()


def test_a_fault_of_two_splits_is_listed_once(tmp_path):
    root = write_cityscapes(tmp_path)
    labels = root / "gtFine" / "val" / "frankfurt"
    (labels / "frankfurt_000000_000019_gtFine_labelIds.png").unlink()
    report = check(Cityscapes, root, ("val", "test"), partial=True)
    ((split, fault),) = report.faults
    assert (split, fault.id) == ("val", "frankfurt_000000_000019")


def test_a_split_that_cannot_be_listed_is_one_fault(tmp_path):
    root = write_celeba(tmp_path)
    path = root / "test" / "filenames.pickle"
    path.write_bytes(pickle.dumps([print]))
    ((_, fault),) = check(CelebA, root, ALL).faults
    assert (fault.id, fault.file) == ("*", str(path))
    assert "it asks for builtins.print" in fault.problem


def masks_of_0_and_255(root, split, lesions=2):
    write_folder(root / split, [f"{split}{i}" for i in range(4)])
    lines = []
    for i in range(4):
        lesion = i < lesions
        layout = np.where(np.arange(96).reshape(8, 12) < 24 * lesion, 255, 0).astype(np.uint8)
        save(root / split / "layouts" / f"{split}{i}.png", layout)
        caption = "a lesion" if lesion else "tissue" if i == 2 else "a scan"
        lines.append(json.dumps({"id": f"{split}{i}", "caption": caption}) + "\n")
    (root / split / "captions.jsonl").write_text("".join(lines))
    table = {"classes": ["tissue", "lesion"]}
    (root / split / "classes.json").unlink()
    (root / "classes.json").write_text(json.dumps(table))


def test_a_class_that_captions_name_and_no_layout_holds_is_a_fault(tmp_path):
    for split in ("train", "val"):
        masks_of_0_and_255(tmp_path, split)
    report = check(Folder, tmp_path, ("train", "val"))
    ((split, fault),) = report.faults
    assert (split, fault.id, report.of_items) == ("all", "*", ())
    assert fault.problem.startswith(
        "class 'lesion': 4 of 8 captions name it, no layout holds it, and 25.0 % of the pixels"
    )
    assert '"values": {"255": "lesion"}' in fault.problem
    assert report.notes[:2] == (
        "train: 1 of 4 captions name no class",
        "val: 1 of 4 captions name no class",
    )
    partial = check(Folder, tmp_path, ("train", "val"), partial=True)
    assert partial.faults == () and fault.problem in partial.notes
    (tmp_path / "classes.json").write_text(
        json.dumps({"classes": ["tissue", "lesion"], "values": {"255": "lesion"}})
    )
    assert check(Folder, tmp_path, ("train", "val")).faults == ()


def test_a_folder_without_captions_says_its_template_once(tmp_path):
    for split in ("train", "val"):
        masks_of_0_and_255(tmp_path, split, lesions=0)
    table = {"classes": ["tissue", "lesion"], "values": {"255": "lesion"}}
    (tmp_path / "classes.json").write_text(json.dumps(table))
    said = (
        'no captions.jsonl: captions are made from the template "An image of {classes}."; '
        'set "template" in classes.json'
    )
    assert not any(said in note for note in check(Folder, tmp_path, ("train", "val")).notes)
    for split in ("train", "val"):
        (tmp_path / split / "captions.jsonl").unlink()
    notes = check(Folder, tmp_path, ("train", "val")).notes
    assert [note for note in notes if said in note] == [f"train, val: {said}"]
    assert said in training_notes(Folder(tmp_path, "train"))
    assert said in training_notes(without(Folder(tmp_path, "train", strict=False), {"train0"}))


def test_a_class_needs_a_layout_in_one_split_alone(tmp_path):
    masks_of_0_and_255(tmp_path, "val")
    write_folder(tmp_path / "train", ["t"])
    save(tmp_path / "train" / "layouts" / "t.png", np.ones((8, 12), np.uint8))
    (tmp_path / "train" / "classes.json").unlink()
    assert check(Folder, tmp_path, ("train", "val")).faults == ()


def test_training_says_what_captions_name_and_warns(tmp_path):
    masks_of_0_and_255(tmp_path, "train")
    count, warning = training_notes(Folder(tmp_path, "train"))
    assert count.endswith("train: 1 of 4 captions name no class")
    assert warning.startswith("warning: class 'lesion': 2 of 4")
    assert training_notes(without(Folder(tmp_path, "train", strict=False), {"train0"}))[1:]
    assert training_notes(SynthCity("val", image_size=(16, 32))) == [
        "synth-city-100 val: 0 of 500 captions name no class"
    ]
    frames = Cityscapes(write_cityscapes(tmp_path / "c"), "train")
    for path in (tmp_path / "c").rglob("*_labelIds.png"):
        path.unlink()  # layouts of an official dataset are not read
    assert len(training_notes(frames)) == 1


def test_training_looks_at_the_same_sample_of_items(tmp_path):
    names = [f"{index:03d}" for index in range(MAX_LOOKED_AT + 30)]
    write_folder(tmp_path, names)
    for index, name in enumerate(names):
        layout = np.full((8, 12), 255, np.uint8)
        layout.flat[: 1 + index // 3] = 1
        save(tmp_path / "layouts" / f"{name}.png", layout)
    note, *warnings = training_notes(Folder(tmp_path, "all"))
    torch.manual_seed(5)
    assert training_notes(Folder(tmp_path, "all")) == [note, *warnings] and warnings


def test_mostly_ignored_pixels_are_noted(tmp_path):
    write_folder(tmp_path, ["a", "b"])
    layout = np.full((8, 12), 255, np.uint8)
    layout[0] = 1
    for name in "ab":
        save(tmp_path / "layouts" / f"{name}.png", layout)
    report = check(Folder, tmp_path, ("all",))
    assert report.faults == () and "87.5 % of the pixels are 255" in report.notes[-1]


def test_captions_of_portraits_are_known_without_drawing():
    faces = SynthFace("val", image_size=(32, 32))
    captions = faces.own_captions()
    for index in (0, 7, 100):
        triplet = faces[index]
        assert captions[triplet.id] == triplet.caption
