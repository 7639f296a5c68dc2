"""MMD estimators and the jackknife error against sums over pairs and literal leaving-out."""

import numpy as np
import pytest

from gcdp_bench.metrics import mmd
from gcdp_bench.metrics.feature_sets import squared_distances
from gcdp_bench.metrics.mmd import kernel_sums


def kernel(a, b):
    return np.exp(-squared_distances(a, b))


def pairwise(x, y, *, with_self):
    """MMD^2 by loops; k(a, b) = exp(-|a - b|^2)."""

    def k(a, b):
        return np.exp(-sum((a - b) ** 2))

    def mean(part):
        values = [
            k(a, b) for i, a in enumerate(part) for j, b in enumerate(part) if with_self or i != j
        ]
        return sum(values) / len(values)

    return mean(x) + mean(y) - 2 * sum(k(a, b) for a in x for b in y) / len(x) / len(y)


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    return rng.standard_normal((7, 2)), 0.5 + rng.standard_normal((5, 2))


def test_estimators_equal_sums_over_pairs(sets):
    sums = kernel_sums(*sets, kernel)
    assert sums.unbiased() == pytest.approx(pairwise(*sets, with_self=False), abs=1e-14)
    assert sums.biased() == pytest.approx(pairwise(*sets, with_self=True), abs=1e-14)


def test_chunks_change_nothing(sets, monkeypatch):
    whole = kernel_sums(*sets, kernel)
    monkeypatch.setattr(mmd, "CHUNK_ROWS", 2)
    parts = kernel_sums(*sets, kernel)
    for name in ("within_x", "within_y", "across_x", "across_y", "diagonal_x", "diagonal_y"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=1e-14)


def test_subsets_of_all_samples_are_the_estimate(sets, monkeypatch):
    monkeypatch.setattr(mmd, "CHUNK_ROWS", 3)
    everything = [(np.arange(7), np.arange(5))] * 2
    sums, values = mmd.kernel_sums_and_subsets(*sets, kernel, everything)
    assert values == pytest.approx(np.full(2, sums.unbiased()), abs=1e-14)


def test_the_error_equals_leaving_each_sample_out(sets):
    x, y = sets
    variance = 0.0
    for side, num in enumerate((7, 5)):
        left_out = []
        for index in range(num):
            parts = [x, y]
            parts[side] = np.delete(parts[side], index, axis=0)
            left_out.append(pairwise(*parts, with_self=False))
        variance += (num - 1) * np.var(left_out)
    assert kernel_sums(x, y, kernel).jackknife_error() == pytest.approx(variance**0.5, rel=1e-10)


def test_the_normal_interval_is_around_its_centre():
    interval = mmd.normal_interval(3.0, 2.0, 0.5)
    assert (interval.low, interval.high) == pytest.approx((2 - 0.979982, 2 + 0.979982), abs=1e-6)
    assert interval.value == 3.0 and interval.method == "jackknife"
    assert mmd.normal_interval(3.0, 2.0, np.nan).method == "none"
