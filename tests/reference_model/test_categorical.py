import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from scipy import stats

from reference_model import categorical
from reference_model.schedules import Schedule, ScheduleConfig

GOLDEN = Path(__file__).parents[1] / "golden" / "process.safetensors"
IGNORE = 255


def rate(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1), value, dtype=torch.float64)


def column(*values: float) -> torch.Tensor:
    """One pixel's K values as (1, K, 1, 1)."""
    return torch.tensor(values, dtype=torch.float64)[None, :, None, None]


def pixels(*labels: int) -> torch.Tensor:
    return torch.tensor(labels)[:, None, None]  # (B, 1, 1)


def transition(alpha: float, num_classes: int) -> torch.Tensor:
    """Q[i, j] = q(next = j | previous = i), written out from Eq. (10)."""
    eye = torch.eye(num_classes, dtype=torch.float64)
    return alpha * eye + (1 - alpha) / num_classes


def all_pairs(num_classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Every (y_t, y_0) as a batch of single pixels."""
    grid = torch.cartesian_prod(torch.arange(num_classes), torch.arange(num_classes))  # (K*K, 2)
    return grid[:, 0, None, None], grid[:, 1, None, None]


def bayes(alphas: torch.Tensor, t: int, s: int, num_classes: int) -> torch.Tensor:
    """q(y_s | y_t, y_0) by the product of transition matrices, (y_t, y_0, y_s)."""
    to_s = to_t = torch.eye(num_classes, dtype=torch.float64)
    for step, alpha in enumerate(alphas[:t], start=1):
        to_t = to_t @ transition(float(alpha), num_classes)
        if step <= s:
            to_s = to_t
    s_to_t = torch.linalg.solve(to_s, to_t)
    joint = s_to_t.T[:, None, :] * to_s[None]  # (y_t, y_0, y_s)
    return joint / joint.sum(-1, keepdim=True)


@pytest.mark.parametrize("num_classes", [3, 4, 5])
def test_posterior_is_brute_force_bayes_for_every_pair_of_steps(num_classes):
    alphas = 1 - torch.linspace(0.05, 0.6, 8, dtype=torch.float64)
    alpha_bar = torch.cat([torch.ones(1, dtype=torch.float64), alphas.cumprod(0)])
    y_t, y_0 = all_pairs(num_classes)
    one_hot = torch.nn.functional.one_hot(y_0[:, 0, 0], num_classes).double()[:, :, None, None]
    for t in range(1, 9):
        for s in range(t):
            expected = bayes(alphas, t, s, num_classes).flatten(0, 1)  # (K*K, K)
            rates = (rate(float(alpha_bar[t] / alpha_bar[s])), rate(float(alpha_bar[s])))
            true = categorical.posterior_true(y_t, y_0, *rates, num_classes)[:, :, 0, 0]
            torch.testing.assert_close(true, expected, rtol=0, atol=1e-13)
            for form in ("plug_in", "mixture"):  # a certain prediction is the true posterior
                certain = categorical.posterior_log_probs(y_t, one_hot, *rates, form=form)
                torch.testing.assert_close(certain.exp()[:, :, 0, 0], expected, rtol=0, atol=1e-13)


def test_mixture_is_the_average_of_posteriors_and_plug_in_is_not():
    alphas = 1 - torch.linspace(0.05, 0.6, 8, dtype=torch.float64)
    p_0 = column(0.6, 0.3, 0.07, 0.03).expand(4, 4, 1, 1)
    y_t = pixels(0, 1, 2, 3)
    rates = (rate(float(alphas[5])), rate(float(alphas[:5].prod())))
    expected = torch.einsum("tok,o->tk", bayes(alphas, 6, 5, 4), p_0[0, :, 0, 0])
    mixture = categorical.posterior_log_probs(y_t, p_0, *rates, form="mixture").exp()
    torch.testing.assert_close(mixture[:, :, 0, 0], expected, rtol=0, atol=1e-13)
    plug_in = categorical.posterior_log_probs(y_t, p_0, *rates).exp()
    assert (plug_in - mixture).abs().max() > 0.01


def test_worked_vectors_of_the_corrected_equation_12():
    y_t, y_0 = pixels(1, 0), pixels(0, 0)
    true = categorical.posterior_true(y_t, y_0, rate(0.9), rate(0.6), 4)[:, :, 0, 0]
    expected = [
        [0.152174, 0.804348, 0.021739, 0.021739],
        [0.988550, 0.003817, 0.003817, 0.003817],
    ]
    torch.testing.assert_close(true, torch.tensor(expected).double(), rtol=0, atol=5e-7)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("plug_in", [0.0415, 0.9350, 0.0128, 0.0106]),
        ("mixture", [0.0946, 0.8596, 0.0255, 0.0203]),
    ],
)
def test_worked_vectors_of_both_reverse_forms(form, expected):
    p_0 = column(0.6, 0.3, 0.07, 0.03)
    ours = categorical.posterior_log_probs(pixels(1), p_0, rate(0.9), rate(0.6), form=form)
    torch.testing.assert_close(
        ours.exp()[0, :, 0, 0], torch.tensor(expected).double(), rtol=0, atol=6e-5
    )


def test_unknown_form_is_refused():
    with pytest.raises((ValueError, TypeError), match="plug_in"):  # TypeError: types checked
        categorical.posterior_log_probs(
            pixels(1), column(0.5, 0.5), rate(0.9), rate(0.6), form="d3pm"
        )


def golden_case(name: str, num_steps: int):
    golden, key = load_file(GOLDEN), f"{name}_{num_steps}_"
    case = {k.removeprefix(key): v for k, v in golden.items() if k.startswith(key)}
    level = (case["t"] * num_steps).long()  # floor in float32, as they do
    tables = [golden[f"multinomial_{key}log_{which}"] for which in ("alpha", "cumprod_alpha")]
    rates = [table.double().exp()[:, None, None] for table in tables]
    return case, level, (rates[0][level], rates[1][level - 1])


def bits_per_pixel(case, rates, num_steps: int, alpha_bar_T: torch.Tensor) -> torch.Tensor:
    num_classes = case["y0_logits"].shape[1]
    kl = categorical.kl_posterior(case["yt"], case["y0"], case["y0_logits"], *rates).mean((1, 2))
    prior = float(categorical.kl_prior(alpha_bar_T, num_classes))
    return (num_steps * kl + prior) / (math.log(2) * num_classes)


@pytest.mark.parametrize("num_steps", [100, 1000])
@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_posteriors_and_loss_equal_the_authors(name, num_steps):
    case, level, rates = golden_case(name, num_steps)
    y_t, y_0, logits = case["yt"], case["y0"], case["y0_logits"]
    predicted = categorical.posterior_log_probs(y_t, logits.softmax(1), *rates)
    torch.testing.assert_close(predicted, case["cat_log_posterior_pred"], rtol=0, atol=1e-4)
    true = categorical.posterior_true(y_t, y_0, *rates, logits.shape[1]).float()
    torch.testing.assert_close(true, case["cat_posterior_true"], rtol=0, atol=1e-4)
    schedule = Schedule(ScheduleConfig(name=name, num_steps=num_steps), normalized=True)
    bits = bits_per_pixel(case, rates, num_steps, schedule.alpha_bar[-2])
    # Their sum of float32 logarithms, times T: 1e-8 T of absolute error a pixel.
    torch.testing.assert_close(bits, case["cat_loss_bits"], rtol=2e-5, atol=2e-5)
    # Our levels are exact; theirs are float32, where 1 - alpha = 1e-4 has an error of 5e-4.
    alpha_bar_s = schedule.at(level - 1, ndim=3)
    exact = (schedule.at(level, ndim=3) / alpha_bar_s, alpha_bar_s)
    bits = bits_per_pixel(case, exact, num_steps, schedule.alpha_bar[-2])
    torch.testing.assert_close(bits, case["cat_loss_bits"], rtol=5e-4, atol=2e-5)


# --- forward noising and draws -------------------------------------------------------------------


@pytest.mark.parametrize("level", [1.0, 0.7, 0.0])
def test_forward_draws_follow_equation_11(level):
    num_classes, count = 5, 60_000
    y_0 = torch.full((1, 1, count), 3)
    uniform = torch.rand(1, 1, count, generator=torch.Generator().manual_seed(1))
    y_t = categorical.q_sample(y_0, rate(level), num_classes, uniform)
    observed = torch.bincount(y_t.flatten(), minlength=num_classes)
    expected = transition(level, num_classes)[3] * count
    seen = expected > 0
    assert observed[~seen].sum() == 0
    if seen.sum() > 1:
        assert stats.chisquare(observed[seen], expected[seen]).pvalue > 1e-3


def test_augmentation_level_of_one_fifth_corrupts_the_known_share():
    schedule = Schedule(ScheduleConfig(name="linear"), normalized=True)
    source = torch.Generator().manual_seed(0)
    num_classes, count = 20, 200_000
    y_0 = torch.randint(num_classes, (1, 1, count), generator=source)
    uniform = torch.rand(1, 1, count, generator=source)
    y_t = categorical.q_sample(y_0, schedule.at(torch.tensor([200]), ndim=3), num_classes, uniform)
    expected = 0.3297 * (num_classes - 1) / num_classes
    assert float((y_t != y_0).double().mean()) == pytest.approx(expected, abs=0.004)


@pytest.mark.parametrize("level", [1.0, 0.7, 0.0])
def test_ignored_pixels_are_drawn_uniformly_at_every_level(level):
    count = 40_000
    y_0 = torch.full((1, 1, count), IGNORE)
    uniform = torch.rand(1, 1, count, generator=torch.Generator().manual_seed(2))
    y_t = categorical.q_sample(y_0, rate(level), 4, uniform)
    assert stats.chisquare(torch.bincount(y_t.flatten(), minlength=4)).pvalue > 1e-3


def test_noising_keeps_the_integer_type_and_stays_in_range_at_the_edges():
    uniform = torch.tensor([0.0, 0.5, 1 - 2**-24])[None, None]  # (1, 1, 3)
    for level in (1.0, 1 - 1e-7, 0.5, 0.0):
        y_t = categorical.q_sample(
            torch.full((1, 1, 3), 2, dtype=torch.uint8), rate(level), 20, uniform
        )
        assert y_t.dtype == torch.uint8
        assert y_t.max() < 20
        ignored = torch.full((1, 1, 3), IGNORE)
        assert categorical.q_sample(ignored, rate(level), 20, uniform).max() < 20


def test_renoised_labels_have_the_marginal_of_their_level():
    count = 100_000
    source = torch.Generator().manual_seed(3)
    y_0 = torch.full((1, 1, count), 1)
    u_s, u_t = torch.rand(2, 1, 1, count, generator=source)
    y_s = categorical.q_sample(y_0, rate(0.8), 4, u_s)
    y_t = categorical.renoise(y_s, rate(0.8), rate(0.3), 4, u_t)
    expected = transition(0.3, 4)[1] * count
    assert stats.chisquare(torch.bincount(y_t.flatten(), minlength=4), expected).pvalue > 1e-3


@pytest.mark.parametrize("level", [0.6, 1.0])
def test_reverse_draws_follow_the_plug_in_posterior(level):
    count = 100_000
    logits = column(2.0, 0.0, -1.0, 0.5).float().expand(1, 4, 1, count)
    y_t = torch.full((1, 1, count), 1)
    uniform = torch.rand(1, 1, count, generator=torch.Generator().manual_seed(4))
    rates = (rate(0.7), rate(level))
    drawn = categorical.sample_posterior(y_t, logits, *rates, uniform)
    p_0 = logits[..., :1].double().softmax(1)
    expected = categorical.posterior_log_probs(y_t[..., :1], p_0, *rates).exp()[0, :, 0, 0] * count
    assert drawn.dtype == torch.long
    assert stats.chisquare(torch.bincount(drawn.flatten(), minlength=4), expected).pvalue > 1e-3


def test_a_class_of_probability_zero_is_never_drawn():
    logits = torch.full((1, 4, 1, 2), -torch.inf)
    logits[:, 1:3] = 0.0
    uniform = torch.tensor([0.0, 1 - 2**-24])[None, None]
    y_t = torch.zeros(1, 1, 2, dtype=torch.long)
    drawn = categorical.sample_posterior(y_t, logits, rate(0.5), rate(1.0), uniform)
    assert drawn.flatten().tolist() == [1, 2]


# --- the divergence ------------------------------------------------------------------------------


def one_hot_kl(y_t, y_0, logits, alpha, alpha_bar_s):
    """The divergence by definition, from the normalised product of Eq. (12), float64 autograd."""
    num_classes = logits.shape[1]

    def posterior(p_0):
        here = torch.nn.functional.one_hot(y_t, num_classes).movedim(-1, 1).double()
        likelihood = alpha * here + (1 - alpha) / num_classes
        weights = likelihood * (alpha_bar_s * p_0 + (1 - alpha_bar_s) / num_classes)
        return weights / weights.sum(1, keepdim=True)

    q = posterior(torch.nn.functional.one_hot(y_0, num_classes).movedim(-1, 1).double())
    p = posterior(logits.softmax(1))
    return torch.where(q > 0, q * (q.clamp_min(1e-300).log() - p.log()), 0.0).sum(1)


def random_case(seed: int, num_classes: int = 6, scale: float = 3.0):
    source = torch.Generator().manual_seed(seed)
    shape = (3, 4, 5)
    y_t, y_0 = torch.randint(num_classes, (2, *shape), generator=source)
    logits = torch.randn(3, num_classes, 4, 5, generator=source, dtype=torch.float64) * scale
    return y_t, y_0, logits


@pytest.mark.parametrize("block", [1 << 18, 30])
def test_kl_and_gradient_equal_the_one_hot_form_at_every_level(block, monkeypatch):
    monkeypatch.setitem(categorical.CHUNK_ELEMENTS, "cpu", block)
    schedule = Schedule(ScheduleConfig(num_steps=12), normalized=True)
    for t in range(1, 13):
        for s in {0, t // 2, t - 1}:
            alpha_bar_s = float(schedule.alpha_bar[s])
            alpha = float(schedule.alpha_bar[t]) / alpha_bar_s
            y_t, y_0, logits = random_case(seed=t)
            logits.requires_grad_()
            ours = categorical.kl_posterior(y_t, y_0, logits, rate(alpha), rate(alpha_bar_s))
            expected = one_hot_kl(y_t, y_0, logits, alpha, alpha_bar_s)
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
        double = categorical.kl_posterior(y_t, y_0, logits, *rates)
        single = categorical.kl_posterior(y_t, y_0, logits.float(), *rates)
        assert single.dtype == torch.float32
        torch.testing.assert_close(single.double(), double, rtol=5e-4, atol=1e-14)


def test_last_step_is_the_likelihood_of_y_0_even_for_tiny_probabilities():
    logits = torch.tensor([0.0, -200.0, 1.0])[None, :, None, None].requires_grad_()
    alpha = 0.999
    kl = categorical.kl_posterior(pixels(1), pixels(1), logits, rate(alpha), rate(1.0))
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
    ours = categorical.kl_posterior(y_t, masked, logits, rate(0.9), rate(0.5))
    full = categorical.kl_posterior(y_t, y_0, logits, rate(0.9), rate(0.5)).detach()
    assert (ours[:, 1] == 0).all()
    torch.testing.assert_close(ours[:, [0, 2, 3]], full[:, [0, 2, 3]])
    ours.sum().backward()
    assert logits.grad is not None
    assert (logits.grad[:, :, 1] == 0).all()
    assert (logits.grad[:, :, 0] != 0).any()


def test_half_precision_logits_give_a_float32_divergence_and_half_gradients():
    y_t, y_0, logits = random_case(seed=6)
    half = logits.bfloat16().requires_grad_()
    kl = categorical.kl_posterior(y_t, y_0, half, rate(0.9), rate(0.5))
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
    kl = categorical.kl_posterior(y_t, y_0, logits.float(), *rates)
    assert torch.isfinite(kl).all()
    assert float(kl.min()) >= -1e-6


@given(st.integers(0, 10_000), levels, st.floats(0.01, 1.0))
def test_the_divergence_is_zero_for_exact_logits_only(seed, alpha, alpha_bar):
    y_t, y_0, _ = random_case(seed)
    rates = (rate(alpha * 0.999), rate(alpha_bar))
    exact = torch.zeros(3, 6, 4, 5).scatter_(1, y_0[:, None], 100.0)
    assert float(categorical.kl_posterior(y_t, y_0, exact, *rates).abs().max()) == 0.0
    wrong = torch.zeros(3, 6, 4, 5).scatter_(1, y_0[:, None], 1.0)
    assert float(categorical.kl_posterior(y_t, y_0, wrong, *rates).min()) > 0.0


@pytest.mark.parametrize("level", [0.9, 0.1, 1e-5, 0.0])
def test_prior_divergence_equals_the_definition(level):
    q = transition(level, 7)[0]
    expected = stats.entropy(q, [1 / 7] * 7)
    ours = float(categorical.kl_prior(torch.tensor(level, dtype=torch.float64), 7))
    assert ours == pytest.approx(expected, rel=1e-5, abs=1e-15)
