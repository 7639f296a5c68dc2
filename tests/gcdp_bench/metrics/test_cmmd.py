"""CMMD against sums over pairs, scikit-learn's kernel, and a case whose truth is known."""

import math

import numpy as np
import pytest
import scipy.stats

from gcdp_bench.metrics.cmmd import cmmd_values


def test_it_is_1000_times_the_biased_estimate_on_unit_vectors():
    from sklearn.metrics.pairwise import rbf_kernel

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((9, 6)), rng.standard_normal((7, 6)) + 1.0
    (row,) = cmmd_values(x, y)
    a, b = (part / np.sqrt((part**2).sum(1))[:, None] for part in (x, y))
    xx, yy, xy = (rbf_kernel(*pair, gamma=1 / 200) for pair in ((a, a), (b, b), (a, b)))
    assert row.value == pytest.approx(1000 * (xx.mean() + yy.mean() - 2 * xy.mean()), abs=1e-10)
    unbiased = (xx.sum() - 9) / 72 + (yy.sum() - 7) / 42 - 2 * xy.mean()
    assert row.corrected == pytest.approx(1000 * unbiased, abs=1e-10)
    half = row.ci_high - row.corrected
    assert half > 0 and row.ci_low == pytest.approx(max(0.0, row.corrected - half))
    assert (row.metric, row.num_samples, row.ci_method) == ("cmmd", 9, "jackknife")


def test_opposite_points():
    """2000 (1 - exp(-4 / 200)), whatever the lengths of the embeddings."""
    x, y = np.array([[3.0, 0.0]] * 3), np.array([[-0.5, 0.0]] * 4)
    (row,) = cmmd_values(x, y)
    assert row.value == row.corrected == pytest.approx(2000 * (1 - math.exp(-0.02)), abs=1e-10)


@pytest.mark.parametrize("tilt", [0.0, 0.15])
def test_the_interval_covers_the_truth(tilt):
    """Eight orthogonal embeddings, drawn with shares p and q: 1000 |p - q|^2 (1 - exp(-2 / 200)).

    200 trials at a true coverage of 0.90 give 166 hits or more in all but 0.1 % of cases. Equal
    distributions may be covered more often than 99 %.
    """
    rng, trials, hits, values = np.random.default_rng(1), 200, 0, []
    q = np.full(8, 1 / 8)
    p = q + tilt * np.array([1, -0.5, -0.3, -0.2, 0, 0, 0, 0])
    truth = 1000 * ((p - q) ** 2).sum() * (1 - math.exp(-0.01))
    points = np.eye(8)
    for _ in range(trials):
        x, y = points[rng.choice(8, 80, p=p)], points[rng.choice(8, 110, p=q)]
        (row,) = cmmd_values(x, y)
        hits += row.ci_low <= truth <= row.ci_high
        values.append(row.corrected)
    assert hits >= scipy.stats.binom.ppf(0.001, trials, 0.90)
    if tilt:
        assert hits <= scipy.stats.binom.ppf(0.999, trials, 0.99)
        assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / np.sqrt(trials))


def test_too_few_or_zero_embeddings():
    (row,) = cmmd_values(np.ones((1, 2)), np.ones((5, 2)))
    assert math.isnan(row.value)
    (row,) = cmmd_values(np.eye(2), np.eye(2))
    assert row.value == 0.0 and row.ci_method == "none"
    with pytest.raises(ValueError, match="positive length"):
        cmmd_values(np.zeros((2, 2)), np.ones((5, 2)))
