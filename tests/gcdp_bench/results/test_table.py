"""The table of a results folder: points that are added, gathered, replaced, and read meanwhile."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.results.schema import KEY, to_frame
from gcdp_bench.results.table import (
    add_point,
    gather_rows,
    is_measured,
    merge_rows,
    read_rows,
    rows_of_point,
)
from tests.gcdp_bench.results.test_schema import record
from tests.properties import examples


def point(name, **changes):
    """Two rows of a point."""
    return to_frame([record(config_hash=name, metric=m, **changes) for m in ("fid-hrnet", "miou")])


def pending(results):
    return sorted(file.stem for file in results.glob("rows/*"))


def test_a_point_is_added_beside_the_table_and_read_with_it(tmp_path):
    for name in ("c", "a", "b"):
        add_point(tmp_path, name, point(name))
    assert pending(tmp_path) == ["a", "b"]  # the first one made the table
    rows = read_rows(tmp_path)
    assert sorted(rows["config_hash"]) == list("aabbcc")
    gather_rows(tmp_path)
    assert not (tmp_path / "rows").exists()
    pd.testing.assert_frame_equal(read_rows(tmp_path), rows)
    assert len(pd.read_csv(tmp_path / "results.csv")) == 6


def test_a_point_that_is_measured_again_is_replaced(tmp_path):
    add_point(tmp_path, "a", point("a", value=0.1))
    for value in (0.2, 0.3):
        add_point(tmp_path, "a", point("a", value=value))
        assert set(read_rows(tmp_path)["value"]) == {value}
    assert set(merge_rows(tmp_path)["value"]) == {0.3}


def test_points_that_are_measured_are_known(tmp_path):
    assert not is_measured(tmp_path, "a")
    add_point(tmp_path, "a", point("a"))
    add_point(tmp_path, "b", point("b"))
    for _ in range(2):
        assert [is_measured(tmp_path, name) for name in "abc"] == [True, True, False]
        for name in "ab":
            assert set(rows_of_point(tmp_path, name)["config_hash"]) == {name}
        assert not len(rows_of_point(tmp_path, "c"))
        gather_rows(tmp_path)


def test_a_table_that_was_removed_takes_its_points_along(tmp_path):
    for name in "abc":
        add_point(tmp_path, name, point(name))
    (tmp_path / "results.parquet").unlink()
    assert not is_measured(tmp_path, "b")
    with pytest.raises(FileNotFoundError, match="run `gcdp-bench sweep` first"):
        read_rows(tmp_path)
    add_point(tmp_path, "d", point("d"))
    assert set(read_rows(tmp_path)["config_hash"]) == {"d"} and not pending(tmp_path)


def test_a_damaged_point_is_named_and_measured_again_once_removed(tmp_path):
    for name in "ab":
        add_point(tmp_path, name, point(name))
    file = tmp_path / "rows" / "b.parquet"
    file.write_bytes(b"PAR1 torn")
    for read in (read_rows, gather_rows):
        with pytest.raises(ValueError, match=r"b.parquet: expected a Parquet table, .*remove it"):
            read(tmp_path)
    file.unlink()
    assert not is_measured(tmp_path, "b") and set(read_rows(tmp_path)["config_hash"]) == {"a"}


STEPS = st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.booleans())


@examples(100, fast=8)
@given(steps=st.lists(STEPS, max_size=5))
def test_any_order_of_adding_and_gathering_is_one_table(tmp_path_factory, steps):
    results, newest = tmp_path_factory.mktemp("table"), {}
    for name, value, gather in steps:
        add_point(results, name, point(name, value=float(value)))
        newest[name] = point(name, value=float(value))
        if gather:
            gather_rows(results)
    if newest:
        expected = pd.concat(list(newest.values())).sort_values(list(KEY), ignore_index=True)
        pd.testing.assert_frame_equal(read_rows(results), expected)
