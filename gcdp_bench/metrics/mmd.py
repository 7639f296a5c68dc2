"""Squared maximum mean discrepancy of two sets (Gretton et al. 2012) and its jackknife error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.metrics.feature_sets import Array
from gcdp_bench.metrics.intervals import Interval, normal_quantile, without_interval

Kernel = Callable[[Array, Array], Array]
"""(N, D), (M, D) to (N, M)."""

Rows = NDArray[np.int64]

CHUNK_ROWS = 512


@dataclass(frozen=True)
class KernelSums:
    """Sums of the three kernel matrices for the estimators; the matrices are never kept."""

    within_x: Array  # (N,), sum over j != i of k(x_i, x_j)
    within_y: Array  # (M,)
    across_x: Array  # (N,), sum over j of k(x_i, y_j)
    across_y: Array  # (M,)
    diagonal_x: float  # sum over i of k(x_i, x_i)
    diagonal_y: float

    def unbiased(self) -> float:
        """Eq. (3): pairs of one sample with itself left out; may be negative. N, M >= 2."""
        num, other = len(self.within_x), len(self.within_y)
        within = self.within_x.sum() / (num * (num - 1))
        within += self.within_y.sum() / (other * (other - 1))
        return float(within - 2.0 * self.across_x.sum() / (num * other))

    def biased(self) -> float:
        """Eq. (5): all pairs; never negative, and too large by about E k(x, x) (1/N + 1/M)."""
        num, other = len(self.within_x), len(self.within_y)
        within = (self.within_x.sum() + self.diagonal_x) / num**2
        within += (self.within_y.sum() + self.diagonal_y) / other**2
        return float(within - 2.0 * self.across_x.sum() / (num * other))

    def jackknife_error(self, of_x: int = 0, of_y: int = 0) -> float:
        """Standard error of `unbiased`: each sample of either side is left out once. N, M >= 3.

        sqrt( sum over sides of (n - 1)/n sum_i (U_(-i) - mean)^2 ). Where both sets have one
        distribution and vary in many directions it is too large, by up to sqrt(2), and the interval
        covers more than it says; where they vary in a single direction it covers about 81 %.

        Args:
            of_x: samples of the set of which x is a random part; 0: x is the set.
            of_y: the same of y.
        """
        num, other = len(self.within_x), len(self.within_y)
        variance = _leave_one_out(self.within_x, self.across_x, other) * num / (of_x or num)
        variance += _leave_one_out(self.within_y, self.across_y, num) * other / (of_y or other)
        return math.sqrt(variance)


def kernel_sums(x: Array, y: Array, kernel: Kernel) -> KernelSums:
    """Sums of k(x, x), k(y, y) and k(x, y), a block of rows at a time.

    Args:
        x: float64 (N, D).
        y: float64 (M, D).
        kernel: symmetric.
    """
    return kernel_sums_and_subsets(x, y, kernel, ())[0]


def kernel_sums_and_subsets(
    x: Array, y: Array, kernel: Kernel, subsets: Sequence[tuple[Rows, Rows]]
) -> tuple[KernelSums, Array]:
    """The sums, and `KernelSums.unbiased` of S pairs of subsets, from one pass over the kernel.

    With u the indicator of a subset, its sum of k(x, x) is u^T K u, taken block by block.

    Args:
        x: float64 (N, D).
        y: float64 (M, D).
        kernel: symmetric.
        subsets: S pairs of the rows of x and y that they have, 2 or more each.

    Returns:
        The sums of all samples, and (S,).
    """
    subsets_x = _indicators([rows for rows, _ in subsets], len(x))  # (S, N)
    subsets_y = _indicators([rows for _, rows in subsets], len(y))  # (S, M)
    within_x, diagonal_x, mean_x = _within(x, kernel, subsets_x)
    within_y, diagonal_y, mean_y = _within(y, kernel, subsets_y)
    across_x, across_y = np.empty(len(x)), np.zeros(len(y))
    across = np.zeros(len(subsets_x))
    for start in range(0, len(x), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        block = kernel(x[rows], y)  # (chunk, M)
        across_x[rows] = block.sum(1)
        across_y += block.sum(0)
        across += (subsets_x[:, rows] @ block * subsets_y).sum(1)
    mean_across = across / (subsets_x.sum(1) * subsets_y.sum(1))  # (S,)
    sums = KernelSums(within_x, within_y, across_x, across_y, diagonal_x, diagonal_y)
    return sums, mean_x + mean_y - 2.0 * mean_across


def normal_interval(
    value: float, centre: float, error: float, *, level: float = 0.95, method: str = "jackknife"
) -> Interval:
    """`centre`, the unbiased estimate, plus and minus the normal quantile times a jackknife error.

    No interval where the error is NaN. Nothing is cut at 0: see `intervals.at_least_zero`.
    """
    if math.isnan(error):
        return replace(without_interval(value), corrected=centre)
    half = normal_quantile(level) * error
    return Interval(value, centre - half, centre + half, method, centre)


def _indicators(subsets: Sequence[Rows], num: int) -> Array:
    """1 where a subset has a row, else 0: float64 (S, N)."""
    found = np.zeros((len(subsets), num))
    for line, rows in zip(found, subsets, strict=True):
        line[rows] = 1.0
    return found


def _within(x: Array, kernel: Kernel, subsets: Array) -> tuple[Array, float, Array]:
    """Sums over the others (N,), sum of the diagonal, mean over the pairs of each subset (S,).

    A pair of blocks of rows is made once: the kernel is symmetric.
    """
    sums, diagonal = np.zeros(len(x)), np.empty(len(x))
    of_subsets = np.zeros(len(subsets))
    for start in range(0, len(x), CHUNK_ROWS):
        stop = min(start + CHUNK_ROWS, len(x))
        block = kernel(x[start:stop], x[start:])  # (chunk, N - start)
        diagonal[start:stop] = block.diagonal()
        sums[start:stop] += block.sum(1) - block.diagonal()
        sums[stop:] += block[:, stop - start :].sum(0)
        products = subsets[:, start:stop] @ block * subsets[:, start:]  # (S, N - start)
        of_subsets += products[:, : stop - start].sum(1)
        of_subsets += 2.0 * products[:, stop - start :].sum(1)
    sizes = subsets.sum(1)
    return sums, float(diagonal.sum()), (of_subsets - subsets @ diagonal) / (sizes * (sizes - 1))


def _leave_one_out(within: Array, across: Array, other: int) -> float:
    """Jackknife variance from one side; the other side's own term is constant and drops out."""
    num = len(within)
    values = (within.sum() - 2.0 * within) / ((num - 1) * (num - 2))
    values -= 2.0 * (across.sum() - across) / ((num - 1) * other)  # (N,)
    return float((num - 1) / num * ((values - values.mean()) ** 2).sum())
