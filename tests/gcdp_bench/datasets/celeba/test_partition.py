"""Division of the ids: pickles that run nothing, the official mapping, nested subsets."""

import collections
import logging
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.datasets.celeba.partition import (
    draw_subset,
    find_subset,
    listed_subset,
    read_mapping,
    read_partition,
)
from gcdp_bench.datasets.celeba.pickled import read_pickled_ids
from gcdp_bench.datasets.celeba.tree import find_tree
from tests.gcdp_bench.datasets.trees import write_celeba, write_manifest


class Touch:
    """Pickles into a call that makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


class TestPickles:
    """Lists of texts are read, everything else is refused."""

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_every_protocol(self, tmp_path, protocol):
        path = tmp_path / "filenames.pickle"
        path.write_bytes(pickle.dumps(["0", "17", "29999"], protocol=protocol))
        assert read_pickled_ids(path) == ("0", "17", "29999")

    def test_texts_of_python_2(self, tmp_path):
        path = tmp_path / "filenames.pickle"
        path.write_bytes(b"(lp0\nS'12'\np1\naS'7'\np2\na.")  # protocol 0, byte strings
        assert read_pickled_ids(path) == ("12", "7")

    def test_a_call_is_refused_and_not_run(self, tmp_path):
        path, made = tmp_path / "filenames.pickle", tmp_path / "made"
        evil = pickle.dumps([Touch(made)])
        path.write_bytes(evil)
        with pytest.raises(ValueError, match="filenames.pickle.*UnpicklingError: it asks for"):
            read_pickled_ids(path)
        assert not made.exists()
        pickle.loads(evil)  # the same bytes do run in the plain reader
        assert made.exists()

    @pytest.mark.parametrize("value", [collections.OrderedDict(a=1), Path("x"), print, 1 + 2j])
    def test_every_class_and_function_is_refused(self, tmp_path, value):
        path = tmp_path / "filenames.pickle"
        path.write_bytes(pickle.dumps([value]))
        with pytest.raises(ValueError, match="which is not run"):
            read_pickled_ids(path)

    @pytest.mark.parametrize("value", [{"a": 1}, ["1", 2], "12", ("1",), None])
    def test_other_contents_are_refused(self, tmp_path, value):
        path = tmp_path / "filenames.pickle"
        path.write_bytes(pickle.dumps(value))
        with pytest.raises(ValueError, match="expected a pickled list of ids as text"):
            read_pickled_ids(path)

    @pytest.mark.parametrize("name", ["../../etc/passwd", "1.jpg", "", "-1", "٣"])
    def test_an_id_is_digits(self, tmp_path, name):
        path = tmp_path / "filenames.pickle"
        path.write_bytes(pickle.dumps(["1", name]))
        with pytest.raises(ValueError, match="expected ids of digits"):
            read_pickled_ids(path)

    @given(st.binary(max_size=60))
    def test_damaged_bytes_are_named(self, tmp_path_factory, content):
        path = tmp_path_factory.mktemp("torn") / "filenames.pickle"
        path.write_bytes(content)
        try:
            ids = read_pickled_ids(path)
        except ValueError as error:
            assert str(path) in str(error)
        else:
            assert all(name.isdigit() for name in ids)


@pytest.fixture
def root(tmp_path):
    return write_celeba(tmp_path / "celeba", num_train=40, num_test=6)


def test_validation_is_a_twentieth_of_training_and_never_in_it(root):
    partition, counts = read_partition(find_tree(root))
    assert {split: len(ids) for split, ids in partition.items()} == {
        "train": 38,
        "val": 2,
        "test": 6,
    }
    assert counts == {"train": 22_800, "val": 1200, "test": 6000}
    assert sorted(partition["train"] + partition["val"], key=int) == [
        str(i) for i in range(1990, 2030)
    ]
    assert partition["test"] == tuple(str(i) for i in range(2030, 2036))
    assert not set(partition["train"]) & set(partition["val"])


def test_the_order_in_the_pickle_does_not_matter(root):
    before, _ = read_partition(find_tree(root))
    path = root / "train" / "filenames.pickle"
    path.write_bytes(pickle.dumps(list(read_pickled_ids(path)[::-1])))
    assert read_partition(find_tree(root))[0] == before


def test_the_official_mapping(tmp_path):
    path = tmp_path / "mapping.txt"
    path.write_text(
        "idx     orig_idx     orig_file\n"
        "0       162770       162771.jpg\n1   162771   162772.jpg\n"
        "2       182637       182638.jpg\n3   182638   182639.jpg\n4 0 000001.jpg\n"
    )
    assert read_mapping(path) == {"train": ("0", "4"), "val": ("1", "2"), "test": ("3",)}
    path.write_text("idx orig_idx\n0 162770\n\n  \n3 162771\n")  # blank lines, no third column
    assert read_mapping(path) == {"train": ("0",), "val": ("3",), "test": ()}
    for line in ("0 first x.jpg", "zero 1 x.jpg", "0"):
        path.write_text(f"idx orig_idx orig_file\n{line}\n")
        with pytest.raises(ValueError, match="mapping.txt line 2: expected the id and its index"):
            read_mapping(path)


def test_without_pickles_the_mapping_divides(root):
    for split in ("train", "test"):
        (root / split / "filenames.pickle").unlink()
    with pytest.raises(FileNotFoundError, match="expected the division into train and test"):
        read_partition(find_tree(root))
    lines = (f"{1990 + i}  {150_000 + 1000 * i}  x.jpg\n" for i in range(46))
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text("idx a b\n" + "".join(lines))
    partition, counts = read_partition(find_tree(root))
    assert {split: len(ids) for split, ids in partition.items()} == {
        "train": 13,
        "val": 20,
        "test": 13,
    }
    assert counts["test"] == 2824 and sum(counts.values()) == 30_000


def test_one_pickle_of_two_or_an_id_in_both_is_refused(root):
    path = root / "test" / "filenames.pickle"
    path.write_bytes(pickle.dumps(["2000", "2035"]))
    with pytest.raises(ValueError, match="id '2000' is in (train|val) and in test"):
        read_partition(find_tree(root))
    path.unlink()
    with pytest.raises(FileNotFoundError, match="test/filenames.pickle: expected both"):
        read_partition(find_tree(root))


@given(st.sets(st.integers(0, 29_999), max_size=200), st.floats(0, 100), st.floats(0, 100))
def test_subsets_are_nested(numbers, a, b):
    ids = [str(number) for number in numbers]
    small, large = (set(draw_subset(ids, fraction)) for fraction in sorted((a, b)))
    assert small <= large <= set(ids)
    assert len(small) == round(len(ids) * min(a, b) / 100)
    assert set(draw_subset(ids, 100)) == set(ids)
    assert draw_subset(ids[::-1], a) == draw_subset(ids, a)


def test_a_subset_is_a_fair_draw():
    ids = [str(i) for i in range(20_000)]
    drawn = [int(name) for name in draw_subset(ids, 25)]
    assert len(drawn) == 5000
    # Mean of 5000 drawn without replacement from 0..19999: 9999.5, standard deviation 70.7.
    assert abs(sum(drawn) / 5000 - 9999.5) < 5 * 70.8


def test_a_listed_subset(root, tmp_path, caplog):
    partition, _ = read_partition(find_tree(root))
    names = [f"{name}.jpg" for name in (*partition["train"][:5], partition["val"][0], "2030")]
    path = write_manifest(tmp_path / "25_captions.jsonl", {name: ["a"] for name in names})
    with caplog.at_level(logging.WARNING):
        assert listed_subset(path, partition) == partition["train"][:5]
    assert "1 ids of the val split are left out" in caplog.text
    assert "1 ids of the test split are left out" in caplog.text
    (tmp_path / "ids.txt").write_text("5\n")
    with pytest.raises(ValueError, match="id '5' is in no split"):
        listed_subset(tmp_path / "ids.txt", partition)
    (tmp_path / "ids.txt").write_text("2030\n")
    with pytest.raises(ValueError, match="expected training ids"):
        listed_subset(tmp_path / "ids.txt", partition)


def test_a_list_in_the_folder_is_found(root):
    tree = find_tree(root)
    assert find_subset(tree, 25) is None
    (root / "25_ids.txt").write_text("1990\n")
    assert find_subset(tree, 25) == root / "25_ids.txt" and find_subset(tree, 50) is None
    (root / "25_captions.jsonl").write_text("")
    with pytest.raises(ValueError, match="expected one of .*found both"):
        find_subset(tree, 25)
