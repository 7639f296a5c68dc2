"""Ids of training, validation, test and of the subsets."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gcdp_bench.core.rng import derive_seed
from gcdp_bench.datasets.celeba.pickled import read_pickled_ids
from gcdp_bench.datasets.celeba.tree import MAPPING, TEST_IDS, TRAIN_IDS, Tree
from gcdp_bench.datasets.manifest import read_ids
from gcdp_bench.io.validation import read_lines, shown

logger = logging.getLogger(__name__)

SPLITS = ("train", "val", "test")
FRACTIONS = (25, 50, 100)
VALIDATION_SHARE = 0.05
FIRST_VALIDATION, FIRST_TEST = 162_771, 182_638  # indices of CelebA (g_partition.py)
PICKLED_COUNTS = {"train": 22_800, "val": 1200, "test": 6000}
MAPPED_COUNTS = {"train": 24_183, "val": 2993, "test": 2824}

NUMBER = re.compile("[0-9]{1,9}")

Partition = Mapping[str, tuple[str, ...]]
"""Ids by split, each in the order of numbers."""


def read_partition(tree: Tree) -> tuple[Partition, Mapping[str, int]]:
    """Ids by split, and how many the complete dataset has.

    The pickles of Multi-Modal CelebA-HQ divide into train and test; a twentieth of train, drawn by
    a hash of the id, is val. Without them CelebAMask-HQ's own division by the index in CelebA is
    used, which has a val split.

    Raises:
        FileNotFoundError: neither is there, or one pickle of the two.
        ValueError: a file cannot be read, an id is in two splits, or a split is empty.
    """
    if tree.train_ids is not None and tree.test_ids is not None:
        partition = _divide(read_pickled_ids(tree.train_ids), read_pickled_ids(tree.test_ids))
        counts = PICKLED_COUNTS
    elif tree.train_ids is not None or tree.test_ids is not None:
        missing = TRAIN_IDS if tree.train_ids is None else TEST_IDS
        raise FileNotFoundError(
            f"{tree.root / missing}: expected both {TRAIN_IDS} and {TEST_IDS}, found one; restore "
            "the other"
        )
    elif tree.mapping is not None:
        partition, counts = read_mapping(tree.mapping), MAPPED_COUNTS
    else:
        raise FileNotFoundError(
            f"{tree.root}: expected the division into train and test, {TRAIN_IDS} with {TEST_IDS} "
            f"or {MAPPING}, found neither; see docs/reference/datasets.md"
        )
    _check_disjoint(partition, tree.root)
    return partition, counts


def read_mapping(path: Path) -> Partition:
    """Ids by split from `CelebA-HQ-to-CelebA-mapping.txt`: a header, then `id index file` a line.

    Index x in CelebA: x < 162771 is train, x < 182638 val, else test.

    Raises:
        ValueError: a line has another form; it is named.
    """
    partition: dict[str, list[str]] = {split: [] for split in SPLITS}
    for number, line in enumerate(read_lines(path)[1:], start=2):
        words = line.split()
        if not words:
            continue
        if len(words) < 2 or not all(NUMBER.fullmatch(word) for word in words[:2]):
            raise ValueError(
                f"{path} line {number}: expected the id and its index in CelebA, got {shown(line)}"
            )
        index = int(words[1])
        split = "train" if index < FIRST_VALIDATION else "val" if index < FIRST_TEST else "test"
        partition[split].append(str(int(words[0])))
    return {split: _sorted(ids) for split, ids in partition.items()}


def draw_subset(ids: Sequence[str], fraction: float) -> tuple[str, ...]:
    """The first `fraction` percent of ids in the order of a hash, so that a smaller share is part
    of a larger one and no id depends on the others.

    Args:
        ids: any order.
        fraction: percent, 0 to 100; the number is rounded to nearest.
    """
    return _sorted(_ranked(ids, "subset")[: round(len(ids) * fraction / 100)])


def listed_subset(path: Path, partition: Partition) -> tuple[str, ...]:
    """Training ids that a manifest or a list of ids names.

    Ids of val and test in the list are left out, and a warning says how many: a model must not see
    what it is measured on.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be read, or names an id that is in no split, or no training id.
    """
    known = {name: split for split, ids in partition.items() for name in ids}
    names = read_ids(path)
    for name in names:
        if name not in known:
            raise ValueError(f"{path}: id {name!r} is in no split; remove it")
    for split in ("val", "test"):
        num = sum(known[name] == split for name in names)
        if num:
            logger.warning("%s: %d ids of the %s split are left out of training", path, num, split)
    chosen = _sorted([name for name in names if known[name] == "train"])
    if not chosen:
        raise ValueError(f"{path}: expected training ids, found none of the train split")
    return chosen


def find_subset(tree: Tree, fraction: int) -> Path | None:
    """List of the subset's ids in the dataset's folder: `25_captions.jsonl` or `25_ids.txt`.

    Raises:
        ValueError: both are there.
    """
    names = (f"{fraction}_captions.jsonl", f"{fraction}_ids.txt")
    found = [tree.root / name for name in names if (tree.root / name).is_file()]
    if len(found) > 1:
        raise ValueError(f"{tree.root}: expected one of {' or '.join(names)}, found both")
    return found[0] if found else None


def _divide(training: Sequence[str], test: Sequence[str]) -> Partition:
    validation = set(_ranked(training, "validation")[: round(len(training) * VALIDATION_SHARE)])
    return {
        "train": _sorted([name for name in training if name not in validation]),
        "val": _sorted(validation),
        "test": _sorted(test),
    }


def _check_disjoint(partition: Partition, root: Path) -> None:
    seen: dict[str, str] = {}
    for split, ids in partition.items():
        if not ids:
            raise ValueError(f"{root}: expected ids in the {split} split, found none")
        for name in ids:
            if name in seen:
                raise ValueError(
                    f"{root}: id {name!r} is in {seen[name]} and in {split}, expected one place; "
                    "restore the lists that the dataset ships"
                )
            seen[name] = split


def _ranked(ids: Sequence[str], purpose: str) -> list[str]:
    return sorted(ids, key=lambda name: derive_seed("celeba", purpose, name))


def _sorted(ids: Sequence[str] | set[str]) -> tuple[str, ...]:
    return tuple(sorted(ids, key=int))
