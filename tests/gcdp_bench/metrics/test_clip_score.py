"""Scale and sign convention of the CLIP score."""

import numpy as np
import pytest

from gcdp_bench.metrics.clip_score import clip_values


def test_it_is_100_times_the_mean_and_negative_cosines_count():
    values = {v.metric: v.value for v in clip_values(np.array([0.30, -0.10, 0.25]), 2)}
    assert values["clip_score"] == pytest.approx(15.0)
    assert values["clip_long_captions"] == 2
