"""How generators are sampled: settings that cannot be meant are refused."""

import pytest
import torch

from gcdp_bench.core.sampling_config import SamplingConfig, check_device, check_seeds


def test_a_device_that_the_machine_lacks_is_refused():
    check_device("cpu")
    lacking = f"cuda:{torch.cuda.device_count()}"
    for name in ("gpu", "", lacking):
        with pytest.raises(ValueError, match="device: expected one of this machine's devices"):
            check_device(name)


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
