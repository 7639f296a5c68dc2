"""A dataset without faulty items, and the list that names them."""

import pytest

from gcdp_bench.core.types import AttributedDataset, Dataset, Fault
from gcdp_bench.datasets.celeba import AttributedCelebA, CelebA
from gcdp_bench.datasets.cityscapes import Cityscapes
from gcdp_bench.datasets.views import read_excluded, without, write_excluded
from tests.gcdp_bench.datasets.trees import write_celeba, write_cityscapes, write_manifest


def test_the_rest_is_the_same_dataset(tmp_path):
    root = write_cityscapes(tmp_path)
    frames = Cityscapes(root, "train", image_size=(8, 16))
    out = {frames.ids[1], "of another subset"}
    kept = without(frames, out)
    assert isinstance(kept, Dataset) and not isinstance(kept, AttributedDataset)
    assert (kept.name, kept.split, kept.image_size) == ("cityscapes", "train", (8, 16))
    assert kept.class_names == frames.class_names
    assert len(kept) == 3 and kept.ids == tuple(n for n in frames.ids if n not in out)
    for index, place in enumerate((0, 2, 3)):
        triplet, same = kept[index], frames[place]
        assert (triplet.id, triplet.caption) == (same.id, same.caption)
        assert (triplet.image == same.image).all() and (triplet.layout == same.layout).all()
    caption = kept[0].caption
    assert kept.caption_classes(caption) == frames.caption_classes(caption) != frozenset()
    with pytest.raises(
        ValueError, match="expected items that the list of --exclude does not name, it names all 4"
    ):
        without(frames, frames.ids)


def test_own_captions_are_those_of_items_that_are_kept(tmp_path):
    root = write_cityscapes(tmp_path)
    ids = Cityscapes(root, "train").ids
    assert without(Cityscapes(root, "train"), ids[:1]).own_captions() is None
    manifest = write_manifest(tmp_path / "m.jsonl", {f"{name}.png": [name] for name in ids})
    kept = without(Cityscapes(root, "train", captions=manifest), ids[:1])
    assert kept.own_captions() == {name: name for name in ids[1:]}
    assert kept.left_out == ids[:1]


def test_attributes_follow_the_items(tmp_path):
    faces = AttributedCelebA(write_celeba(tmp_path), "test")
    kept = without(faces, {"2031"})
    assert isinstance(kept, AttributedDataset)
    assert kept.attribute_names == faces.attribute_names
    assert (
        kept.attributes(1).tolist() == faces.attributes(2).tolist() != faces.attributes(1).tolist()
    )
    caption = kept[1].caption
    assert kept.caption_attributes(caption) == faces.caption_attributes(caption) != {}
    assert not isinstance(without(CelebA(tmp_path, "test"), {"2031"}), AttributedDataset)


def test_an_item_that_is_kept_must_be_complete(tmp_path):
    root = write_celeba(tmp_path)
    for name in ("2031", "2033"):
        (root / "CelebA-HQ-img" / f"{name}.jpg").unlink()
    faces = CelebA(root, "test", strict=False)
    with pytest.raises(FileNotFoundError, match="2033.jpg: expected the image"):
        without(faces, {"2031"})
    assert len(without(faces, {"2031", "2033"})) == 4


def test_lists_are_read_as_written(tmp_path):
    path = tmp_path / "q.jsonl"
    faults = [("train", "000"), ("train", "000"), ("val", "001"), ("test", "Äß 2")]
    write_excluded(path, ((split, Fault(name, "file", "bad")) for split, name in faults))
    assert read_excluded(path, ("train",)) == {"000"} and "Äß 2" in path.read_text("utf-8")
    assert read_excluded(path, ("val", "test")) == {"001", "Äß 2"}
    path.write_text('{"split": "val", "id": "by hand"}\n\n')
    assert read_excluded(path, ("val",)) == {"by hand"}
    path.write_text('{"split": "val", "id": "a"}\nsecond\n')
    with pytest.raises(ValueError, match='line 2: expected {"split"'):
        read_excluded(path, ("val",))
    for line in ('{"split": 3, "id": "a"}', '{"split": "val", "id": 3}'):
        path.write_text(line)
        with pytest.raises(ValueError, match="line 1: expected text for split and id"):
            read_excluded(path, ("val",))
    with pytest.raises(FileNotFoundError, match="data check NAME --faulty"):
        read_excluded(tmp_path / "none", ("val",))
