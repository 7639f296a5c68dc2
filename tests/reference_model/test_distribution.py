import itertools
import math

import pytest
import torch
from scipy import integrate, stats

from reference_model.distribution import GaussianCategorical

NUM_LABELS, NUM_CLASSES = 2, 3
STATES = list(itertools.product(range(NUM_CLASSES), repeat=NUM_LABELS))


def random_distribution(seed: int, *, per_state: bool, width: int = 1) -> GaussianCategorical:
    source = torch.Generator().manual_seed(seed)
    num_states = len(STATES) if per_state else 1
    mean = torch.randn(1, num_states, width, generator=source, dtype=torch.float64)
    variance = torch.rand(1, num_states, width, generator=source, dtype=torch.float64) + 0.2
    logits = torch.randn(1, NUM_LABELS, NUM_CLASSES, generator=source, dtype=torch.float64)
    return GaussianCategorical(mean, variance, logits.log_softmax(2))


def density(distribution: GaussianCategorical, x: float, y: tuple[int, ...]) -> float:
    """Eq. (8) written out for N = 1."""
    state = STATES.index(y) if distribution.mean.shape[1] > 1 else 0
    theta = distribution.log_theta[0].exp()
    weight = math.prod(float(theta[i, label]) for i, label in enumerate(y))
    scale = math.sqrt(float(distribution.variance[0, state, 0]))
    return weight * float(stats.norm.pdf(x, float(distribution.mean[0, state, 0]), scale))


@pytest.mark.parametrize("per_state", [True, False])
def test_density_integrates_to_one(per_state):
    distribution = random_distribution(1, per_state=per_state)
    total = sum(
        integrate.quad(lambda x, y=y: density(distribution, x, y), -9, 9)[0] for y in STATES
    )
    assert total == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("per_state", [(True, True), (True, False), (False, True), (False, False)])
def test_kl_equals_the_sum_of_integrals(per_state):
    p, q = (random_distribution(i, per_state=each) for i, each in enumerate(per_state))

    def integrand(x: float, y: tuple[int, ...]) -> float:
        return density(p, x, y) * math.log(density(p, x, y) / density(q, x, y))

    expected = sum(integrate.quad(integrand, -8, 8, args=(y,))[0] for y in STATES)
    assert float(p.kl(q)) == pytest.approx(expected, rel=1e-6)
    assert float(p.kl(p)) == pytest.approx(0.0, abs=1e-14)


def test_kl_ignores_classes_of_probability_zero_and_is_infinite_where_only_q_has_none():
    some = random_distribution(0, per_state=False)
    never = some.log_theta.clone()
    never[:, :, 0] = -torch.inf
    restricted = GaussianCategorical(some.mean, some.variance, never.log_softmax(2))
    kept = restricted.log_theta.exp()[0]
    expected = sum(stats.entropy(kept[i], some.log_theta.exp()[0, i]) for i in range(NUM_LABELS))
    assert float(restricted.kl(some)) == pytest.approx(expected)
    assert float(some.kl(restricted)) == math.inf


@pytest.mark.parametrize("per_state", [True, False])
def test_samples_have_the_states_and_moments_of_the_distribution(per_state):
    count = 50_000
    one = random_distribution(3, per_state=per_state)
    distribution = GaussianCategorical(
        one.mean.expand(count, -1, -1),
        one.variance.expand(count, -1, -1),
        one.log_theta.expand(count, -1, -1),
    )
    source = torch.Generator().manual_seed(0)
    normal = torch.randn(count, 1, generator=source, dtype=torch.float64)
    uniform = torch.rand(count, NUM_LABELS, generator=source, dtype=torch.float64)
    x, y = distribution.sample(normal, uniform)
    state = y[:, 0] * NUM_CLASSES + y[:, 1]
    theta = one.log_theta[0].exp()
    expected = (theta[0][:, None] * theta[1][None]).flatten() * count
    observed = torch.bincount(state, minlength=len(STATES))
    assert stats.chisquare(observed, expected).pvalue > 1e-3
    standard = (x - one.mean[0, state if per_state else 0]) / one.variance[
        0, state if per_state else 0
    ].sqrt()
    torch.testing.assert_close(standard, normal)


def test_shapes_that_do_not_fit_are_refused():
    fine = random_distribution(0, per_state=True)
    with pytest.raises(ValueError, match=r"S = 1 or K\^M = 3\^2"):
        GaussianCategorical(fine.mean[:, :4], fine.variance[:, :4], fine.log_theta)
    with pytest.raises((ValueError, TypeError), match="variance"):  # TypeError: shapes checked
        GaussianCategorical(fine.mean, fine.variance[:, :1], fine.log_theta)
