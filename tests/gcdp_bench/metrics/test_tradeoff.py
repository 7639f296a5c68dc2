"""Hypervolume against counted cells, matched FID against numpy's interpolation; toys by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.metrics.tradeoff import fid_at, hypervolume
from tests.properties import examples

REFERENCE = (10.0, 2.0)
POINTS = st.lists(st.tuples(st.integers(0, 13), st.integers(0, 12)), max_size=8)
CURVES = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8)), min_size=1, max_size=7)


def area(points):
    fid, correspondence = np.array(points, float).reshape(-1, 2).T
    return hypervolume(fid, correspondence, reference=REFERENCE)


def counted_cells(points):
    """Unit cells whose middle is dominated: exact for points on whole numbers."""
    middles = np.arange(20) + 0.5
    grid_fid, grid_correspondence = np.meshgrid(middles, middles)
    is_dominated = np.zeros(grid_fid.shape, bool)
    for fid, correspondence in points:
        is_dominated |= (grid_fid > fid) & (grid_correspondence < correspondence)
    return int((is_dominated & (grid_fid < 10) & (grid_correspondence > 2)).sum())


def test_hypervolume_by_hand():
    assert area([(4, 5)]) == 6 * 3
    assert area([(4, 5), (7, 8)]) == 6 * 3 + 3 * 3  # a step: the second adds what lies above
    assert area([(7, 8), (4, 5), (8, 7)]) == 27  # (8, 7) is dominated
    assert area([(4, 5), (4, 6)]) == 6 * 4
    assert area([]) == area([(10, 9)]) == area([(11, 9)]) == area([(3, 2)]) == 0.0


@examples(100)
@given(POINTS)
def test_hypervolume_is_the_number_of_dominated_cells(points):
    assert area(points) == counted_cells(points)


@examples(100)
@given(POINTS, st.tuples(st.integers(0, 13), st.integers(0, 12)), st.randoms())
def test_order_and_dominated_points_do_not_matter_and_more_is_never_less(points, new, random):
    before = area(points)
    shuffled = list(points)
    random.shuffle(shuffled)
    assert area(shuffled) == before
    for fid, correspondence in points:
        assert area([*points, (fid + 1, correspondence), (fid, correspondence - 1)]) == before
        assert area([*points, (fid - 1, correspondence + 1)]) >= before
    assert area([*points, new]) >= before


def test_matched_fid_by_hand():
    fid, recall = np.array([6.0, 4.0, 10.0]), np.array([0.5, 0.7, 0.8])
    assert fid_at(0.6, fid, recall) == pytest.approx(5.0)
    assert fid_at(0.775, fid, recall) == pytest.approx(8.5)
    assert [fid_at(level, fid, recall) for level in recall] == [6.0, 4.0, 10.0]
    assert math.isnan(fid_at(0.49, fid, recall)) and math.isnan(fid_at(0.81, fid, recall))
    assert math.isnan(fid_at(0.5, np.array([]), np.array([])))


def test_the_lowest_of_several_crossings_counts():
    fid, recall = np.array([8.0, 6.0, 2.0]), np.array([0.4, 0.8, 0.4])
    assert fid_at(0.6, fid, recall) == pytest.approx(4.0)  # up at 7, down at 4
    assert fid_at(0.4, fid, recall) == 2.0
    assert fid_at(0.5, np.array([3.0, 1.0, 9.0]), np.full(3, 0.5)) == 1.0  # a level piece


@examples(100)
@given(CURVES, st.floats(0, 8))
def test_rising_curves_are_interpolated_as_numpy_does(points, level):
    fid = np.array([point[0] for point in points], float)
    rising = np.arange(len(fid)) + np.array([point[1] for point in points]) / 10
    expected = float(np.interp(level, rising, fid, left=math.nan, right=math.nan))
    assert fid_at(level, fid, rising) == pytest.approx(expected, abs=1e-9, nan_ok=True)


@examples(100)
@given(CURVES, st.floats(-1, 9))
def test_matched_fid_lies_on_the_curve_either_way_round(points, level):
    fid, correspondence = np.array(points, float).T
    found = fid_at(level, fid, correspondence)
    is_reached = correspondence.min() <= level <= correspondence.max()
    assert math.isnan(found) != is_reached
    assert fid_at(level, fid[::-1], correspondence[::-1]) == pytest.approx(found, nan_ok=True)
    if is_reached:
        assert fid.min() - 1e-9 <= found <= fid.max() + 1e-9
        assert fid_at(level, fid + 1.0, correspondence) == pytest.approx(found + 1.0)


def test_refusals():
    for call in (
        lambda fid, other: hypervolume(fid, other, reference=REFERENCE),
        lambda fid, other: fid_at(1.0, fid, other),
    ):
        with pytest.raises(ValueError, match="one FID per correspondence"):
            call(np.ones(2), np.ones(3))
        with pytest.raises(ValueError, match="finite values"):
            call(np.ones(2), np.array([1.0, np.nan]))
