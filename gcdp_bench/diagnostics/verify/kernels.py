"""Golden numbers of kernel distances, of neighbourhoods and of rank agreement."""

from __future__ import annotations

import math

import numpy as np

from gcdp_bench.diagnostics.verify.check import Check
from gcdp_bench.diagnostics.verify.distances import Array, random_pair
from gcdp_bench.metrics.agreement import kendall_tau
from gcdp_bench.metrics.cmmd import cmmd_values
from gcdp_bench.metrics.kid import kid_values
from gcdp_bench.metrics.memorisation import memorised_values, nearest_training
from gcdp_bench.metrics.prdc import prdc_values


def kernel_checks() -> list[Check]:
    """Numbers of other programs, closed forms, and one simulation."""
    return [
        Check(
            name="KID, RandomState(0), randn(50, 8)[:40] and randn(40, 8) + 0.5",
            source="torch-fidelity 0.4.0 and torchmetrics 1.9.0",
            expected=0.46717054422964166,
            tolerance=1e-12,
            compute=kid_of_random_pair,
        ),
        Check(
            name="CMMD, two unit vectors a right angle apart",
            source="1000 * 2 (1 - exp(-2 / 200)), the vectors twice each",
            expected=2000 * (1 - math.exp(-0.01)),
            tolerance=1e-9,
            compute=lambda: cmmd_values(np.eye(4)[[0, 0]], np.eye(4)[[1, 1]])[0].value,
        ),
        Check(
            name="precision of a collapsed generator",
            source="all samples at one real image: precise",
            expected=1.0,
            tolerance=0.0,
            compute=lambda: _of_collapsed("precision"),
        ),
        Check(
            name="recall of a collapsed generator",
            source="the same: one of 40 real images, hence not varied",
            expected=1 / 40,
            tolerance=1e-12,
            compute=lambda: _of_collapsed("recall"),
        ),
        Check(
            name="Kendall's tau of 1 2 3 4 and 1 3 2 4",
            source="(5 - 1) / 6 pairs",
            expected=2 / 3,
            tolerance=1e-12,
            compute=lambda: kendall_tau(np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4])),
        ),
        Check(
            name="memorised share of copies of training images",
            source="1 - AuthPct of Alaa et al. 2022",
            expected=1.0,
            tolerance=0.0,
            compute=lambda: _memorised(_line(0)[::5], _line(0)),
        ),
        Check(
            name="memorised share of fresh draws on a line",
            source="probability that nearest neighbours are mutual: 2/3",
            expected=2 / 3,
            tolerance=0.02,
            compute=lambda: _memorised(_line(1), _line(0)),
        ),
    ]


def kid_of_random_pair() -> float:
    """KID of sets so small that all of both is the one subset."""
    x, y = random_pair()
    return kid_values("verify", x[:40], y)[0].value


def _of_collapsed(name: str) -> float:
    """Precision or recall of 40 samples that all sit within a hair of one real image."""
    rng = np.random.default_rng(0)
    real = rng.standard_normal((40, 8))
    samples = real[:1] + 1e-6 * rng.standard_normal((40, 8))
    values = {value.metric: value.value for value in prdc_values("verify", samples, real)}
    return values[f"{name}-verify"]


def _line(seed: int) -> Array:
    """Evenly distributed points of a line, (N, 1)."""
    return np.random.default_rng(seed).random((5000, 1))


def _memorised(samples: Array, training: Array) -> float:
    return memorised_values(nearest_training(samples, training))[0].value
