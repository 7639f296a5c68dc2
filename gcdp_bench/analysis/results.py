"""The part of a results folder that an analysis reads."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gcdp_bench.results import layout as points
from gcdp_bench.results.compatibility import check_comparable, name_subsets
from gcdp_bench.results.table import read_rows


def read_dataset(results: Path, dataset: str | None) -> pd.DataFrame:
    """Rows of one dataset that go into one table.

    Args:
        results: folder of a sweep.
        dataset: its name; None: the only one.

    Raises:
        FileNotFoundError: there are no results.
        ValueError: no such dataset, several and none is named, or rows that were measured
            differently.
    """
    rows = read_rows(results)
    names = sorted(rows["dataset"].unique())
    if dataset is None and len(names) > 1:
        raise ValueError(f"{results}: holds {', '.join(names)}; choose one with --dataset")
    if dataset is not None and dataset not in names:
        raise ValueError(f"{results}: expected rows of {dataset}, found {', '.join(names)}")
    rows = rows[rows["dataset"] == (dataset or names[0])]
    check_comparable(rows, allow_subsets=True, can_choose=False)
    return name_subsets(rows)


def read_proportions(results: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Class proportions of the dataset of `rows`: `class`, `pixel_share`, `image_share`.

    Raises:
        FileNotFoundError: the file was removed.
        ValueError: it is damaged.
    """
    classes = points.read_proportions(results)
    return classes[classes["dataset"] == rows["dataset"].iloc[0]]
