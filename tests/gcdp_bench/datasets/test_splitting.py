"""Divided folders: every item once, drawn by the seed, nothing lost or overwritten."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.splitting import SPLITS, _assign, split_folder
from tests.gcdp_bench.datasets.test_disk import write_folder

NAMES = [f"p{i // 3}_{i:02d}" for i in range(24)]
SHARES = {"val": 0.1, "test": 0.2}


def files_of(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def divide(source, out, **options):
    return split_folder(source, out, SHARES, progress=Silent(), **options)


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("captions", [False, True])
def test_every_item_is_in_one_split_as_it_was(tmp_path, link, captions):
    source = write_folder(tmp_path / "flat", NAMES, captions=captions)
    if captions:
        with (source / "captions.jsonl").open("a") as file:
            file.write(json.dumps({"id": NAMES[0], "caption": "another"}) + "\n")
    before = files_of(source)
    assert divide(source, tmp_path / "out", link=link) == {"train": 17, "val": 2, "test": 5}
    assert files_of(source) == before
    whole = {triplet.id: triplet for triplet in Folder(source)}
    parts = {split: Folder(tmp_path / "out", split) for split in SPLITS}
    assert sorted(name for part in parts.values() for name in part.ids) == sorted(whole)
    for part in parts.values():
        assert not [fault for _, found in part.inspect() for fault in found]
        for triplet in part:
            assert triplet.caption == whole[triplet.id].caption
            assert triplet.image.equal(whole[triplet.id].image)
            assert triplet.layout.equal(whole[triplet.id].layout)


def test_splits_that_are_there_stay(tmp_path):
    write_folder(tmp_path / "data" / "train", NAMES)
    write_folder(tmp_path / "data" / "test", ["t0", "t1"])
    assert divide(tmp_path / "data", tmp_path / "out") == {"train": 22, "val": 2, "test": 2}
    assert Folder(tmp_path / "out", "test").ids == ("t0", "t1")
    with pytest.raises(ValueError, match="expected a split to be missing"):
        divide(tmp_path / "out", tmp_path / "again")


def test_nothing_is_overwritten_and_a_failure_leaves_nothing(tmp_path):
    source = write_folder(tmp_path / "flat", NAMES)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    for place in (out, out / "mine.txt", source):
        with pytest.raises(FileExistsError, match="expected a new or an empty folder"):
            divide(source, place)
    assert files_of(out) == {"mine.txt": b"mine"}
    for name in NAMES[:2]:
        (source / "layouts" / f"{name}.png").unlink()
    with pytest.raises(FileNotFoundError, match=rf"{NAMES[0]}.*{NAMES[1]}.*restore them"):
        divide(source, tmp_path / "new")
    assert not (tmp_path / "new").exists() and not list(tmp_path.glob(".new*"))


def test_too_few_images_bad_shares_and_groups_are_refused(tmp_path):
    source = write_folder(tmp_path / "flat", ["a", "b"])
    with pytest.raises(ValueError, match="expected more than 2 images to divide, got 2"):
        divide(source, tmp_path / "out")
    with pytest.raises(ValueError, match="val: expected a share above 0"):
        split_folder(source, tmp_path / "out", {"val": 0.0, "test": 0.2}, progress=Silent())
    with pytest.raises(ValueError, match="group: expected a regular expression"):
        divide(source, tmp_path / "out", group="(")
    with pytest.raises(ValueError, match="group: 'a' does not match"):
        divide(source, tmp_path / "out", group="x")


@given(
    st.sets(st.text("abcd0123", min_size=2, max_size=6), min_size=6, max_size=40),
    st.integers(0, 9),
    st.booleans(),
)
def test_a_draw_depends_on_seed_and_ids_and_keeps_groups(names, seed, grouped):
    group = "^." if grouped else None
    if grouped and len({name[0] for name in names}) < 3:
        return
    shares = {"val": 0.2, "test": 0.3}
    drawn = _assign(sorted(names), shares, seed, group)
    assert drawn == _assign(sorted(names, reverse=True), shares, seed, group)
    assert sorted(n for part in drawn.values() for n in part) == sorted(names)
    assert all(drawn.values())
    if grouped:
        firsts = [{name[0] for name in part} for part in drawn.values()]
        assert sum(map(len, firsts)) == len(set().union(*firsts))
    else:
        assert len(drawn["val"]) == max(1, round(0.2 * len(names)))
