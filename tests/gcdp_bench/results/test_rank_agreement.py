"""Two extractors: ranks that agree, ranks that do not."""

import math

import pytest

from gcdp_bench.results.rank_agreement import extractor_agreement, warnings_of
from gcdp_bench.results.schema import to_frame
from tests.gcdp_bench.results.test_schema import record


def rows_of(first, second):
    rows = []
    for extractor, values in (("one", first), ("two", second)):
        for place, value in enumerate(values):
            rows.append(
                record(
                    metric="semantic_recall",
                    value=value,
                    param_value=float(place),
                    extractor=extractor,
                    primary=extractor == "one",
                    config_hash=f"{place}",
                )
            )
    return to_frame(rows)


def test_the_same_order_agrees_whatever_the_scale():
    table = extractor_agreement(rows_of([0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.9]))
    assert table["tau"].tolist() == [1.0] and table["num_points"].tolist() == [4]
    assert table[["extractor", "other"]].values.tolist() == [["one", "two"]]
    assert warnings_of(table) == ()


def test_one_swapped_pair_of_four_warns():
    """5 of 6 pairs in order: tau = (5 - 1) / 6."""
    table = extractor_agreement(rows_of([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.4, 0.3]))
    assert table["tau"].iloc[0] == pytest.approx(4 / 6)
    (warning,) = warnings_of(table)
    assert "one and two rank the 4 points with Kendall's tau 0.67, below 0.8" in warning
    assert "swapped: reference @ 2, 10 steps / reference @ 3, 10 steps" in warning


def test_one_point_has_no_order():
    table = extractor_agreement(rows_of([0.1], [0.2]))
    assert math.isnan(table["tau"].iloc[0]) and warnings_of(table) == ()


def test_one_extractor_has_nothing_to_agree_with():
    rows = rows_of([0.1, 0.2], [0.1, 0.2])
    assert len(extractor_agreement(rows[rows["primary"]])) == 0
