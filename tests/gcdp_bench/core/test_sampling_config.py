"""How generators are sampled: settings that cannot be meant are refused."""

import pytest

from gcdp_bench.core.sampling_config import SamplingConfig, check_seeds


def test_steps_and_solver_are_checked():
    for name in ("steps", "sr_steps"):
        with pytest.raises(ValueError, match=f"{name}: expected at least 1, got 0"):
            SamplingConfig(**{name: 0})
    with pytest.raises(ValueError, match="solver: expected dpm-solver.. or ddim, got 'euler'"):
        SamplingConfig(solver="euler")  # type: ignore[arg-type]


def test_every_caption_has_a_seed():
    check_seeds(["a", "b"], [0, 1])
    with pytest.raises(ValueError, match="got 2 captions and 1 seeds"):
        check_seeds(["a", "b"], [0])
