"""Golden numbers of Fréchet distances, of their noise floor and their intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gcdp_bench.diagnostics.verify.check import Check
from gcdp_bench.metrics.frechet import (
    expected_distance_of_equals,
    frechet_distance,
    frechet_intervals,
)
from gcdp_bench.metrics.segmentation_distance import area_percent, fsd_values

Array = NDArray[np.float64]

COVERAGE_TRIALS = 60
FLOOR_TRIALS = 40


def distance_checks() -> list[Check]:
    """Closed forms first, then numbers of other programs, then simulations."""
    return [
        Check(
            name="Fréchet, N(1, 4) and N(4, 9)",
            source="(m1 - m2)^2 + (s1 - s2)^2",
            expected=10.0,
            tolerance=1e-9,
            compute=lambda: _of_moments([1.0], [[4.0]], [4.0], [[9.0]]),
        ),
        Check(
            name="Fréchet, commuting covariances",
            source="|m1 - m2|^2 + sum (sqrt a - sqrt b)^2",
            expected=17.0,
            tolerance=1e-9,
            compute=lambda: _of_moments(
                [0, 0, 0], np.diag([1.0, 4, 9]), [1, 2, 3], np.diag([4.0, 9, 16])
            ),
        ),
        Check(
            name="Fréchet, equal covariances, means 0 and 1 in 2048 dimensions",
            source="|m1 - m2|^2; test of pytorch-fid",
            expected=2048.0,
            tolerance=1e-6,
            compute=shifted_set,
        ),
        Check(
            name="Fréchet, two dimensions, not commuting",
            source="41 - 2 sqrt(35 + 2 sqrt 80)",
            expected=41 - 2 * math.sqrt(35 + 2 * math.sqrt(80)),
            tolerance=1e-9,
            compute=lambda: _of_moments([2, 3], np.diag([1.0, 4]), [5, 7], [[3, 2], [2, 8]]),
        ),
        Check(
            name="Fréchet, RandomState(0), randn(50, 8) and randn(40, 8) + 0.5",
            source="torch-fidelity 0.4.0 and torchmetrics 1.9.0",
            expected=2.3931858710839826,
            tolerance=1e-10,
            compute=lambda: frechet_distance(*random_pair()).total,
        ),
        Check(
            name="Fréchet, RandomState(1), two singular randn(4, 4)",
            source="torch-fidelity 0.4.0; an eigenvalue is -5e-17, its real root NaN",
            expected=4.75383762,
            tolerance=1e-6,
            compute=singular_pair,
        ),
        Check(
            name="Fréchet by nuclear norm - by eigenvalues of S1 S2, relative",
            source="two formulas for Tr (S1 S2)^(1/2), N = 60 < D = 200",
            expected=0.0,
            tolerance=1e-5,
            compute=route_gap,
        ),
        Check(
            name="FSD, all class 0 and all class 1",
            source="2 * 100^2: percent scale of davidbau/ganseeing",
            expected=20000.0,
            tolerance=1e-9,
            compute=lambda: _fsd([[100, 0]] * 4, [[0, 100]] * 4),
        ),
        Check(
            name="FSD, {100, 0} {0, 100} by turns (N = 10) and constant {50, 50}",
            source="trace of the covariance, ddof 1: 2 * 25000 / 9",
            expected=50000 / 9,
            tolerance=1e-9,
            compute=lambda: _fsd([[100, 0], [0, 100]] * 5, [[50, 50]] * 10),
        ),
        Check(
            name="FSD in percent / FSD in shares",
            source="valeoai/SemanticPalette logs both: 100^2",
            expected=1e4,
            tolerance=1e-6,
            compute=lambda: _fsd_ratio(1 / 100),
        ),
        Check(
            name="FSD of pixel counts at 256x512 / FSD in percent",
            source="(256 * 512 / 100)^2",
            expected=1_717_986.9184,
            tolerance=1e-3,
            compute=lambda: 1 / _fsd_ratio(256 * 512 / 100),
        ),
        Check(
            name="noise floor, one dimension, variance 4, 500 and 2975 samples",
            source="1.5 variance (1/n + 1/m)",
            expected=6 * (1 / 500 + 1 / 2975),
            tolerance=1e-12,
            compute=lambda: expected_distance_of_equals(np.array([4.0]), 500, 2975),
        ),
        Check(
            name="noise floor simulated / by formula, 20 dimensions, N = M = 500",
            source=f"{FLOOR_TRIALS} pairs of samples of one Gaussian; 15 % allowed",
            expected=1.0,
            tolerance=0.15,
            compute=floor_ratio,
        ),
        Check(
            name="Fréchet, default_rng(0), two samples of N(0, I), 500 x 2048",
            source="the worst case of a noise floor of FID (real against real)",
            expected=2425.04,
            tolerance=0.01,
            compute=worst_case_floor,
        ),
        Check(
            name="share of 95 % intervals of a Fréchet distance that cover it",
            source=f"{COVERAGE_TRIALS} pairs, 6 dimensions; 90 to 99 % allowed",
            expected=0.945,
            tolerance=0.045,
            compute=coverage,
        ),
    ]


def random_pair() -> tuple[Array, Array]:
    """The features that torch-fidelity and torchmetrics were asked about."""
    state = np.random.RandomState(0)
    return state.randn(50, 8), state.randn(40, 8) + 0.5


def singular_pair() -> float:
    """Distance of two sets of as many points as dimensions."""
    state = np.random.RandomState(1)
    return frechet_distance(state.randn(4, 4), state.randn(4, 4)).total


def shifted_set() -> float:
    """Distance of a set and the same set moved by 1 along every axis."""
    x = np.random.default_rng(0).standard_normal((20, 2048))
    return frechet_distance(x, x + 1.0).total


def route_gap() -> float:
    """Relative difference of the distance and of the textbook's eigenvalue formula."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 200)), 1.2 * rng.standard_normal((60, 200)) + 0.3
    covariances = np.cov(x.T), np.cov(y.T)
    root = np.sqrt(np.clip(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0, None)).sum()
    traces = np.trace(covariances[0]) + np.trace(covariances[1])
    textbook = ((x.mean(0) - y.mean(0)) ** 2).sum() + traces - 2 * root
    return float(abs(frechet_distance(x, y).total - textbook) / textbook)


