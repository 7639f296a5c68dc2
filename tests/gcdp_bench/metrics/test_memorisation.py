"""Copies give 1; fresh draws give the probability that nearest neighbours are mutual."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import binomtest

from gcdp_bench.metrics.memorisation import memorised_values, nearest_training
from tests.properties import examples


def draw(seed, num, dim):
    return np.random.default_rng(seed).standard_normal((num, dim))


def share(samples, training):
    return memorised_values(nearest_training(samples, training))[0].value


def test_copies_of_training_images_give_1():
    training = draw(0, 50, 16).astype(np.float32)
    copies = training[[3, 3, 10, 49]]
    neighbours = nearest_training(copies, training)
    assert neighbours.index.tolist() == [3, 3, 10, 49]
    assert not neighbours.distance.any() and not neighbours.ratio.any()
    assert memorised_values(neighbours)[0].value == 1.0


def test_copies_of_a_repeated_training_image_count_despite_rounding():
    training = np.concatenate([draw(0, 20, 64), draw(0, 20, 64)])
    rounded = training[:20] * (1 + 1e-7 * draw(1, 20, 64))
    neighbours = nearest_training(rounded, training)
    assert memorised_values(neighbours)[0].value == 1.0
    assert not neighbours.ratio.any()
    far = nearest_training(training[:1] + 1.0, training)
    assert not far.memorised[0] and far.ratio[0] == math.inf


@pytest.mark.parametrize(
    ("dim", "mutual"),
    [
        (1, 2 / 3),
        (2, 6 * math.pi / (8 * math.pi + 3 * math.sqrt(3))),
        (3, 16 / 27),
    ],
)
def test_fresh_draws_give_the_share_of_mutual_neighbours(dim, mutual):
    """Ball over union of two balls that pass through one another's centres; uniform on a torus."""
    rng = np.random.default_rng(dim)
    hits = []
    for _ in range(8):
        circle = 2 * math.pi * rng.random((2, 1500, dim))
        # Flat torus: distances are locally Euclidean and there is no border.
        samples, training = np.concatenate([np.cos(circle), np.sin(circle)], -1)
        hits.append(share(samples, training))
    assert np.mean(hits) == pytest.approx(mutual, abs=0.02)


def test_fresh_draws_in_many_dimensions_are_not_memorised():
    assert share(draw(0, 300, 64), draw(1, 600, 64)) < 0.6
    assert share(draw(0, 300, 64), draw(1, 600, 64) + 5.0) < 0.1


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(2, 12), st.integers(1, 5))
@examples(40)
def test_it_equals_brute_force(seed, num, num_training, dim):
    samples, training = draw(seed, num, dim), draw(seed + 1, num_training, dim)
    found = nearest_training(samples, training)
    across, within = cdist(samples, training), cdist(training, training)
    np.fill_diagonal(within, np.inf)
    assert found.index.tolist() == across.argmin(1).tolist()
    assert found.other.tolist() == within.argmin(1)[found.index].tolist()
    np.testing.assert_allclose(found.distance, across.min(1), rtol=1e-9)
    np.testing.assert_allclose(found.real_distance, within.min(1)[found.index], rtol=1e-9)


def test_chunks_do_not_change_it_and_distant_features_keep_their_digits(monkeypatch):
    from sklearn.neighbors import NearestNeighbors

    samples, training = 1e4 + draw(0, 9, 8), 1e4 + draw(1, 30, 8)
    whole = nearest_training(samples, training)
    monkeypatch.setattr("gcdp_bench.metrics.memorisation.CHUNK", 2)
    parts = nearest_training(samples, training)
    assert np.array_equal(whole.index, parts.index)
    assert np.array_equal(whole.real_distance, parts.real_distance)
    tree = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(training - 1e4)
    distance, index = tree.kneighbors(samples - 1e4)
    assert np.array_equal(whole.index, index[:, 0])
    np.testing.assert_allclose(whole.distance, distance[:, 0], rtol=1e-9)


@pytest.mark.parametrize("hits", [0, 7, 20])
def test_the_interval_is_wilsons(hits):
    training = np.arange(0.0, 100.0, 10.0)[:, None]  # 10 apart
    samples = training.repeat(2, 0)[:20] + np.where(np.arange(20) < hits, 1.0, 0.0)[:, None]
    samples[hits:] += 1e3 * (1 + np.arange(20 - hits))[:, None]
    value = memorised_values(nearest_training(samples, training))[0]
    interval = binomtest(hits, 20).proportion_ci(0.95, method="wilson")
    assert (value.value, value.num_samples, value.ci_method) == (hits / 20, 20, "wilson")
    assert value.ci_low == pytest.approx(interval.low, abs=1e-12)
    assert value.ci_high == pytest.approx(interval.high, abs=1e-12)
    assert value.ci_low <= value.value <= value.ci_high


@pytest.mark.parametrize(
    ("samples", "training", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), "got \\(3, 2\\) and \\(3, 4\\)"),
        (np.zeros((3, 2)), np.zeros((1, 2)), "2 training images, got 3 and 1"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "finite"),
    ],
)
def test_refusals(samples, training, message):
    with pytest.raises(ValueError, match=message):
        nearest_training(samples, training)
