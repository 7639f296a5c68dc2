"""The rule at its edges."""

import math

import pytest

from gcdp_bench.comparison.non_inferiority import is_non_inferior
from gcdp_bench.metrics.intervals import Interval, without_interval

BASELINE = Interval(4.4, 3.0, 5.0, "halves-200", 4.0)  # the rule reads the corrected 4.0


def interval(low, high):
    return Interval((low + high) / 2, low, high, "paired")


@pytest.mark.parametrize(
    ("fid_high", "recall_low", "expected"),
    [
        (0.2, -0.01, True),
        (0.201, -0.01, False),
        (0.2, -0.0101, False),
        (-1.0, 0.02, True),
        (0.21, 0.5, False),
    ],
)
def test_both_ends_count(fid_high, recall_low, expected):
    fid, recall = interval(-2.0, fid_high), interval(recall_low, 1.0)
    assert is_non_inferior(BASELINE, fid, recall) is expected


def test_without_an_interval_nothing_is_said():
    known, missing = interval(-0.001, 0.001), without_interval(math.nan)
    assert is_non_inferior(BASELINE, missing, known) is None
    assert is_non_inferior(BASELINE, known, missing) is None
