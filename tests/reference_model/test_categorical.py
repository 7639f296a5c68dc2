import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from scipy import stats

from reference_model import categorical, categorical_fused
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
    y_t, y_0, logits = case["yt"], case["y0"], case["y0_logits"]
    num_classes = logits.shape[1]
    kl = categorical_fused.kl_posterior(y_t, y_0, logits, *rates).mean((1, 2))
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


# --- the divergence from the prior ------------------------------------------------------------


@pytest.mark.parametrize("level", [0.9, 0.1, 1e-5, 0.0])
def test_prior_divergence_equals_the_definition(level):
    q = transition(level, 7)[0]
    expected = stats.entropy(q, [1 / 7] * 7)
    ours = float(categorical.kl_prior(torch.tensor(level, dtype=torch.float64), 7))
    assert ours == pytest.approx(expected, rel=1e-5, abs=1e-15)
