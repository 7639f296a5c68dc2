"""Points by name: found, or said what is there."""

import pytest

from gcdp_bench.comparison.points import select_points
from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.table import merge_rows


@pytest.fixture
def results(write, floor, tmp_path):
    rows = [
        write("reference", scale, seed, fid=scale + seed, results=tmp_path)
        for scale in (1.0, 2.0)
        for seed in (0, 1)
    ]
    merge_rows(tmp_path, to_frame([*rows, floor]))
    return tmp_path


def test_points_gather_their_seeds(results):
    (point,) = select_points(results, "reference", 2.0)
    assert point.hashes == {0: "reference-2-0", 1: "reference-2-1"}
    assert point.fid == 2.5 and point.protocol == "hrnet" and point.name == "reference @ 2"
    assert point.noise == {"fid": 0.5} and point.definitions == {"fid": "1"}
    assert len(select_points(results, None, None)) == 2


def test_what_is_there_is_named(results):
    with pytest.raises(ValueError, match="expected a point of imagen @ 2; there: d reference @ 1"):
        select_points(results, "imagen", 2.0)
    with pytest.raises(FileNotFoundError, match="run `gcdp-bench sweep` first"):
        select_points(results / "nothing", None, None)
