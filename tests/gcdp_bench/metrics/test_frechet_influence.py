"""Values against the distance itself, influences against weights, errors against many halves."""

import numpy as np
import pytest

from gcdp_bench.metrics import frechet, frechet_influence
from gcdp_bench.metrics.frechet import frechet_distance, frechet_intervals_unbounded
from gcdp_bench.metrics.frechet_halves import halved_terms
from gcdp_bench.metrics.frechet_influence import (
    averaged,
    estimates,
    expanded,
    influences,
    is_costly,
)


def features(num, width, *, power=0.5, seed=0):
    scale = np.arange(1.0, width + 1) ** -power
    return np.random.default_rng(seed).standard_normal((num, width)) * scale


def weighted_terms(x, weights, y):
    """Distance where row i has the share weights[i]: roots of eigenvalues of S1 S2."""
    mean = weights @ x
    covariance = (weights[:, None] * (x - mean)).T @ (x - mean) * len(x) / (len(x) - 1)
    other = np.cov(y.T)
    root = np.sqrt(np.linalg.eigvals(covariance @ other).real).sum()
    traces = covariance.trace() + other.trace()
    return np.array([((mean - y.mean(0)) ** 2).sum(), traces - 2.0 * root])


@pytest.mark.parametrize("power", [0.5, 4.0])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize(
    ("num", "other", "width"),
    [(60, 50, 12), (60, 9, 12), (9, 60, 12), (9, 10, 12), (10, 9, 12), (500, 400, 200)],
)
def test_values_are_those_of_the_distance(num, other, width, constant, power):
    """Cholesky factor and eigenvectors, or QR and SVD where features have no variance."""
    x = features(num, width, power=power) + 0.3
    y = features(other, width, power=power, seed=1)
    if constant:
        x[:, 2:5] = 7.0
    found, expected = estimates(expanded(x, y)), frechet_distance(x, y)
    expected = [expected.total, expected.mean_term, expected.covariance_term]
    assert found.values == pytest.approx(np.array(expected), rel=1e-11, abs=1e-11)
    assert np.isfinite(found.corrected).all() and np.isfinite(found.errors).all()
    ranks = [frechet.effective_rank(part) for part in (x, y)]
    assert found.ranks == pytest.approx(ranks, rel=1e-9)


def test_influences_are_derivatives_by_the_weight_of_a_sample():
    """Central differences: an error of the square of the step times N, 1e-5."""
    x, y = features(30, 4) + 0.5, features(25, 4, seed=1)
    centre = x.mean(0), y.mean(0)
    a, b = x - centre[0], y - centre[1]
    left, singular, right = np.linalg.svd(a @ b.T, full_matrices=False)
    found = influences(a, centre[0] - centre[1], b.T @ right.T, singular, (29 * 24) ** -0.5)
    assert found.mean(0) == pytest.approx(0.0, abs=1e-12)
    step = 1e-4
    for row in (0, 7, 29):
        ends = []
        for sign in (1.0, -1.0):
            weights = np.full(30, (1.0 - sign * step) / 30)
            weights[row] += sign * step
            ends.append(weighted_terms(x, weights, y))
        slope = (ends[0] - ends[1]) / (2.0 * step)  # of (1 - w) F + w of sample i
        assert found[row] == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_errors_and_biases_are_those_of_many_halves(shift):
    """400 halves: the error has 5 %; three halves leave the corrected value an error below e."""
    x, y = features(600, 20) + shift, features(500, 20, seed=1)
    found = estimates(expanded(x, y))
    means, covariances = halved_terms(x, y, 400)
    halved = np.stack([means + covariances, means, covariances], 1)  # (R, 3)
    errors = np.sqrt(((halved[::2] - halved[1::2]) ** 2).mean(0)) / 2.0
    assert found.errors == pytest.approx(errors, rel=0.2)
    corrected = 2.0 * found.values - halved.mean(0)
    assert (np.abs(found.corrected - corrected) < 2.5 * errors / np.sqrt(3.0)).all()
    many = estimates(expanded(x, y, num=200))
    assert many.corrected == pytest.approx(corrected, abs=0.1 * errors[0])


def test_costly_sets_are_done_so_and_the_method_says_it(monkeypatch):
    assert not is_costly(3000, 3000, 2048) and is_costly(5000, 5000, 2048)
    assert is_costly(10_000, 10_000, 2048) and not is_costly(50_000, 50_000, 240)
    monkeypatch.setattr(frechet_influence, "COSTLY", 0.0)
    x, y = features(400, 3) + 1.0, features(300, 3, seed=1)
    found, expected = frechet_intervals_unbounded(x, y), estimates(expanded(x, y))
    parts = (found.total, found.mean_term, found.covariance_term)
    for part, value, centre, error in zip(
        parts, expected.values, expected.corrected, expected.errors, strict=True
    ):
        assert (part.value, part.corrected, part.method) == (value, centre, "influence-3")
        assert part.high - centre == pytest.approx(1.959964 * error, rel=1e-6)
        assert centre - part.low == pytest.approx(1.959964 * error, rel=1e-6)
    assert frechet_intervals_unbounded(x[:49], y).total.method == "influence-3-undersampled"
    assert frechet_intervals_unbounded(x, y) == found


def test_the_error_of_a_difference_is_that_of_halves_split_alike():
    """Samples in pairs: half of what varies is shared. 400 halves: the error has 5 %."""
    shared, y = features(600, 20), features(500, 20, seed=1)
    sides = [shared + features(600, 20, seed=seed) + 0.1 * seed for seed in (2, 3)]
    found = estimates(expanded(sides[0], y).minus(expanded(sides[1], y)))
    drawn = [np.add(*halved_terms(side, y, 400)) for side in sides]
    halved = drawn[0] - drawn[1]
    error = np.sqrt(((halved[::2] - halved[1::2]) ** 2).mean()) / 2.0
    assert found.errors[0] == pytest.approx(error, rel=0.2)
    alone = estimates(expanded(sides[0], y)).errors[0]
    assert error < np.sqrt(2.0) * alone


def test_distances_of_seeds_are_averaged_sample_by_sample():
    y = features(60, 5, seed=9)
    expansions = [expanded(features(50, 5, seed=seed) + 0.2, y) for seed in (0, 1)]
    mean = averaged(expansions)
    assert mean.values == pytest.approx(sum(one.values for one in expansions) / 2)
    assert mean.of_x[3] == pytest.approx(sum(one.of_x[3] for one in expansions) / 2)
    same = averaged([expansions[0], expansions[0]])
    assert (estimates(same).errors == estimates(expansions[0]).errors).all()
