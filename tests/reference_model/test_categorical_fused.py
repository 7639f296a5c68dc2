"""The fused forms are the equations of `categorical`; those are Bayes' rule, see its tests."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reference_model import categorical, categorical_fused
from reference_model.schedules import Schedule, ScheduleConfig

from .test_categorical import IGNORE, column, pixels, rate


@pytest.mark.parametrize("level", [0.6, 1.0])
def test_reverse_draws_follow_the_plug_in_posterior(level):
    count = 100_000
    logits = column(2.0, 0.0, -1.0, 0.5).float().expand(1, 4, 1, count)
    y_t = torch.full((1, 1, count), 1)
    uniform = torch.rand(1, 1, count, generator=torch.Generator().manual_seed(4))
    rates = (rate(0.7), rate(level))
    drawn = categorical_fused.sample_posterior(y_t, logits, *rates, uniform)
    p_0 = logits[..., :1].double().softmax(1)
    expected = categorical.posterior_log_probs(y_t[..., :1], p_0, *rates).exp()[0, :, 0, 0] * count
    assert drawn.dtype == torch.long
    assert stats.chisquare(torch.bincount(drawn.flatten(), minlength=4), expected).pvalue > 1e-3


def test_a_class_of_probability_zero_is_never_drawn():
    logits = torch.full((1, 4, 1, 2), -torch.inf)
    logits[:, 1:3] = 0.0
    uniform = torch.tensor([0.0, 1 - 2**-24])[None, None]
    y_t = torch.zeros(1, 1, 2, dtype=torch.long)
    drawn = categorical_fused.sample_posterior(y_t, logits, rate(0.5), rate(1.0), uniform)
    assert drawn.flatten().tolist() == [1, 2]


def random_case(seed: int, num_classes: int = 6, scale: float = 3.0):
    source = torch.Generator().manual_seed(seed)
    shape = (3, 4, 5)
    y_t, y_0 = torch.randint(num_classes, (2, *shape), generator=source)
    logits = torch.randn(3, num_classes, 4, 5, generator=source, dtype=torch.float64) * scale
    return y_t, y_0, logits


@pytest.mark.parametrize("block", [1 << 18, 30])
def test_kl_and_gradient_are_those_of_the_equation_at_every_level(block, monkeypatch):
    monkeypatch.setitem(categorical_fused.CHUNK_ELEMENTS, "cpu", block)
    schedule = Schedule(ScheduleConfig(num_steps=12), normalized=True)
    for t in range(1, 13):
        for s in {0, t // 2, t - 1}:
            alpha_bar_s = float(schedule.alpha_bar[s])
            alpha = float(schedule.alpha_bar[t]) / alpha_bar_s
            y_t, y_0, logits = random_case(seed=t)
            logits.requires_grad_()
            rates = (rate(alpha), rate(alpha_bar_s))
            ours = categorical_fused.kl_posterior(y_t, y_0, logits, *rates)
            expected = categorical.kl_posterior(y_t, y_0, logits, *rates)
            torch.testing.assert_close(ours, expected, rtol=1e-7, atol=1e-11)
            weights = torch.rand(ours.shape, generator=torch.Generator().manual_seed(s)).double()
            gradient, expected_gradient = (
                torch.autograd.grad((weights * kl).sum(), logits)[0] for kl in (ours, expected)
            )
            torch.testing.assert_close(gradient, expected_gradient, rtol=1e-7, atol=1e-12)


def test_single_precision_keeps_four_digits_down_to_the_last_step():
    """Near t = T the divergence is 1e-9 and a difference of logarithms would be pure round-off."""
    schedule = Schedule(ScheduleConfig(), normalized=True)
    y_t, y_0, logits = random_case(seed=0, num_classes=20)
    for t in (1, 2, 25, 500, 950, 999, 1000):
        alpha_bar_s = schedule.at(torch.tensor([t - 1]), ndim=3)
        rates = (schedule.at(torch.tensor([t]), ndim=3) / alpha_bar_s, alpha_bar_s)
        double = categorical_fused.kl_posterior(y_t, y_0, logits, *rates)
        single = categorical_fused.kl_posterior(y_t, y_0, logits.float(), *rates)
        assert single.dtype == torch.float32
        torch.testing.assert_close(single.double(), double, rtol=5e-4, atol=1e-14)


def test_last_step_is_the_likelihood_of_y_0_even_for_tiny_probabilities():
    logits = torch.tensor([0.0, -200.0, 1.0])[None, :, None, None].requires_grad_()
    alpha = 0.999
    kl = categorical_fused.kl_posterior(pixels(1), pixels(1), logits, rate(alpha), rate(1.0))
    log_p = torch.log_softmax(logits.detach().double(), 1)[0, :, 0, 0]
    weights = log_p + torch.full((3,), (1 - alpha) / 3).double().log()
    weights[1] = log_p[1] + math.log(alpha + (1 - alpha) / 3)
    assert float(kl.detach()) == pytest.approx(float(weights.logsumexp(0) - weights[1]), rel=1e-5)
    kl.sum().backward()
    assert logits.grad is not None
    assert float(logits.grad[0, 1]) == pytest.approx(-1.0, abs=1e-4)


def test_ignored_pixels_have_no_loss_and_no_gradient():
    y_t, y_0, logits = random_case(seed=5)
    masked = y_0.clone()
    masked[:, 1] = IGNORE
    logits.requires_grad_()
    ours = categorical_fused.kl_posterior(y_t, masked, logits, rate(0.9), rate(0.5))
    full = categorical_fused.kl_posterior(y_t, y_0, logits, rate(0.9), rate(0.5)).detach()
    assert (ours[:, 1] == 0).all()
    torch.testing.assert_close(ours[:, [0, 2, 3]], full[:, [0, 2, 3]])
    ours.sum().backward()
    assert logits.grad is not None
    assert (logits.grad[:, :, 1] == 0).all()
    assert (logits.grad[:, :, 0] != 0).any()


def test_half_precision_logits_give_a_float32_divergence_and_half_gradients():
    y_t, y_0, logits = random_case(seed=6)
    half = logits.bfloat16().requires_grad_()
    kl = categorical_fused.kl_posterior(y_t, y_0, half, rate(0.9), rate(0.5))
    kl.sum().backward()
    assert kl.dtype == torch.float32
    assert half.grad is not None
    assert half.grad.dtype == torch.bfloat16


levels = st.floats(0.0, 1.0, exclude_min=True).map(lambda v: max(v, 1e-6))


@given(st.integers(0, 10_000), levels, levels, st.floats(0.0, 20.0))
def test_posterior_sums_to_one_and_the_divergence_is_not_negative(seed, alpha, alpha_bar, scale):
    y_t, y_0, logits = random_case(seed, num_classes=4, scale=scale)
    rates = (rate(alpha * (1 - 1e-9)), rate(alpha_bar))
    true = categorical.posterior_true(y_t, y_0, *rates, 4)
    torch.testing.assert_close(true.sum(1), torch.ones_like(true[:, 0]))
    for form in ("plug_in", "mixture"):
        total = categorical.posterior_log_probs(y_t, logits.softmax(1), *rates, form=form)
        torch.testing.assert_close(total.exp().sum(1), torch.ones_like(true[:, 0]))
    kl = categorical_fused.kl_posterior(y_t, y_0, logits.float(), *rates)
    assert torch.isfinite(kl).all()
    assert float(kl.min()) >= -1e-6


@given(st.integers(0, 10_000), levels, st.floats(0.01, 1.0))
def test_the_divergence_is_zero_for_exact_logits_only(seed, alpha, alpha_bar):
    y_t, y_0, _ = random_case(seed)
    rates = (rate(alpha * 0.999), rate(alpha_bar))
    exact = torch.zeros(3, 6, 4, 5).scatter_(1, y_0[:, None], 100.0)
    assert float(categorical_fused.kl_posterior(y_t, y_0, exact, *rates).abs().max()) == 0.0
    wrong = torch.zeros(3, 6, 4, 5).scatter_(1, y_0[:, None], 1.0)
    assert float(categorical_fused.kl_posterior(y_t, y_0, wrong, *rates).min()) > 0.0
