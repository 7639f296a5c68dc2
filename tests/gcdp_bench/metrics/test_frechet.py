"""The distance against closed forms, scipy's matrix root, torch-fidelity, torchmetrics, itself."""

import numpy as np
import pytest
import scipy.linalg
import torch

from benchmarks.frechet import eigen_distance
from gcdp_bench.metrics import frechet
from gcdp_bench.metrics.frechet import frechet_distance
from gcdp_bench.metrics.frechet_halves import halved_terms


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


def test_a_shift_by_one_in_2048_features_is_2048():
    x = np.random.default_rng(0).standard_normal((20, 2048))
    distance = frechet_distance(x, x + 1.0)
    assert distance.mean_term == pytest.approx(2048.0, rel=1e-12)
    assert distance.covariance_term == pytest.approx(0.0, abs=1e-9)


def test_the_golden_number():
    state = np.random.RandomState(0)
    x, y = state.randn(50, 8), state.randn(40, 8) + 0.5
    assert frechet_distance(x, y).total == pytest.approx(2.3931858710839826, abs=1e-12)


def by_scipy(x, y):
    product = np.cov(x.T) @ np.cov(y.T)
    root = scipy.linalg.sqrtm(product).real
    return (
        np.sum((x.mean(0) - y.mean(0)) ** 2)
        + np.trace(np.cov(x.T))
        + np.trace(np.cov(y.T))
        - 2 * np.trace(root)
    )


def pairs(num, *, size, other, width):
    rng = np.random.default_rng(7)
    for _ in range(num):
        mix = rng.standard_normal((width, width)) / np.sqrt(width)
        x = rng.standard_normal((size, width)) @ mix
        yield x, 1.3 * rng.standard_normal((other, width)) + rng.standard_normal(width)


def test_it_equals_scipys_matrix_root():
    """1e-9: a well-conditioned root has about 12 digits."""
    for x, y in pairs(10, size=90, other=50, width=12):
        assert frechet_distance(x, y).total == pytest.approx(by_scipy(x, y), rel=1e-9)


@pytest.mark.parametrize(("size", "other"), [(6, 7), (6, 40), (40, 6), (30, 40), (12, 13)])
def test_nuclear_and_eigenvalue_routes_agree_with_few_samples_and_with_many(size, other):
    """1e-5: the eigenvalue route takes roots of rounding noise in directions of no variance."""
    for x, y in pairs(3, size=size, other=other, width=24):
        assert frechet_distance(x, y).total == pytest.approx(eigen_distance(x, y), rel=1e-5)


def test_singular_covariances_give_a_number():
    """Where torch-fidelity once gave NaN: an eigenvalue of the product is -5e-17."""
    state = np.random.RandomState(1)
    x, y = state.randn(4, 4), state.randn(4, 4)
    assert frechet_distance(x, y).total == pytest.approx(4.75383762, abs=1e-7)
    assert frechet_distance(np.ones((3, 2)), np.zeros((5, 2))).total == pytest.approx(2.0)


def test_it_equals_torch_fidelity_on_200_pairs():
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    for x, y in pairs(200, size=80, other=70, width=12):
        statistics = [fid_features_to_statistics(torch.from_numpy(part)) for part in (x, y)]
        theirs = fid_statistics_to_metric(*statistics, verbose=False)
        theirs = theirs["frechet_inception_distance"]
        assert frechet_distance(x, y).total == pytest.approx(theirs, rel=1e-10)


