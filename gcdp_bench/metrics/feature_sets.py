"""Two sets of features: the check that every distance starts with, and pairwise distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.floating]
Array = NDArray[np.float64]


def checked_pair(x: Features, y: Features) -> tuple[Array, Array]:
    """Both sets as float64.

    Args:
        x: (N, D).
        y: (M, D).

    Raises:
        ValueError: shapes do not fit, or a value is not finite.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"expected features (N, D) and (M, D), got {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("expected finite features; got NaN or infinity, look at the extractor")
    return x, y


def squared_distances(a: Array, b: Array) -> Array:
    """|a - b|^2 of every pair, (N, M), as |a|^2 + |b|^2 - 2 a . b; rounding cut at zero."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2.0 * (a @ b.T)  # (N, M)
    return np.maximum(squares, 0.0)
