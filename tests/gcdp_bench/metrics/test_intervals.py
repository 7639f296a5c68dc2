"""The basic bootstrap against the normal interval, and its coverage."""

import numpy as np
import pytest

from gcdp_bench.metrics.intervals import mean_interval


def test_it_is_close_to_the_normal_interval_for_many_values():
    values = np.random.default_rng(0).standard_normal(2000)
    interval = mean_interval(values)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.006)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.006)


def test_equal_pairs_differ_by_exactly_nothing():
    interval = mean_interval(np.zeros(10))
    assert (interval.low, interval.value, interval.high) == (0, 0, 0)


def test_it_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(150):
        interval = mean_interval(rng.exponential(size=80))
        covered += interval.low <= 1.0 <= interval.high
    assert 0.88 <= covered / 150 <= 0.99


def test_missing_values_are_left_out():
    assert mean_interval(np.array([1.0, np.nan, 3.0])).value == 2.0
    with pytest.raises(ValueError, match="at least 2 values"):
        mean_interval(np.array([1.0, np.nan]))
