"""Precision, recall, density, coverage against torch-fidelity and a loop over all pairs."""

import math

import numpy as np
import pytest
import torch

from gcdp_bench.metrics import prdc
from gcdp_bench.metrics.prdc import neighbourhoods, prdc_values


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    return 0.8 * rng.standard_normal((60, 4)) + 0.7, rng.standard_normal((50, 4))


def values(x, y):
    return {row.metric.removesuffix("-tf1"): row for row in prdc_values("tf1", x, y)}


def test_precision_and_recall_equal_torch_fidelity(sets):
    from torch_fidelity.metric_prc import prc_features_to_metric

    theirs = prc_features_to_metric(*map(torch.from_numpy, sets), verbose=False)
    ours = values(*sets)
    assert ours["precision"].value == pytest.approx(theirs["precision"], abs=1e-6)  # float32 there
    assert ours["recall"].value == pytest.approx(theirs["recall"], abs=1e-6)
    assert ours["precision"].value != ours["recall"].value


def by_loops(x, y, k):
    """Density and coverage as Naeem et al. define them."""
    radii = [sorted(math.dist(a, b) for b in y)[k] for a in y]  # place 0 is the sample itself
    inside = [[math.dist(a, b) < radius for a in x] for b, radius in zip(y, radii, strict=True)]
    density = sum(sum(row) for row in inside) / (k * len(x))
    return density, sum(any(row) for row in inside) / len(y)


@pytest.mark.parametrize("chunk", [7, 512])
def test_density_and_coverage_equal_a_loop(sets, chunk, monkeypatch):
    monkeypatch.setattr(prdc, "CHUNK_ROWS", chunk)
    density, coverage = by_loops(*sets, 5)
    ours = values(*sets)
    assert ours["density"].value == pytest.approx(density, abs=1e-12)
    assert ours["coverage"].value == pytest.approx(coverage, abs=1e-12)
    assert ours["precision"].num_samples == ours["coverage"].num_samples == 60


def test_sides_are_not_swapped():
    """Generated: one real cluster of two, densely. All of it is real, half of the real is met."""
    rng = np.random.default_rng(1)
    clusters = [rng.standard_normal((40, 2)), rng.standard_normal((40, 2)) + 100.0]
    ours = values(0.3 * rng.standard_normal((60, 2)), np.concatenate(clusters))
    assert ours["precision"].value == 1.0 and ours["recall"].value <= 0.5
    assert ours["density"].value > 1.0 and ours["coverage"].value <= 0.5


def test_copies_of_the_real_set_reach_every_bound():
    y = np.random.default_rng(2).standard_normal((30, 3))
    ours = values(y, y)
    assert ours["precision"].value == ours["recall"].value == ours["coverage"].value == 1.0


def test_intervals_are_those_of_a_mean_over_the_averaged_side(sets):
    """Normal ends within 0.04: 50 and 60 samples, 2000 resamples."""
    ours = values(*sets)
    found = neighbourhoods(*sets)
    for name in ("precision", "recall", "density", "coverage"):
        part = getattr(found, name).astype(float)
        half = 1.96 * part.std() / np.sqrt(len(part))
        row = ours[name]
        expected = "basic-one-side" if name == "density" else "bounded-one-side"
        assert row.ci_method == expected
        assert row.ci_low == pytest.approx(row.value - half, abs=0.04)
        assert row.ci_high == pytest.approx(row.value + half, abs=0.04)


def test_a_ball_has_its_surface_for_precision_and_recall_alone():
    """On a line of whole numbers the third neighbours are at 2 (inside) or 3 (at the ends)."""
    y = np.arange(12.0)[:, None]
    x = np.array([-3.0, 14.0, 50.0, 51.0, 52.0, 53.0, 54.0, 55.0])[:, None]
    found = neighbourhoods(x, y, k_precision=3, k_density=3)
    assert found.precision.tolist() == [True, True] + [False] * 6  # 3 from either end
    assert not found.density.any()  # the same two lie on surfaces, which are outside here
    assert not found.coverage.any()
    real = np.array([58.0, 47.0, 69.0])[:, None]  # 3 from 55, 3 from 50, far; the mean is 16
    found = neighbourhoods(x[2:], np.concatenate([y, real]), k_precision=3, k_density=3)
    assert found.recall.tolist() == [False] * 12 + [True, True, False]


def test_too_few_samples_are_missing_not_zero():
    rows = prdc_values("tf1", np.ones((5, 2)), np.ones((9, 2)))
    assert len(rows) == 4 and all(math.isnan(row.value) for row in rows)
