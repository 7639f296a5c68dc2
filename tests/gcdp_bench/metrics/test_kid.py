"""KID against torch-fidelity, torchmetrics and a case whose truth is known."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from gcdp_bench.metrics import kid, mmd
from gcdp_bench.metrics.kid import cubic_kernel, draw_subsets, kid_values
from gcdp_bench.metrics.mmd import kernel_sums, kernel_sums_and_subsets


def subset_values(x, y, **draws):
    subsets = draw_subsets(len(x), len(y), **draws)
    return kernel_sums_and_subsets(x, y, cubic_kernel, subsets)[1]


@pytest.fixture
def sets():
    state = np.random.RandomState(0)
    return state.randn(50, 8), state.randn(40, 8) + 0.5


def test_the_golden_number(sets):
    (row,) = kid_values("tf1", sets[0][:40], sets[1])
    assert row.value == pytest.approx(0.46717054422964166, rel=1e-12)
    assert (row.metric, row.num_samples, row.ci_method) == ("kid-tf1", 40, "jackknife")
    assert row.ci_low < row.value < row.ci_high


@pytest.mark.parametrize(("size", "num_subsets"), [(40, 1), (15, 8)])
def test_it_equals_torch_fidelity_with_the_same_seed(sets, size, num_subsets):
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = sets
    theirs = kid_features_to_metric(
        torch.from_numpy(x),
        torch.from_numpy(y),
        kid_subsets=num_subsets,
        kid_subset_size=size,
        rng_seed=11,
        verbose=False,
    )
    ours = subset_values(x, y, size=size, num_subsets=num_subsets, seed=11)
    assert ours.mean() == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-12)
    assert ours.std() == pytest.approx(theirs["kernel_inception_distance_std"], abs=1e-12)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance`:UserWarning")
def test_it_equals_torchmetrics(sets):
    from torchmetrics.image.kid import KernelInceptionDistance

    x, y = sets[0][:40], sets[1]
    metric = KernelInceptionDistance(feature=torch.nn.Identity(), subsets=1, subset_size=40)
    metric.update(torch.from_numpy(x), real=False)
    metric.update(torch.from_numpy(y), real=True)
    (row,) = kid_values("tf1", x, y)
    assert row.value == pytest.approx(float(metric.compute()[0]), rel=1e-10)


@pytest.mark.parametrize(("num", "other", "size"), [(50, 40, 15), (40, 50, 40), (23, 37, 2)])
def test_subsets_equal_those_taken_out(num, other, size, monkeypatch):
    """1e-12 of the kernel's size: sums of a few hundred terms in another order."""
    monkeypatch.setattr(mmd, "CHUNK_ROWS", 16)
    rng = np.random.default_rng(num)
    x, y = rng.standard_normal((num, 8)), rng.standard_normal((other, 8)) + 0.5
    expected, state = [], np.random.RandomState(5)
    for _ in range(9):
        part_x = x[state.choice(num, size, replace=False)]
        part_y = y[state.choice(other, size, replace=False)]
        expected.append(kernel_sums(part_x, part_y, cubic_kernel).unbiased())
    found = subset_values(x, y, size=size, num_subsets=9, seed=5)
    scale = cubic_kernel(y, y).mean()
    assert found == pytest.approx(np.array(expected), abs=1e-12 * scale)


def test_many_samples_are_seen_in_subsets(sets, monkeypatch):
    monkeypatch.setattr(kid, "SUBSET_SIZE", 20)
    x, y = sets
    (row,) = kid_values("tf1", x, y, seed=3)
    values = subset_values(x, y, size=20, num_subsets=100, seed=3)
    assert row.value == pytest.approx(values.mean())
    monkeypatch.setattr(kid, "SUBSET_SIZE", 40)
    (whole,) = kid_values("tf1", x, y, seed=3)
    assert abs(row.value - whole.value) < 5 * values.std() / 10
    widened = (row.ci_high - row.ci_low) ** 2 - (whole.ci_high - whole.ci_low) ** 2
    assert widened == pytest.approx((2 * 1.959964) ** 2 * values.var(ddof=1) / 100, rel=1e-4)


def test_of_large_sets_a_part_tells_the_error(sets, monkeypatch):
    monkeypatch.setattr(kid, "SUBSET_SIZE", 20)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((900, 4)) + 0.4, rng.standard_normal((600, 4))
    (whole,) = kid_values("tf1", x, y, seed=3)
    monkeypatch.setattr(kid, "MOST_PAIRED", 300)
    (part,) = kid_values("tf1", x, y, seed=3)
    assert part.value == pytest.approx(whole.value, rel=1e-12)
    assert (whole.ci_method, part.ci_method) == ("jackknife", "jackknife-300")
    widths = [row.ci_high - row.ci_low for row in (part, whole)]
    assert widths[0] == pytest.approx(widths[1], rel=0.15)


@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_the_interval_covers_the_truth(shift):
    """One feature: MMD^2 = (a_3 - b_3)^2 + 3 (a_2 - b_2)^2 + 3 (a_1 - b_1)^2, a and b the moments.

    200 trials at a true coverage of 0.90 give 166 hits or more in all but 0.1 % of cases. Equal
    distributions are covered more often than 95 %, and are not bounded above.
    """
    rng, trials, hits, values = np.random.default_rng(4), 200, 0, []
    a, b = ([scipy.stats.norm(m, 1).moment(p) for p in (1, 2, 3)] for m in (shift, 0.0))
    truth = sum(w * (s - t) ** 2 for w, s, t in zip((3, 3, 1), a, b, strict=True))
    for _ in range(trials):
        x, y = shift + rng.standard_normal((120, 1)), rng.standard_normal((90, 1))
        (row,) = kid_values("tf1", x, y)
        hits += row.ci_low <= truth <= row.ci_high
        values.append(row.value)
    assert hits >= scipy.stats.binom.ppf(0.001, trials, 0.90)
    if shift:
        assert hits <= scipy.stats.binom.ppf(0.999, trials, 0.99)
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / np.sqrt(trials))


def test_too_few_samples_are_missing_not_zero():
    (row,) = kid_values("tf1", np.ones((1, 2)), np.ones((5, 2)))
    assert math.isnan(row.value) and row.ci_method == "none"
    (row,) = kid_values("tf1", np.ones((2, 2)), np.zeros((5, 2)))
    assert row.value == 8.0 - 2.0 + 1.0 and row.ci_method == "none"
    with pytest.raises(ValueError, match="at most 2 samples, got 3"):
        draw_subsets(2, 5, size=3, num_subsets=1, seed=0)
