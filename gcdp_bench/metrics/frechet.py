"""Fréchet distance of two sets of features (Heusel et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.floating]


@dataclass(frozen=True)
class FrechetDistance:
    """|m1 - m2|^2 and Tr(S1 + S2 - 2 (S1 S2)^(1/2)), apart."""

    mean_term: float
    covariance_term: float

    @property
    def total(self) -> float:
        """The distance (squared, as the field reports it)."""
        return self.mean_term + self.covariance_term


def frechet_distance(x: Features, y: Features) -> FrechetDistance:
    """Distance between Gaussians fitted to two sets, in float64, covariances with ddof = 1.

    With fewer samples than features the trace of the square root is the nuclear norm of the
    product of the centred sets, and no D x D matrix is made; otherwise it comes from symmetric
    eigenvalues. Both are exact; neither takes a matrix square root of a non-symmetric matrix.

    Args:
        x: (N, D), N >= 2.
        y: (M, D), M >= 2.

    Raises:
        ValueError: shapes do not fit, fewer than two samples, or a value is not finite.
    """
    x, y = (np.asarray(a, np.float64) for a in (x, y))
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"expected features (N, D) and (M, D), got {x.shape} and {y.shape}")
    if min(len(x), len(y)) < 2:
        raise ValueError(f"expected at least 2 samples on each side, got {len(x)} and {len(y)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("expected finite features; got NaN or infinity")
    mean_x, mean_y = x.mean(0), y.mean(0)
    x, y = x - mean_x, y - mean_y
    traces = (x**2).sum() / (len(x) - 1) + (y**2).sum() / (len(y) - 1)
    short = min(len(x), len(y)) < x.shape[1]
    root = _trace_root_nuclear(x, y) if short else _trace_root_eigen(x, y)
    return FrechetDistance(float(((mean_x - mean_y) ** 2).sum()), float(traces - 2.0 * root))


def _trace_root_nuclear(x: Features, y: Features) -> float:
    """Tr (S1 S2)^(1/2) = ||X Y^T||_* / sqrt((N - 1)(M - 1)) for centred sets."""
    singular = np.linalg.svd(x @ y.T, compute_uv=False)  # (min(N, M),)
    return float(singular.sum() / np.sqrt((len(x) - 1) * (len(y) - 1)))


def _trace_root_eigen(x: Features, y: Features) -> float:
    """Tr (S1 S2)^(1/2) = sum of sqrt(eig(S1^(1/2) S2 S1^(1/2)))."""
    covariance_x, covariance_y = x.T @ x / (len(x) - 1), y.T @ y / (len(y) - 1)  # (D, D)
    values, vectors = np.linalg.eigh(covariance_x)
    root_x = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T  # (D, D)
    inner = np.linalg.eigvalsh(root_x @ covariance_y @ root_x)  # (D,)
    return float(np.sqrt(np.clip(inner, 0, None)).sum())
