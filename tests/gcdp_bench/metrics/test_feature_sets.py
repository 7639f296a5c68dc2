"""Pairwise distances against scipy's; refusals."""

import numpy as np
import pytest
import scipy.spatial.distance

from gcdp_bench.metrics.feature_sets import checked_pair, squared_distances


def test_distances_equal_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((9, 4)), rng.standard_normal((7, 4))
    expected = scipy.spatial.distance.cdist(a, b, "sqeuclidean")
    assert squared_distances(a, b) == pytest.approx(expected, abs=1e-13)
    assert (squared_distances(100.0 + a, 100.0 + a) >= 0.0).all()


def test_features_become_float64():
    x, y = checked_pair(np.ones((2, 3), np.float32), np.ones((1, 3), np.float32))
    assert x.dtype == y.dtype == np.float64


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), "got \\(3, 2\\) and \\(3, 4\\)"),
        (np.zeros(3), np.zeros((3, 4)), "got \\(3,\\) and \\(3, 4\\)"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "finite"),
        (np.zeros((3, 2)), np.full((3, 2), np.inf), "finite"),
    ],
)
def test_refusals(x, y, message):
    with pytest.raises(ValueError, match=message):
        checked_pair(x, y)
