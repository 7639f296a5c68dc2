import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from scipy import integrate, stats

from reference_model import gaussian
from reference_model.schedules import Schedule, ScheduleConfig, continuous_alpha_bar

GOLDEN = Path(__file__).parents[1] / "golden" / "process.safetensors"


def scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("num_steps", [100, 1000])
@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_posterior_equals_the_authors(name, num_steps):
    golden, key = load_file(GOLDEN), f"{name}_{num_steps}_"
    time = golden[key + "t"].double()[:, None, None, None]
    alpha_bar_t = continuous_alpha_bar(name, time)
    alpha_bar_s = continuous_alpha_bar(name, time - 1 / num_steps)
    mean, variance = gaussian.posterior(
        golden[key + "x0"], golden[key + "xt"], alpha_bar_t, alpha_bar_s
    )
    torch.testing.assert_close(mean, golden[key + "gauss_mean"], rtol=0, atol=1e-4)
    torch.testing.assert_close(variance, golden[key + "gauss_var"], rtol=0, atol=1e-5)
    # 1 - exp(difference of log SNRs) in their float32: 1e-7 of 1e-3.
    torch.testing.assert_close(variance.log(), golden[key + "gauss_log_var"], rtol=0, atol=2e-4)


@given(
    st.floats(0.01, 0.98),
    st.floats(0.02, 0.99),
    st.floats(-1, 1),
    st.floats(-2, 2),
    st.floats(-2, 2),
)
def test_posterior_is_the_product_of_densities(alpha_bar_s, alpha, x_0, x_t, x_s):
    """Bayes at a point: q(x_s | x_t, x_0) q(x_t | x_0) = q(x_t | x_s) q(x_s | x_0)."""
    alpha_bar_t = alpha_bar_s * alpha
    mean, variance = gaussian.posterior(
        scalar(x_0), scalar(x_t), scalar(alpha_bar_t), scalar(alpha_bar_s)
    )

    def log_normal(value, centre, spread):
        return stats.norm.logpdf(value, centre, math.sqrt(spread))

    left = log_normal(x_s, float(mean), float(variance))
    left += log_normal(x_t, math.sqrt(alpha_bar_t) * x_0, 1 - alpha_bar_t)
    right = log_normal(x_t, math.sqrt(alpha) * x_s, 1 - alpha)
    right += log_normal(x_s, math.sqrt(alpha_bar_s) * x_0, 1 - alpha_bar_s)
    assert left == pytest.approx(right, rel=1e-9, abs=1e-9)


def test_last_transition_returns_x_0_without_noise():
    schedule = Schedule(ScheduleConfig())
    x_0, x_t = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).chunk(2)
    mean, variance = gaussian.posterior(
        x_0, x_t, schedule.at(torch.tensor([10])), schedule.at(torch.tensor([0]))
    )
    torch.testing.assert_close(mean, x_0)
    assert float(variance) == 0.0


def test_predict_x_0_inverts_q_sample():
    source = torch.Generator().manual_seed(0)
    x_0, noise = torch.randn(2, 4, 3, 4, 4, generator=source)
    alpha_bar = torch.tensor([0.999, 0.5, 0.1, 0.01], dtype=torch.float64)[:, None, None, None]
    x_t = gaussian.q_sample(x_0, alpha_bar, noise)
    torch.testing.assert_close(gaussian.predict_x_0(x_t, noise, alpha_bar), x_0, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("earlier", "later"), [(0.49, 0.50), (0.98, 0.99)])
def test_renoised_marginal_has_the_variance_of_its_level(earlier, later):
    source = torch.Generator().manual_seed(0)
    noise_s, noise_t = torch.randn(2, 400_000, generator=source)
    time = torch.tensor([earlier, later], dtype=torch.float64)
    alpha_bar_s, alpha_bar_t = continuous_alpha_bar("cosine", time)
    x_s = gaussian.q_sample(torch.zeros_like(noise_s), alpha_bar_s, noise_s)
    x_t = gaussian.renoise(x_s, alpha_bar_s, alpha_bar_t, noise_t)
    # The standard error of a variance of n normals is sqrt(2 / n) of it: 0.2 %.
    assert float(x_t.var()) == pytest.approx(float(1 - alpha_bar_t), rel=0.01)


def test_dynamic_threshold_follows_numpy_percentiles_per_sample():
    import numpy as np

    x_0 = torch.randn(3, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    x_0 *= torch.tensor([0.1, 1.0, 30.0])[:, None, None, None]
    result = gaussian.dynamic_threshold(x_0)
    torch.testing.assert_close(result[0], x_0[0])  # within [-1, 1]: untouched
    for before, after in zip(x_0.numpy(), result.numpy(), strict=True):
        limit = max(1.0, np.percentile(np.abs(before), 95))
        np.testing.assert_allclose(after, np.clip(before, -limit, limit) / limit, atol=1e-6)


def test_kl_equals_the_integral():
    def integrand(x):
        log_p, log_q = stats.norm.logpdf(x, 0.3, 0.5), stats.norm.logpdf(x, -0.2, 1.5)
        return math.exp(log_p) * (log_p - log_q)

    expected, _ = integrate.quad(integrand, -6, 6)
    ours = gaussian.kl(scalar(0.3), scalar(0.25), scalar(-0.2), scalar(2.25))
    assert float(ours) == pytest.approx(expected, rel=1e-8)
    assert float(gaussian.kl(scalar(0.3), scalar(0.25), scalar(0.3), scalar(0.25))) == 0.0


@pytest.mark.parametrize("mean", [-1.3, 0.0, 0.4, 0.999])
def test_grey_levels_share_all_the_mass(mean):
    levels = torch.arange(256, dtype=torch.float64) / 127.5 - 1.0  # (256,)
    nll = gaussian.discretized_nll(levels, torch.full_like(levels, mean), scalar(0.02**2))
    assert float((-nll).exp().sum()) == pytest.approx(1.0, abs=1e-12)


def test_grey_level_likelihood_equals_scipy_in_the_tail():
    ours = gaussian.discretized_nll(scalar(0.0), scalar(0.3), scalar(0.02**2))
    edges = (torch.tensor([-0.5, 0.5]) / 127.5).tolist()
    mass = stats.norm.cdf(edges[1], 0.3, 0.02) - stats.norm.cdf(edges[0], 0.3, 0.02)
    assert float(ours) == pytest.approx(-math.log(mass), rel=1e-6)
