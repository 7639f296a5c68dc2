"""Agreement of partitions against scikit-learn, and its intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gcdp_bench.core.types import IGNORE_ID
from gcdp_bench.metrics.clustering import (
    adjusted_rand,
    clustering_values,
    contingency_tables,
    normalised_mutual_information,
)

MAPS = arrays(np.uint8, (2, 3, 4), elements=st.integers(0, 3))


def test_tables_count_pixels_per_image_and_drop_ignored_ones():
    layouts = np.array([[[0, 1, 1]], [[IGNORE_ID, 2, 0]]], np.uint8)
    clusters = np.array([[[1, 0, 1]], [[0, 1, 1]]])
    tables = contingency_tables(layouts, clusters, 3, 2)
    assert tables.tolist() == [[[0, 1], [1, 1], [0, 0]], [[0, 1], [0, 0], [0, 1]]]
    with pytest.raises(ValueError, match="expected arrays of one shape"):
        contingency_tables(layouts, clusters[:1], 3, 2)


@given(MAPS, MAPS)
def test_both_are_scikit_learns(layouts, clusters):
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    table = contingency_tables(layouts, clusters, 4, 4).sum(0)
    one, two = layouts.ravel(), clusters.ravel()
    assert adjusted_rand(table) == pytest.approx(adjusted_rand_score(one, two), abs=1e-12)
    expected = normalized_mutual_info_score(one, two)
    assert normalised_mutual_information(table) == pytest.approx(expected, abs=1e-9)


@given(MAPS, MAPS, st.permutations(range(4)))
def test_names_of_clusters_do_not_matter(layouts, clusters, order):
    renamed = np.array(order)[clusters]
    one, two = (contingency_tables(layouts, c, 4, 4).sum(0) for c in (clusters, renamed))
    assert adjusted_rand(one) == pytest.approx(float(adjusted_rand(two)))
    assert normalised_mutual_information(one) == pytest.approx(
        float(normalised_mutual_information(two))
    )


def test_equal_partitions_are_one_and_intervals_hold_the_value():
    rng = np.random.default_rng(0)
    layouts = rng.integers(0, 3, (12, 5, 5)).astype(np.uint8)
    ari, nmi = clustering_values(contingency_tables(layouts, (layouts + 1) % 3, 3, 3))
    assert (ari.metric, nmi.metric) == ("ari", "nmi")
    assert ari.value == ari.ci_low == ari.ci_high == pytest.approx(1.0)
    assert nmi.value == pytest.approx(1.0)
    noisy = np.where(rng.random(layouts.shape) < 0.4, rng.integers(0, 3, layouts.shape), layouts)
    for value in clustering_values(contingency_tables(layouts, noisy, 3, 3)):
        assert 0 < value.ci_low < value.value < value.ci_high < 1
        assert value.num_samples == 12


def test_unrelated_partitions_are_near_zero():
    rng = np.random.default_rng(1)
    tables = contingency_tables(
        rng.integers(0, 4, (20, 16, 16)).astype(np.uint8), rng.integers(0, 4, (20, 16, 16)), 4, 4
    )
    assert abs(float(adjusted_rand(tables.sum(0)))) < 0.01
    assert abs(adjusted_rand(tables)).max() < 0.1
