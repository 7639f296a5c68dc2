"""Fréchet distances of bootstrap resamples, without ever copying a resample.

A resample is the set's distinct rows with multiplicities w: with rows sqrt(w_i) (x_i - mean_w) its
covariance is that of the drawn rows. About 63 % of the rows are distinct, which makes every matrix
smaller, and the nuclear norm of C is the trace of (C C^T)^(1/2), the square roots of the
eigenvalues of the smaller Gram matrix. Squaring costs half of the digits in directions of no
variance, which an interval does not see.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.metrics.feature_sets import Array
from gcdp_bench.metrics.intervals import resample_counts

NUM_RESAMPLES = 200
NUM_COSTLY_RESAMPLES = 50
COSTLY = 2e9
"""Multiply-adds of one resample above which `NUM_COSTLY_RESAMPLES` are drawn."""

DISTINCT = 1.0 - math.exp(-1.0)
"""Expected share of distinct rows in a resample."""


def num_resamples(num: int, other: int, width: int) -> int:
    """200, or 50 where one resample takes more than 2e9 multiply-adds.

    Args:
        num: N, rows of one side.
        other: M, rows of the other.
        width: D, features.
    """
    distinct, others = DISTINCT * num, DISTINCT * other
    if _is_wide(num, other, width):
        cost = distinct * others * min(distinct, others)
    else:
        cost = (distinct + others) * width**2
    return NUM_COSTLY_RESAMPLES if cost > COSTLY else NUM_RESAMPLES


def resampled_terms(x: Array, y: Array, num: int, *, seed: int = 0) -> tuple[Array, Array]:
    """Mean term and covariance term of the distance for `num` resamples of both sides, (R,) each.

    Args:
        x: float64 (N, D), N >= 2.
        y: float64 (M, D), M >= 2.
        num: R.
        seed: of the draws; the sides are drawn independently.
    """
    centre = y.mean(0)
    x, y = x - centre, y - centre  # keeps the traces below free of cancellation
    counts_x = resample_counts(len(x), num, 2 * seed)  # (R, N)
    counts_y = resample_counts(len(y), num, 2 * seed + 1)  # (R, M)
    means_x, means_y = counts_x @ x / len(x), counts_y @ y / len(y)  # (R, D)
    mean_terms = ((means_x - means_y) ** 2).sum(1)
    traces = _traces(x, counts_x, means_x) + _traces(y, counts_y, means_y)
    roots = np.empty(num)
    cross = x @ y.T if _is_wide(len(x), len(y), x.shape[1]) else None  # (N, M)
    for index, (w, v) in enumerate(zip(counts_x, counts_y, strict=True)):
        if cross is None:
            gram = _gram_of_features(_rows(x, w, means_x[index]), _rows(y, v, means_y[index]))
        else:
            gram = _gram_of_products(cross, w, v)
        roots[index] = np.sqrt(np.clip(np.linalg.eigvalsh(gram), 0.0, None)).sum()
    roots /= math.sqrt((len(x) - 1) * (len(y) - 1))
    return mean_terms, traces - 2.0 * roots


def shortened(rows: Array) -> Array:
    """At most D rows with the same sums of squares and products: R of QR, as R^T R = X^T X."""
    if len(rows) <= rows.shape[1]:
        return rows
    return np.asarray(np.linalg.qr(rows, mode="r"))  # (D, D)


def _is_wide(num: int, other: int, width: int) -> bool:
    """Whether a resample has fewer distinct rows than features."""
    return DISTINCT * min(num, other) <= width


def _traces(x: Array, counts: NDArray[np.int32], means: Array) -> Array:
    """Trace of the covariance (ddof = 1) of each resample, (R,)."""
    squares = counts @ (x**2).sum(1) - len(x) * (means**2).sum(1)
    return squares / (len(x) - 1)


def _rows(x: Array, counts: NDArray[np.int32], mean: Array) -> Array:
    """sqrt(w_i) (x_i - mean_w) of the rows drawn, (n, D)."""
    drawn = np.flatnonzero(counts)
    return np.sqrt(counts[drawn])[:, None] * (x[drawn] - mean)


def _gram_of_features(a: Array, b: Array) -> Array:
    """(A B^T)(A B^T)^T up to a rotation, min(n, D) square, from the triangular factor of A."""
    factor = shortened(a)  # (min(n, D), D)
    return factor @ (b.T @ b) @ factor.T


def _gram_of_products(cross: Array, w: NDArray[np.int32], v: NDArray[np.int32]) -> Array:
    """The same from X Y^T alone, min(n, m) square: its rows and columns are centred and weighted.

    (x_i - mean_w) . (y_j - mean_v) = K_ij - K_i. v / M - w K_.j / N + w K v / (N M).
    """
    rows, columns = np.flatnonzero(w), np.flatnonzero(v)
    w, v = w[rows], v[columns]
    products = cross[np.ix_(rows, columns)]  # (n, m)
    of_row, of_column = products @ v / v.sum(), w @ products / w.sum()
    products += w @ of_row / w.sum() - of_row[:, None] - of_column
    products *= np.sqrt(w)[:, None]
    products *= np.sqrt(v)
    return products @ products.T if len(rows) <= len(columns) else products.T @ products