def test_it_equals_torchmetrics():
    """1e-9: their covariances are differences of sums of squares."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Features(torch.nn.Identity):
        num_features = 12

    for x, y in pairs(3, size=80, other=70, width=12):
        metric = FrechetInceptionDistance(feature=Features()).set_dtype(torch.float64)
        metric.update(torch.from_numpy(x), real=False)
        metric.update(torch.from_numpy(y), real=True)
        assert frechet_distance(x, y).total == pytest.approx(float(metric.compute()), rel=1e-9)


def test_a_set_is_at_distance_zero_from_itself_and_the_distance_is_symmetric():
    x = np.random.default_rng(3).standard_normal((30, 5))
    y = np.random.default_rng(4).standard_normal((9, 5))
    assert frechet_distance(x, x).total == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(x, y).total == pytest.approx(frechet_distance(y, x).total, rel=1e-9)


def test_float32_features_are_summed_in_float64():
    x = (1000.0 + np.random.default_rng(0).standard_normal((200, 3))).astype(np.float32)
    y = (1000.5 + np.random.default_rng(1).standard_normal((100, 3))).astype(np.float32)
    expected = frechet_distance(x.astype(np.float64) - 1000, y.astype(np.float64) - 1000).total
    assert frechet_distance(x, y).total == pytest.approx(expected, rel=1e-9)


def test_the_row_says_value_interval_method_and_corrected_value():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 2)) + 1.0, rng.standard_normal((80, 2))
    (row,) = frechet.frechet_values("tf1", x, y)
    assert (row.metric, row.class_name, row.num_samples) == ("fid-tf1", "all", 60)
    assert row.value == frechet_distance(x, y).total
    assert row.ci_method == "halves-200" and row.ci_low < row.corrected < row.ci_high
    assert row.corrected < row.value
    assert frechet.frechet_values("tf1", x, y) == [row]


def test_corrected_value_and_ends_are_those_of_the_halves():
    """corrected = 2 v - mean h, ends 1.96 root mean square of (h - h') / 2, of each term."""
    rng = np.random.default_rng(6)
    x, y = rng.standard_normal((70, 3)) + 2.0, rng.standard_normal((90, 3))
    found, whole = frechet.frechet_intervals_unbounded(x, y), frechet_distance(x, y)
    means, covariances = halved_terms(x, y, 200)
    for interval, value, halved in (
        (found.total, whole.total, means + covariances),
        (found.mean_term, whole.mean_term, means),
        (found.covariance_term, whole.covariance_term, covariances),
    ):
        assert interval.value == value
        assert interval.corrected == pytest.approx(2 * value - halved.mean())
        half = 1.959964 * np.sqrt(np.mean(((halved[::2] - halved[1::2]) / 2) ** 2))
        assert interval.high - interval.corrected == pytest.approx(half, rel=1e-6)
        assert interval.corrected - interval.low == pytest.approx(half, rel=1e-6)


def test_no_end_of_a_distance_is_below_zero():
    rng = np.random.default_rng(0)
    seen_raw_below = False
    for _ in range(20):
        x, y = rng.standard_normal((60, 3)), rng.standard_normal((60, 3))
        raw, cut = frechet.frechet_intervals_unbounded(x, y), frechet.frechet_intervals(x, y)
        seen_raw_below |= raw.total.low < 0.0
        for part in (cut.total, cut.mean_term, cut.covariance_term):
            assert 0.0 <= part.low <= part.corrected < part.high
    assert seen_raw_below


def test_a_few_samples_have_a_value_and_no_interval():
    x, y = np.random.default_rng(0).standard_normal((2, 3, 2))
    (row,) = frechet.frechet_values("tf1", x, y)
    assert row.value == frechet_distance(x, y).total and row.ci_method == "none"


@pytest.mark.parametrize(
    ("num", "other", "width", "few"),
    [
        (49, 9000, 2, True),
        (50, 9000, 2, False),
        (200, 200, 16, False),
        (200, 200, 18, True),
        (200, 1000, 24, False),
        (1000, 200, 30, True),
        (400, 400, 30, False),
    ],
)
def test_few_samples_for_the_features_are_named_in_the_method(num, other, width, few):
    """1 / (1 / N + 1 / M) against 6 times the rank (here nearly the width), and 50 a side."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((num, width)), rng.standard_normal((other, width))
    assert frechet.is_undersampled(x, y) is few
    total = frechet.frechet_intervals(x, y).total
    assert total.method == ("halves-200-undersampled" if few else "halves-200")


def test_small_eigenvalues_count():
    """Half of the distance lies in 40 directions of a hundredth of the first one's variance."""
    scale = np.r_[10.0, np.full(40, 1.0)]
    x = exact_sample(np.zeros(41), np.diag(scale**2), 300)
    y = exact_sample(np.zeros(41), np.diag((scale + np.r_[1.0, np.full(40, 0.2)]) ** 2), 300)
    assert frechet_distance(x, y).covariance_term == pytest.approx(1.0 + 40 * 0.04, rel=1e-9)
    x, y = (exact_sample(np.zeros(2), np.diag([1.0, small**2]), 60) for small in (1e-4, 3e-4))
    assert frechet_distance(x, y).covariance_term == pytest.approx((2e-4) ** 2, rel=1e-5)


def test_floor_in_one_dimension_and_of_equal_eigenvalues():
    """1.5 variance (1/n + 1/m); D equal ones: D + D (D + 1) / 4 per 1/n + 1/m."""
    assert frechet.expected_distance_of_equals([4.0], 10, 20) == pytest.approx(1.5 * 4 * 0.15)
    equal = frechet.expected_distance_of_equals(np.ones(6), 10, 20)
    assert equal == pytest.approx(0.15 * (6 + 6 * 7 / 4))
    assert frechet.expected_distance_of_equals([4.0, 0.0], 10, 20) == pytest.approx(0.9)
    values = [1.0, *[0.01] * 50, 1e-6]  # small ones add up
    expected = sum(values) + 0.5 * sum(
        a * b * (1 + (i == j)) / (a + b) for i, a in enumerate(values) for j, b in enumerate(values)
    )
    assert frechet.expected_distance_of_equals(values, 10, 20) == pytest.approx(0.15 * expected)


@pytest.mark.parametrize(("num", "other"), [(400, 400), (400, 1500)])
def test_floor_within_15_percent_of_a_simulation(num, other):
    rng, scale = np.random.default_rng(5), np.linspace(0.3, 2.0, 12)
    draws = [
        frechet_distance(*(rng.standard_normal((size, 12)) * scale for size in (num, other))).total
        for _ in range(60)
    ]
    assert frechet.expected_distance_of_equals(scale**2, num, other) == pytest.approx(
        np.mean(draws), rel=0.15
    )


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


def test_the_distance_is_fid_in_features_of_inception_alone():
    protocols = ("tf1", "clean", "torch", "hrnet", "dinov2")
    x = np.eye(3)
    names = [frechet.frechet_values(protocol, x, x)[0].metric for protocol in protocols]
    assert names == ["fid-tf1", "fid-clean", "fid-torch", "fid-hrnet", "fd-dinov2"]
