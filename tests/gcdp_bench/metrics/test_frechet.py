"""The distance against closed forms, scipy's matrix root, torch-fidelity, and itself."""

import numpy as np
import pytest
import scipy.linalg

from gcdp_bench.metrics.frechet import frechet_distance


def exact_sample(mean, covariance, num):
    """Points whose sample mean and covariance (ddof 1) are exactly these."""
    dim = len(mean)
    noise = np.random.default_rng(0).standard_normal((num, dim))
    noise -= noise.mean(0)
    white = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise.T).reshape(dim, dim))).T
    return np.asarray(mean) + white @ np.linalg.cholesky(np.asarray(covariance, float)).T


@pytest.mark.parametrize(
    ("mean_x", "cov_x", "mean_y", "cov_y", "expected"),
    [
        ([1.0], [[4.0]], [4.0], [[9.0]], 10.0),
        ([0.0] * 3, np.diag([1.0, 4, 9]), [1.0, 2, 3], np.diag([4.0, 9, 16]), 17.0),
        ([2.0, 3], [[1, 0], [0, 4]], [5.0, 7], [[3, 2], [2, 8]], 26.455097962516447),
    ],
)
def test_closed_forms(mean_x, cov_x, mean_y, cov_y, expected):
    x, y = exact_sample(mean_x, cov_x, 40), exact_sample(mean_y, cov_y, 60)
    assert frechet_distance(x, y).total == pytest.approx(expected, abs=1e-9)


def test_both_routes_agree_and_equal_the_golden_number():
    state = np.random.RandomState(0)
    x, y = state.randn(50, 8), state.randn(40, 8) + 0.5
    assert frechet_distance(x, y).total == pytest.approx(2.3931858710839826, abs=1e-10)
    few_x, few_y = x[:6], y[:7]
    expected = by_scipy(few_x, few_y)
    assert frechet_distance(few_x, few_y).total == pytest.approx(expected, abs=1e-6)


def by_scipy(x, y):
    product = np.cov(x.T) @ np.cov(y.T)
    root = scipy.linalg.sqrtm(product).real
    return (np.sum((x.mean(0) - y.mean(0)) ** 2)
            + np.trace(np.cov(x.T)) + np.trace(np.cov(y.T)) - 2 * np.trace(root))  # fmt: skip


def test_singular_covariances_give_a_number():
    state = np.random.RandomState(1)
    assert frechet_distance(state.randn(4, 4), state.randn(4, 4)).total == pytest.approx(
        4.75383762, abs=1e-6
    )


def test_it_equals_torch_fidelity():
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    state = np.random.RandomState(2)
    x, y = state.randn(80, 12), 1.3 * state.randn(70, 12) + 0.2
    statistics = [fid_features_to_statistics(torch.from_numpy(part)) for part in (x, y)]
    theirs = fid_statistics_to_metric(*statistics, verbose=False)
    theirs = theirs["frechet_inception_distance"]
    assert frechet_distance(x, y).total == pytest.approx(theirs, rel=1e-9)


def test_a_set_is_at_distance_zero_from_itself_and_the_distance_is_symmetric():
    x = np.random.default_rng(3).standard_normal((30, 5))
    y = np.random.default_rng(4).standard_normal((9, 5))
    assert frechet_distance(x, x).total == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(x, y).total == pytest.approx(frechet_distance(y, x).total, rel=1e-9)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), "got \\(3, 2\\) and \\(3, 4\\)"),
        (np.zeros((1, 2)), np.zeros((3, 2)), "at least 2 samples"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "finite"),
    ],
)
def test_refusals(x, y, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(x, y)
