"""Fréchet distances of random halves of two sets.

The nuclear norm of C is the trace of (C C^T)^(1/2): the square roots of the eigenvalues of the
smaller Gram matrix. Squaring costs half of the digits in directions of no variance, which an
interval does not see.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.metrics.feature_sets import Array

NUM_HALVES = 200
NUM_COSTLY_HALVES = 50
COSTLY = 1e9
"""Multiply-adds of one pair of halves above which `NUM_COSTLY_HALVES` are drawn."""

AT_ONCE = 2**18
"""Values of one side whose halves are computed together."""

Paths = NDArray[np.int64]


def num_halves(num: int, other: int, width: int) -> int:
    """200, or 50 where one pair of halves takes more than 1e9 multiply-adds.

    Args:
        num: N, rows of one side.
        other: M, rows of the other.
        width: D, features.
    """
    return NUM_COSTLY_HALVES if multiply_adds(num, other, width) > COSTLY else NUM_HALVES


def multiply_adds(num: int, other: int, width: int) -> float:
    """Of one pair of halves, see `num_halves`."""
    half, other_half = num / 2, other / 2
    if is_wide(num, other, width):
        return half * other_half * min(half, other_half)
    return (half + other_half) * width**2


def halved_terms(x: Array, y: Array, num: int, *, seed: int = 0) -> tuple[Array, Array]:
    """Mean term and covariance term of the distance for `num` halves of both sides, (num,) each.

    The halves come in pairs that have no sample in common: distances 0 and 1 are of a split of x
    and a split of y, and so on.

    Args:
        x: float64 (N, D), N >= 4.
        y: float64 (M, D), M >= 4.
        num: even.
        seed: of the splits; the sides are split independently, and alike for equal N (M).
    """
    centre = y.mean(0)
    x, y = x - centre, y - centre  # keeps the traces below free of cancellation
    cross = x @ y.T if is_wide(len(x), len(y), x.shape[1]) else None  # (N, M)
    splits = list(
        zip(halves(len(x), num, 2 * seed), halves(len(y), num, 2 * seed + 1), strict=True)
    )
    terms = np.empty((num, 2))
    together = max(1, AT_ONCE // max(x.size, y.size, 0 if cross is None else cross.size))
    for first in (0, 1):  # first and second halves of an odd number of rows differ in size
        for start in range(first, num, 2 * together):
            chosen = slice(start, start + 2 * together, 2)
            rows, columns = map(np.stack, zip(*splits[chosen], strict=True))  # (R, n), (R, m)
            products = None if cross is None else cross[rows[:, :, None], columns[:, None]]
            terms[chosen] = np.stack(terms_of_rows(x[rows], y[columns], products), -1)
    return terms[:, 0], terms[:, 1]


def terms_of_rows(a: Array, b: Array, products: Array | None) -> tuple[Array, Array]:
    """Mean term and covariance term of the distance of two sets near 0, (...,) each.

    Args:
        a: (..., n, D).
        b: (..., m, D).
        products: a b^T, which is overwritten, where that is smaller than (D, D).
    """
    mean_a, mean_b = a.mean(-2), b.mean(-2)
    a, b = a - mean_a[..., None, :], b - mean_b[..., None, :]
    gram = _gram_of_features(a, b) if products is None else _gram_of_products(products)
    root = np.sqrt(np.clip(np.linalg.eigvalsh(gram), 0.0, None)).sum(-1)
    num, other = a.shape[-2] - 1, b.shape[-2] - 1
    traces = (a**2).sum((-2, -1)) / num + (b**2).sum((-2, -1)) / other
    return ((mean_a - mean_b) ** 2).sum(-1), traces - 2.0 * root / math.sqrt(num * other)


def halves(size: int, num: int, seed: int) -> Iterator[Paths]:
    """Both parts of `num` / 2 random splits of `size` rows into halves."""
    rng = np.random.default_rng(seed)
    for _ in range(num // 2):
        order = rng.permutation(size)
        yield order[: size // 2]
        yield order[size // 2 :]


def is_wide(num: int, other: int, width: int) -> bool:
    """Whether a half has fewer rows than features."""
    return min(num, other) <= 2 * width


def _gram_of_features(a: Array, b: Array) -> Array:
    """(A B^T)(A B^T)^T up to a rotation, (..., D, D), from the Cholesky factor of A^T A.

    A term of the order of rounding is added to the diagonal: a factor exists where A is singular.
    """
    products = a.mT @ a
    number = np.finfo(np.float64)
    width = products.shape[-1]
    traces = products.trace(axis1=-2, axis2=-1)
    rounding = 4.0 * width * number.eps * traces + number.tiny
    products += rounding[..., None, None] * np.eye(width)
    factor = np.linalg.cholesky(products)
    return factor.mT @ (b.mT @ b) @ factor


def _gram_of_products(products: Array) -> Array:
    """The same from X Y^T alone, min(n, m) square: its rows and columns are centred."""
    products -= products.mean(-1, keepdims=True)
    products -= products.mean(-2, keepdims=True)
    few_rows = products.shape[-2] <= products.shape[-1]
    return products @ products.mT if few_rows else products.mT @ products
