"""One dataset of a results folder, or an error that says which there are."""

import pandas as pd
import pytest

from gcdp_bench.analysis.results import read_dataset, read_proportions
from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.table import merge_rows
from tests.gcdp_bench.results.test_schema import record


def test_the_only_dataset_or_the_named_one(tmp_path):
    merge_rows(tmp_path, to_frame([record()]))
    assert set(read_dataset(tmp_path, None)["dataset"]) == {"d"}
    merge_rows(tmp_path, to_frame([record(dataset="e")]))
    with pytest.raises(ValueError, match="holds d, e; choose one with --dataset"):
        read_dataset(tmp_path, None)
    with pytest.raises(ValueError, match="expected rows of f, found d, e"):
        read_dataset(tmp_path, "f")
    assert set(read_dataset(tmp_path, "e")["dataset"]) == {"e"}


def test_unlike_rows_are_refused(tmp_path):
    merge_rows(tmp_path, to_frame([record(), record(model="imagen", extractors="other")]))
    with pytest.raises(ValueError, match="extractors"):
        read_dataset(tmp_path, None)


def test_proportions_of_the_dataset(tmp_path):
    rows = to_frame([record()])
    with pytest.raises(FileNotFoundError, match="expected class proportions"):
        read_proportions(tmp_path, rows)
    table = pd.DataFrame(
        {"dataset": ["d", "e"], "class": "road", "pixel_share": [0.1, 0.2], "image_share": 0.5}
    )
    table.to_parquet(tmp_path / "classes.parquet")
    assert read_proportions(tmp_path, rows)["pixel_share"].tolist() == [0.1]
