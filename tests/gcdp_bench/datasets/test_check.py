"""Checks over splits: all faults, counted once, none raised."""

import functools
import pickle

from gcdp_bench.datasets.celeba import CelebA
from gcdp_bench.datasets.check import check_splits
from gcdp_bench.datasets.cityscapes import Cityscapes
from gcdp_bench.progress import Silent
from tests.gcdp_bench.datasets.trees import write_celeba, write_cityscapes

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
        "expected 2975 items, got 4", "expected 500 items, got 2"
    ]  # fmt: skip
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
