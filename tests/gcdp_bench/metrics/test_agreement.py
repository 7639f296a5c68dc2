"""Kendall's tau against scipy; the ranking of models under two extractors."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.metrics.agreement import THRESHOLD, kendall_tau, rank_agreement
from tests.properties import examples

SCORES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=12)


@examples(60)
@given(SCORES)
def test_tau_equals_scipys_ties_included(pairs):
    a, b = np.array(pairs, float).T
    expected = float(scipy.stats.kendalltau(a, b).statistic)
    assert kendall_tau(a, b) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_order_is_all_that_counts():
    a = np.array([0.1, 0.2, 0.4, 0.9])
    assert kendall_tau(a, np.exp(a)) == 1.0
    assert kendall_tau(a, -a) == -1.0
    assert kendall_tau(a, a[[1, 0, 2, 3]]) == pytest.approx(4 / 6)


def test_models_that_one_extractor_has_not_evaluated_are_left_out():
    first = {"ours": 0.9, "imagen": 0.7, "ldm": 0.5, "lafite": math.nan, "gan": 0.1}
    second = {"ours": 0.8, "imagen": 0.4, "ldm": 0.6, "lafite": 0.3}
    found = rank_agreement(first, second)
    assert found.num_models == 3 and found.tau == pytest.approx(1 / 3)
    assert found.swapped == (("imagen", "ldm"),)
    assert found.tau < THRESHOLD
    assert rank_agreement(first, first).tau == 1.0


def test_no_ranking_no_agreement():
    found = rank_agreement({"ours": 1.0}, {"ours": 2.0})
    assert math.isnan(found.tau) and found.num_models == 1


def test_refusals():
    with pytest.raises(ValueError, match="one length"):
        kendall_tau(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="finite scores"):
        kendall_tau(np.array([1.0, np.nan]), np.ones(2))
