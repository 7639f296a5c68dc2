"""Bias and error of the Fréchet distance from the influence of each sample and three halves.

Halves that cost seconds each are too many where 50 of them are needed. The difference of both parts
of a split is, to second order, linear in the samples, and its mean square over splits is known
without drawing any: it is the variance of the influence function. Halves are needed for the bias
alone, and three suffice once the linear part, which is known as well, is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from gcdp_bench.metrics.feature_sets import Array
from gcdp_bench.metrics.frechet_halves import halves, is_wide, multiply_adds, terms_of_rows
from gcdp_bench.metrics.spectrum import rank_of_gram, shortened

NUM_HALVES = 3
COSTLY = 5e9
"""Multiply-adds of one pair of halves above which this is done instead of `halved_terms`."""

SMALLEST_PIVOT = 1e-5
SMALLEST_VALUE = 1e-7
"""Relative to the largest one: from these on the squares have digits enough."""


@dataclass(frozen=True)
class Expansion:
    """A distance of N and M rows to second order: mean term and covariance term."""

    values: Array  # v, (2,)
    of_x: Array  # influence f of each sample, of mean 0, (N, 2)
    of_y: Array  # g, (M, 2)
    biases: Array  # b of the halves, (R, 2)
    ranks: tuple[float, float]  # effective, of both sides

    def minus(self, other: Expansion) -> Expansion:
        """Difference of two distances whose samples are drawn, and split, in pairs."""
        rank = max(*self.ranks, *other.ranks)
        return Expansion(
            self.values - other.values,
            self.of_x - other.of_x,
            self.of_y - other.of_y,
            self.biases - other.biases,
            (rank, rank),
        )


@dataclass(frozen=True)
class Estimates:
    """Of total, mean term and covariance term, (3,) each."""

    values: Array
    corrected: Array
    errors: Array
    ranks: tuple[float, float]  # effective, of both sides


def is_costly(num: int, other: int, width: int) -> bool:
    """Whether halves of N and M rows of D features are too costly for 50 of them."""
    return multiply_adds(num, other, width) > COSTLY


def estimates(expansion: Expansion) -> Estimates:
    """Values, corrected values and standard errors.

        corrected = v - mean b,    e^2 = var f / N + var g / M + var b / R.

    Where nothing differs, b is all there is in v too, and var f and var g make e too large by
    sqrt(2), as with halves.
    """
    biases, values = expansion.biases, expansion.values
    variances = _with_total(biases).var(0, ddof=1) / len(biases)  # (3,)
    for part in (expansion.of_x, expansion.of_y):
        variances += _with_total(part).var(0, ddof=1) / len(part)
    return Estimates(
        _with_total(values),
        _with_total(values - biases.mean(0)),
        np.sqrt(variances),
        expansion.ranks,
    )


def expanded(x: Array, y: Array, *, num: int = NUM_HALVES, seed: int = 0) -> Expansion:
    """The distance, the influence of each sample, and what halves show of the second order:

        b = h - mean of f over its rows - mean of g over its rows - v

    for a half h. h - v has the bias of v as its mean and the error of v as its spread; without the
    linear part a spread of the second order remains.

    Args:
        x: float64 (N, D), N >= 4.
        y: float64 (M, D), M >= 4.
        num: R, halves of each side, 2 or more.
        seed: of the halves.
    """
    centre = y.mean(0)
    x, y = x - centre, y - centre
    mean_x = x.mean(0)
    a = x - mean_x
    (short_x, rank_x), (short_y, rank_y) = _factor_and_rank(a), _factor_and_rank(y)
    left, singular, right = _decomposed(short_x @ short_y.T)
    scale = 1.0 / np.sqrt((len(x) - 1.0) * (len(y) - 1.0))
    traces = (a**2).sum() / (len(x) - 1) + (y**2).sum() / (len(y) - 1)
    values = np.array([(mean_x**2).sum(), traces - 2.0 * scale * singular.sum()])
    of_x = influences(a, mean_x, short_y.T @ right.T, singular, scale)  # (N, 2)
    of_y = influences(y, -mean_x, short_x.T @ left, singular, scale)  # (M, 2)
    biases = np.array(
        [
            terms - of_x[rows].mean(0) - of_y[columns].mean(0) - values
            for rows, columns, terms in _halves_of(x, y, num, seed)
        ]
    )  # (R, 2)
    return Expansion(values, of_x, of_y, biases, (rank_x, rank_y))


def averaged(expansions: Sequence[Expansion]) -> Expansion:
    """Of the mean of distances whose samples are drawn together: those of several seeds."""

    def mean(part: Callable[[Expansion], Array]) -> Array:
        return np.mean([part(one) for one in expansions], axis=0)

    return Expansion(
        mean(lambda one: one.values),
        mean(lambda one: one.of_x),
        mean(lambda one: one.of_y),
        mean(lambda one: one.biases),
        (max(one.ranks[0] for one in expansions), max(one.ranks[1] for one in expansions)),
    )


def influences(
    rows: Array, difference: Array, directions: Array, singular: Array, scale: float
) -> Array:
    """Derivatives of mean term and covariance term by the share of each sample, (N, 2), of mean 0.

    With C = A B^T = U s V^T of the centred sets, the nuclear norm changes with the weight of row i
    of A by sum_k s_k U_ik^2 / 2, and s_k U_ik is (A B^T V)_ik: no inverse is needed.

    Args:
        rows: A, centred, (N, D).
        difference: of the means, this side's less the other's, (D,).
        directions: B^T V, (D, K).
        singular: s, (K,).
        scale: of the nuclear norm.
    """
    kept = singular > max(rows.shape) * np.finfo(np.float64).eps * singular.max()
    projected = rows @ (directions[:, kept] / np.sqrt(singular[kept]))  # (N, K)
    root = scale * len(rows) * np.einsum("ij,ij->i", projected, projected)  # (N,)
    covariance = len(rows) / (len(rows) - 1.0) * np.einsum("ij,ij->i", rows, rows) - root
    return np.stack([2.0 * (rows @ difference), covariance - covariance.mean()], 1)


def _factor_and_rank(rows: Array) -> tuple[Array, float]:
    """R with R^T R = X^T X, and the effective rank of centred rows X.

    The Cholesky factor of X^T X takes a third of the time of QR. It is used where its diagonal says
    that the nuclear norm has 11 digits with it.
    """
    if len(rows) <= rows.shape[1]:
        return rows, rank_of_gram(rows @ rows.T)
    gram = rows.T @ rows  # (D, D)
    rank = rank_of_gram(gram)
    try:
        factor = np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        return shortened(rows), rank
    diagonal = factor.diagonal()
    if diagonal.min() > SMALLEST_PIVOT * diagonal.max():
        return np.asarray(factor.T, np.float64), rank
    return shortened(rows), rank


def _decomposed(matrix: Array) -> tuple[Array, Array, Array]:
    """U, s, V^T of a singular value decomposition.

    From the eigenvectors U of C C^T, s being the lengths of the rows of U^T C, in half of the time;
    where small values would suffer, from C.
    """
    if len(matrix) <= matrix.shape[1]:
        left = np.linalg.eigh(matrix @ matrix.T)[1][:, ::-1]
        projected = left.T @ matrix
        singular = np.sqrt((projected**2).sum(1))
        if singular.min() > SMALLEST_VALUE * singular.max():
            return left, singular, projected / singular[:, None]
    return np.linalg.svd(matrix, full_matrices=False)


def _halves_of(
    x: Array, y: Array, num: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray, tuple[Array, Array]]]:
    """Rows of the first parts of `num` splits of both sides, and the terms of their distance."""
    parts = zip(
        halves(len(x), 2 * num, 2 * seed), halves(len(y), 2 * num, 2 * seed + 1), strict=True
    )
    wide = is_wide(len(x), len(y), x.shape[1])
    for rows, columns in islice(parts, None, None, 2):
        a, b = x[rows], y[columns]
        yield rows, columns, terms_of_rows(a, b, a @ b.T if wide else None)


def _with_total(terms: Array) -> Array:
    """(..., 3): their sum before the two terms of (..., 2)."""
    return np.concatenate([terms.sum(-1, keepdims=True), terms], -1)
