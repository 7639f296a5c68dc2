from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from reference_model.schedules import (
    Schedule,
    ScheduleConfig,
    continuous_alpha_bar,
    respaced_steps,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "process.safetensors"

TABLE = [  # time, cosine alpha_bar, cosine log SNR, linear alpha_bar, linear log SNR
    (0.0, 0.999845, 8.769, 0.999900, 9.210),
    (0.01, 0.999213, 7.147, 0.998901, 6.812),
    (0.1, 0.971942, 3.545, 0.904747, 2.251),
    (0.25, 0.846881, 1.710, 0.535208, 0.141),
    (0.5, 0.493767, -0.025, 0.082077, -2.415),
    (0.75, 0.144250, -1.780, 0.003606, -5.622),
    (0.9, 0.024088, -3.702, 0.000304, -8.100),
    (0.99, 0.000243, -8.323, 0.000055, -9.801),
]


@pytest.mark.parametrize(("time", "cosine", "cosine_snr", "linear", "linear_snr"), TABLE)
def test_continuous_schedules_follow_the_table(time, cosine, cosine_snr, linear, linear_snr):
    at = torch.tensor(time, dtype=torch.float64)
    for name, level, log_snr in (("cosine", cosine, cosine_snr), ("linear", linear, linear_snr)):
        alpha_bar = continuous_alpha_bar(name, at)
        assert float(alpha_bar) == pytest.approx(level, abs=5e-7)
        assert float(torch.logit(alpha_bar)) == pytest.approx(log_snr, abs=1e-3)


def test_power_one_half_is_the_root_of_cosine():
    time = torch.linspace(0, 1, 50, dtype=torch.float64)
    root = continuous_alpha_bar("cosine", time, 0.5)
    torch.testing.assert_close(root**2, continuous_alpha_bar("cosine", time), rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_log_snr_equals_the_authors(name):
    golden = load_file(GOLDEN)
    ours = torch.logit(continuous_alpha_bar(name, golden["times"].double())).float()
    # Theirs is float32: 1 / cos^2 - 1 loses half a unit in 1 where it is 2e-4, the first entry.
    torch.testing.assert_close(ours[1:], golden[f"log_snr_{name}"][1:], rtol=0, atol=1e-4)
    torch.testing.assert_close(ours[0], golden[f"log_snr_{name}"][0], rtol=0, atol=3e-4)


@pytest.mark.parametrize("num_steps", [100, 1000])
@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_layout_chain_equals_the_authors_table(name, num_steps):
    golden = load_file(GOLDEN)
    schedule = Schedule(ScheduleConfig(name=name, num_steps=num_steps), normalized=True)
    alpha_bar = schedule.alpha_bar[:-1]  # theirs ends at T - 1
    log_alpha = (alpha_bar[1:] / alpha_bar[:-1]).log().float()
    theirs = f"multinomial_{name}_{num_steps}"
    # Theirs is a difference of float32 cosines; near t = T the cosine itself is 2e-3.
    tolerance = {"rtol": 0, "atol": 2e-4}
    torch.testing.assert_close(log_alpha, golden[f"{theirs}_log_alpha"][1:], **tolerance)
    torch.testing.assert_close(
        alpha_bar.log().float(), golden[f"{theirs}_log_cumprod_alpha"], **tolerance
    )


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize(
    "config",
    [
        ScheduleConfig(),
        ScheduleConfig(name="linear"),
        ScheduleConfig(power=0.5),
        ScheduleConfig(num_steps=1),
        ScheduleConfig(num_steps=10, power=3.0),
    ],
)
def test_levels_start_clean_and_fall_to_the_lowest(config, normalized):
    schedule = Schedule(config, normalized=normalized)
    assert schedule.alpha_bar.shape == schedule.log_snr.shape == (config.num_steps + 1,)
    assert schedule.alpha_bar[0] == 1.0
    assert (schedule.alpha_bar.diff() <= 0).all()
    assert schedule.log_snr.min() >= -13.0
    assert schedule.log_snr.max() <= 9.0
    assert 0.0 < schedule.alpha_bar[-1] < 1e-4
    if not normalized:
        told = torch.sigmoid(schedule.log_snr[1:])
        torch.testing.assert_close(schedule.alpha_bar[1:], told, rtol=1e-12, atol=0)


def test_respaced_transitions_multiply_to_the_closed_form():
    schedule = Schedule(ScheduleConfig(), normalized=True)
    steps = [*respaced_steps(1000, 37), 0][::-1]
    levels = schedule.alpha_bar[steps]
    product = (levels[1:] / levels[:-1]).cumprod(0)
    torch.testing.assert_close(product, levels[1:], rtol=1e-12, atol=0)


def test_at_is_alpha_bar_per_sample():
    schedule = Schedule(ScheduleConfig(num_steps=10))
    levels = schedule.at(torch.tensor([0, 3, 10]))
    assert levels.shape == (3, 1, 1, 1)
    assert levels.flatten().tolist() == [float(schedule.alpha_bar[t]) for t in (0, 3, 10)]


@given(st.integers(1, 2000).flatmap(lambda T: st.tuples(st.just(T), st.integers(1, T))))
def test_each_step_is_visited_once(sizes):
    num_train_steps, num_steps = sizes
    steps = respaced_steps(num_train_steps, num_steps)
    assert len(steps) == num_steps
    assert steps[0] == num_train_steps
    assert steps[-1] >= 1
    assert all(later < earlier for earlier, later in zip(steps, steps[1:], strict=False))
    spacing = num_train_steps / num_steps
    assert all(
        abs(t - i * spacing) <= 0.5 for i, t in zip(range(num_steps, 0, -1), steps, strict=True)
    )


@pytest.mark.parametrize("num_steps", [0, 1001])
def test_grid_outside_training_is_refused(num_steps):
    with pytest.raises(ValueError, match="expected 1 to 1000"):
        respaced_steps(1000, num_steps)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "sigmoid"}, "sigmoid"),
        ({"num_steps": 0}, "at least 1"),
        ({"power": 0.0}, "above 0"),
        ({"power": float("nan")}, "above 0"),
        ({"name": "linear", "power": 0.5}, "belongs to 'cosine'"),
    ],
)
def test_bad_configurations_are_refused(fields, message):
    with pytest.raises((ValueError, TypeError), match=message):  # TypeError: types checked
        ScheduleConfig(**fields)
