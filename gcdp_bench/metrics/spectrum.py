"""Spectrum of a set of features: its triangular factor and effective rank."""

from __future__ import annotations

import math

import numpy as np

from gcdp_bench.metrics.feature_sets import Array, Features

PANEL = 128
"""Columns that are factorised at once; from as many on this is faster than numpy's QR."""


def effective_rank(x: Features) -> float:
    """exp of the entropy of the shares of the covariance's eigenvalues (Roy & Vetterli 2007).

    1 where all variance is in one direction, D where it is equal in all; at most N - 1, so that few
    samples show too little of it. NaN where nothing varies.

    Args:
        x: (N, D), finite.
    """
    rows = np.asarray(x, np.float64) - np.mean(x, 0, dtype=np.float64)
    return rank_of_gram(rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows)


def rank_of_gram(gram: Array) -> float:
    """The same of the sums of products of rows around 0, X^T X or X X^T."""
    shares = np.clip(np.linalg.eigvalsh(gram), 0.0, None)
    if shares.sum() == 0.0:
        return math.nan
    shares = shares[shares > 0.0] / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def shortened(rows: Array) -> Array:
    """At most D rows with the same sums of squares and products: R of QR, as R^T R = X^T X."""
    width = rows.shape[1]
    if len(rows) <= width:
        return rows
    if width < PANEL:
        return np.asarray(np.linalg.qr(rows, mode="r"))  # (D, D)
    from scipy.linalg.lapack import dgeqrt  # type: ignore[attr-defined]  # half a second to load

    factors, _, info = dgeqrt(PANEL, rows)
    assert info == 0, info
    return np.triu(factors[:width])  # (D, D)
