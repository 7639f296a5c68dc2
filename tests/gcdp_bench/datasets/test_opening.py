"""Where files of datasets are looked for, and how they are opened."""

import pytest

from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.cityscapes import VARIABLE
from gcdp_bench.datasets.registry import dataset_spec
from tests.gcdp_bench.datasets.trees import write_celeba, write_cityscapes, write_manifest

SIZE = (8, 16)


def files_of(name):
    files = dataset_spec(name).files
    assert files is not None
    return files


def test_cityscapes_are_where_their_own_scripts_look(tmp_path, monkeypatch):
    root = write_cityscapes(tmp_path / "cityscapes")
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(FileNotFoundError, match="cityscapes: expected the folder.*--data-root"):
        files_of("cityscapes").open("train", SIZE, None)
    monkeypatch.setenv(VARIABLE, str(root))
    assert len(files_of("cityscapes").open("train", SIZE, None)) == 4
    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere"))
    assert len(files_of("cityscapes").open("train", SIZE, root)) == 4  # what is given comes first


def test_captions_of_cityscapes_are_those_of_the_name(tmp_path):
    root = write_cityscapes(tmp_path)
    assert files_of("cityscapes").open("val", SIZE, root).name == "cityscapes"
    assert files_of("cityscapes-singular").open("val", SIZE, root).name == "cityscapes-singular"
    ids = files_of("cityscapes").open("both", SIZE, root).ids
    write_manifest(root / "25_captions.jsonl", {f"{name}.png": ["a road"] for name in ids})
    frames = files_of("cityscapes-manifest").open("val", SIZE, root)
    assert frames.name == "cityscapes-manifest" and frames[0].caption == "a road"
    assert files_of("cityscapes").open("val", SIZE, root).name == "cityscapes"


def test_every_frame_of_cityscapes_is_checked_once(tmp_path):
    files, root = files_of("cityscapes"), write_cityscapes(tmp_path)
    assert files.splits == ("train", "val") and set(files.composed) == {"test", "all", "both"}
    for split, parts in files.composed.items():
        ids = [name for part in parts for name in files.open(part, SIZE, root).ids]
        assert list(files.open(split, SIZE, root).ids) == ids


def test_first_captions_are_asked_of_the_images_of_the_test_split(tmp_path):
    files, root = files_of("celeba-100"), write_celeba(tmp_path, num_train=20, num_test=6)
    assert files.composed == {"test-first": ("test",)}
    chosen, first = (files.open(split, (8, 8), root) for split in ("test", "test-first"))
    assert chosen.ids == first.ids
    assert all(", caption 0 of" in first[index].caption for index in range(6))
    assert not all(", caption 0 of" in chosen[index].caption for index in range(6))


def test_merged_layouts_lie_beside_the_masks_unless_a_folder_is_given(tmp_path):
    root = write_celeba(tmp_path / "celeba", num_train=20, num_test=2)
    prepare = files_of("celeba-100").prepare
    assert prepare is not None
    assert prepare(root, tmp_path / "cache", Silent()) == 22
    assert len(list((tmp_path / "cache").rglob("*.png"))) == 22
    assert not list(root.rglob("preprocessed/*.png"))
    assert prepare(root, None, Silent()) == 22
    assert len(list(root.rglob("preprocessed/*.png"))) == 22
