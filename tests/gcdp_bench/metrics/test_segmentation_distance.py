"""FSD on toys whose value is known."""

import numpy as np
import pytest

from gcdp_bench.metrics.segmentation_distance import area_percent, fsd_values


def test_opposite_classes_are_at_the_upper_bound():
    areas, reference = np.array([[100.0, 0]] * 5), np.array([[0, 100.0]] * 4)
    total, mean, covariance = (v.value for v in fsd_values(areas, reference, "generated"))
    assert (total, mean, covariance) == pytest.approx((20000.0, 20000.0, 0.0), abs=1e-9)


def test_alternation_against_a_constant():
    areas = np.array([[100.0, 0], [0, 100.0]] * 5)
    values = fsd_values(areas, np.full((10, 2), 50.0), "predicted")
    assert values[0].value == pytest.approx(5555.555555555556, abs=1e-9)
    assert [v.metric for v in values] == [
        "fsd_predicted",
        "fsd_predicted_mean_term",
        "fsd_predicted_covariance_term",
    ]


def test_percent_is_10000_times_the_value_of_fractions():
    rng = np.random.default_rng(0)
    areas, reference = (area_percent(rng.integers(1, 50, (num, 4))) for num in (30, 40))
    percent = fsd_values(areas, reference, "generated")[0].value
    fraction = fsd_values(areas / 100, reference / 100, "generated")[0].value
    assert percent == pytest.approx(10_000 * fraction, rel=1e-9)


def test_values_have_intervals_and_the_terms_add_up():
    rng = np.random.default_rng(1)
    areas, reference = (
        100 * rng.dirichlet(alpha, num)
        for alpha, num in ((np.ones(5), 200), (np.arange(1, 6), 300))
    )
    total, mean, covariance = fsd_values(areas, reference, "generated")
    assert total.value == pytest.approx(mean.value + covariance.value)
    assert total.corrected == pytest.approx(mean.corrected + covariance.corrected)
    assert total.corrected < total.value
    for row in (total, mean, covariance):
        assert row.ci_method == "halves-200" and row.ci_low < row.corrected < row.ci_high
        assert row.num_samples == 200


def test_areas_are_percent_of_the_labelled_pixels():
    assert area_percent(np.array([[1, 3, 0]])).tolist() == [[25.0, 75.0, 0.0]]
    with pytest.raises(ValueError, match="at least one labelled pixel"):
        area_percent(np.array([[0, 0]]))
