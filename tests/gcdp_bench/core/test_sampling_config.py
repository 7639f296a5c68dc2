"""How generators are sampled: settings that cannot be meant are refused."""

import pytest

from gcdp_bench.core.sampling_config import (
    SamplingConfig,
    check_seeds,
    interval_text,
    parse_interval,
)


def test_steps_and_solver_are_checked():
    for name in ("steps", "sr_steps"):
        with pytest.raises(ValueError, match=f"{name}: expected at least 1, got 0"):
            SamplingConfig(**{name: 0})
    with pytest.raises(ValueError, match="solver: expected dpm-solver.. or ddim, got 'euler'"):
        SamplingConfig(solver="euler")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sampler: expected ancestral, ddim, dpm-solver.., got 'e"):
        SamplingConfig(sampler="euler")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0 <= low < high, got 5 and 0.3"):
        SamplingConfig(guidance_interval=(5.0, 0.3))


@pytest.mark.parametrize("text", ["none", "0:inf", "0.3:5"])
def test_an_interval_is_read_as_it_is_written(text):
    assert interval_text(parse_interval(text)) == text


@pytest.mark.parametrize("text", ["", "5", "5:0.3", "1:1", "-1:2", "a:b", "nan:1", "0:1:2"])
def test_another_form_of_interval_is_refused(text):
    with pytest.raises(ValueError, match="expected LOW:HIGH with noise levels 0 <= LOW < HIGH"):
        parse_interval(text)


def test_every_caption_has_a_seed():
    check_seeds(["a", "b"], [0, 1])
    with pytest.raises(ValueError, match="got 2 captions and 1 seeds"):
        check_seeds(["a", "b"], [0])