def floor_ratio() -> float:
    """Mean distance of two samples of one Gaussian over what is expected."""
    rng = np.random.default_rng(0)
    eigenvalues = 0.8 ** np.arange(20)  # (D,)
    scale = np.sqrt(eigenvalues)
    distances = [
        frechet_distance(
            scale * rng.standard_normal((500, 20)), scale * rng.standard_normal((500, 20))
        ).total
        for _ in range(FLOOR_TRIALS)
    ]
    return float(np.mean(distances)) / expected_distance_of_equals(eigenvalues, 500, 500)


def worst_case_floor() -> float:
    """Distance of two samples of white noise of Inception's width."""
    rng = np.random.default_rng(0)
    return frechet_distance(
        rng.standard_normal((500, 2048)), rng.standard_normal((500, 2048))
    ).total


def coverage() -> float:
    """Share of the intervals that hold the distance of the two populations, sum (1 - s)^2 + |m|^2.

    The populations are N(0, I) and N(0.5, s^2 I) in 6 dimensions, 300 samples of each.
    """
    rng = np.random.default_rng(0)
    scale, shift, dim = 1.4, 0.5, 6
    truth = dim * ((scale - 1) ** 2 + shift**2)
    held = 0
    for _ in range(COVERAGE_TRIALS):
        x = rng.standard_normal((300, dim))
        y = scale * rng.standard_normal((300, dim)) + shift
        total = frechet_intervals(x, y).total
        held += total.low <= truth <= total.high
    return held / COVERAGE_TRIALS


def _of_moments(mean_x: ArrayLike, cov_x: ArrayLike, mean_y: ArrayLike, cov_y: ArrayLike) -> float:
    """Distance of two sets whose means and covariances (ddof 1) are exactly these."""
    return frechet_distance(_exact_set(mean_x, cov_x, 40), _exact_set(mean_y, cov_y, 60)).total


def _exact_set(mean: ArrayLike, covariance: ArrayLike, num: int) -> Array:
    dim = len(np.atleast_1d(np.asarray(mean)))
    noise = np.random.default_rng(0).standard_normal((num, dim))
    noise -= noise.mean(0)
    own = np.linalg.cholesky(np.cov(noise.T).reshape(dim, dim))
    white = np.linalg.solve(own, noise.T).T  # (N, D), covariance exactly I
    return np.asarray(mean, float) + white @ np.linalg.cholesky(np.asarray(covariance, float)).T


def _fsd(counts: ArrayLike, reference: ArrayLike) -> float:
    """FSD of layouts given by the pixels of each class."""
    areas, others = (area_percent(np.asarray(side, np.int64)) for side in (counts, reference))
    return fsd_values(areas, others, "generated")[0].value


def _fsd_ratio(factor: float) -> float:
    """FSD on the percent scale over FSD of areas times `factor`."""
    shares = np.random.default_rng(0).dirichlet(np.full(5, 0.7), size=(2, 30))  # (2, 30, 5)
    counts = np.round(shares * 10_000).astype(np.int64)
    areas, reference = (area_percent(side) for side in counts)
    ours = fsd_values(areas, reference, "generated")[0].value
    return ours / fsd_values(areas * factor, reference * factor, "generated")[0].value
