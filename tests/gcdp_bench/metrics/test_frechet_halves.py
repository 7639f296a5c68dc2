"""Distances of halves against the distances of the rows themselves, and the rule of the cost."""

import numpy as np
import pytest

from gcdp_bench.metrics import frechet_halves
from gcdp_bench.metrics.frechet import frechet_distance
from gcdp_bench.metrics.frechet_halves import halved_terms, num_halves


def splits(size, num, seed):
    rng = np.random.default_rng(seed)
    for _ in range(num // 2):
        order = rng.permutation(size)
        yield from (order[: size // 2], order[size // 2 :])


@pytest.mark.parametrize(
    ("num", "other", "width"),
    [(9, 30, 40), (30, 9, 40), (40, 60, 5), (60, 40, 5), (25, 25, 12), (4, 4, 1)],
)
def test_it_equals_the_distances_of_the_rows(num, other, width):
    """1e-6: half of the digits are lost in directions of no variance."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((num, width)) + 3.0, 2.0 * rng.standard_normal((other, width))
    means, covariances = halved_terms(x, y, 6, seed=4)
    for index, (rows, columns) in enumerate(
        zip(splits(num, 6, 8), splits(other, 6, 9), strict=True)
    ):
        expected = frechet_distance(x[rows], y[columns])
        assert means[index] == pytest.approx(expected.mean_term, rel=1e-10)
        assert covariances[index] == pytest.approx(expected.covariance_term, rel=1e-6, abs=1e-9)


def test_both_forms_of_a_half_agree(monkeypatch):
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((30, 6)), rng.standard_normal((35, 6))
    tall = halved_terms(x, y, 10)
    monkeypatch.setattr(frechet_halves, "is_wide", lambda *sizes: True)
    wide = halved_terms(x, y, 10)
    assert wide[1] == pytest.approx(tall[1], rel=1e-6)


@pytest.mark.parametrize("constant", [0.0, 7.0])
def test_features_that_are_constant_or_add_up_to_one_number_have_halves(constant):
    """Areas add up to 100 %, and a class may be nowhere: covariances without an inverse."""
    rng = np.random.default_rng(2)
    x, y = (100.0 * rng.dirichlet(np.ones(4), 60) for _ in range(2))
    x, y = (np.insert(part, 1, constant, axis=1) for part in (x, y))
    for terms in (halved_terms(x, y, 4), halved_terms(0.0 * x, 0.0 * y, 4)):
        assert np.isfinite(terms).all()
    rows, columns = next(splits(60, 4, 0)), next(splits(60, 4, 1))
    expected = frechet_distance(x[rows], y[columns]).covariance_term
    assert halved_terms(x, y, 4)[1][0] == pytest.approx(expected, rel=1e-5)


def test_costly_halves_are_fewer():
    assert num_halves(500, 500, 20) == num_halves(200, 1000, 240) == 200
    assert num_halves(500, 500, 2048) == num_halves(2000, 2000, 2048) == 200
    assert num_halves(6000, 6000, 2048) == num_halves(3000, 3000, 2048) == 50
    assert num_halves(50_000, 50_000, 19) == 200


def test_the_cost_of_narrow_and_of_wide_sets_counts_its_own_terms():
    """Narrow: (N + M) / 2 D^2; wide: N / 2 times M / 2 times the smaller; around the limit 1e9."""
    assert [num_halves(num, 2_000, 500) for num in (5_900, 6_100)] == [200, 50]
    assert [num_halves(2_000, num, 500) for num in (5_900, 6_100)] == [200, 50]
    assert [num_halves(800, num, 4_000) for num in (12_400, 12_600)] == [200, 50]
    assert [num_halves(num, 800, 4_000) for num in (12_400, 12_600)] == [200, 50]
