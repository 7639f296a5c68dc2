"""Crossings known by hand, and intervals that hold them."""

import math

import numpy as np
import pytest

from gcdp_bench.analysis.convergence import (
    IMAGE,
    KEPT,
    PREDICTED,
    QUANTITIES,
    SAMPLED,
    Curves,
    converged_step,
    convergence,
)

STEPS = (100, 75, 50, 25)


def curves(**changes):
    rising = np.array([[0.0, 0.8, 1.0, 1.0], [0.2, 0.8, 1.0, 1.0]])
    late = np.array([[-3.0, 0.0, 0.8, 1.0], [-1.0, 0.0, 0.8, 1.0]])
    values = {PREDICTED: rising, KEPT: rising, SAMPLED: late, IMAGE: late}
    return Curves(STEPS, values | {name: np.array(value) for name, value in changes.items()})


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ((0.0, 0.8, 1.0, 1.0), 62.5),  # halfway between 75 and 50
        ((0.9, 0.95, 0.9, 1.0), 100.0),  # never below
        ((1.0, 1.0, 0.5, 0.9), 25.0),  # it falls again, and is there at the last step
        ((0.0, 0.0, 0.0, 0.89), math.nan),
    ],
)
def test_converged_step(curve, expected):
    found = converged_step(np.array([curve, (0.0, 0.8, 1.0, 1.0)]), STEPS)
    assert found.tolist() == pytest.approx([expected, 62.5], nan_ok=True)


def test_means_steps_and_leads():
    found = convergence(curves())
    assert found.num_samples == 2
    assert [interval.value for interval in found.curves[IMAGE]] == [-2.0, 0.0, 0.8, 1.0]
    assert found.curves[IMAGE][0].low < -2.0 < found.curves[IMAGE][0].high
    assert {name: interval.value for name, interval in found.converged.items()} == pytest.approx(
        {
            PREDICTED: 62.5,
            KEPT: 62.5,
            SAMPLED: 37.5,
            IMAGE: 37.5,
            "lead": 25.0,
            "lead_of_prediction": 25.0,
        }
    )


def test_the_lead_is_paired():
    """Runs that converge late do so in both: the lead is the same in all of them."""
    early, late = [0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]
    shifted = ([0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0])
    runs = [early, late] * 20
    found = convergence(
        curves(**dict.fromkeys((PREDICTED, KEPT, SAMPLED), runs), image_r2=shifted * 20)
    )
    assert found.converged[PREDICTED].high - found.converged[PREDICTED].low > 1.0
    lead = found.converged["lead"]
    assert (lead.value, lead.low, lead.high) == pytest.approx((25.0, 25.0, 25.0))


def test_a_curve_that_never_converges_is_undefined():
    never = [[0.0, 0.1, 0.2, 0.3]] * 2
    found = convergence(curves(predicted_layout=never)).converged
    assert math.isnan(found[PREDICTED].value) and math.isnan(found["lead"].value)
    assert found[PREDICTED].method == "none" and found[KEPT].value == 62.5
    seldom = [[0.0, 0.1, 0.2, 1.0], [0.0, 0.1, 0.2, 0.81]]  # only some resamples converge
    found = convergence(curves(predicted_layout=seldom)).converged[PREDICTED]
    assert found.value == pytest.approx(25.0, abs=0.2) and found.method == "none"


def test_a_run_without_a_defined_image_is_left_out():
    values = {name: np.concatenate([value, value[:1]]) for name, value in curves().values.items()}
    values[IMAGE][2] = math.nan
    assert convergence(Curves(STEPS, values)).num_samples == 2
    values[IMAGE][1] = math.nan
    with pytest.raises(ValueError, match="expected at least 2 runs .* got 1; sample more"):
        convergence(Curves(STEPS, values))


def test_kept_and_joined(tmp_path):
    both = Curves.cat([curves(), curves()])
    both.save(tmp_path / "new" / "curves.npz")
    read = Curves.load(tmp_path / "new" / "curves.npz")
    assert read.steps == STEPS
    for name in QUANTITIES:
        assert read.values[name].shape == (4, 4)
        assert np.array_equal(read.values[name], both.values[name])


def test_older_files_are_read(tmp_path):
    arrays = {"steps": np.array(STEPS), **curves().values}
    arrays["drawn_layout"] = arrays.pop(SAMPLED)
    np.savez(tmp_path / "curves.npz", **arrays)
    assert np.array_equal(
        Curves.load(tmp_path / "curves.npz").values[SAMPLED], arrays["drawn_layout"]
    )
