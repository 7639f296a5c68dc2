"""Agreement of clusters with classes, from contingency tables; intervals over images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import IGNORE_ID, MetricValue
from gcdp_bench.metrics.intervals import basic_interval, resampled_sums


def contingency_tables(
    layouts: NDArray[np.integer],
    clusters: NDArray[np.integer],
    num_classes: int,
    num_clusters: int,
) -> NDArray[np.int64]:
    """Pixels of each class in each cluster, per image; ignored pixels are dropped.

    Args:
        layouts: class ids or `IGNORE_ID`, (N, H, W).
        clusters: cluster ids, (N, H, W).
        num_classes: K.
        num_clusters: C.

    Returns:
        (N, K, C).

    Raises:
        ValueError: shapes differ.
    """
    if layouts.shape != clusters.shape:
        raise ValueError(f"expected arrays of one shape, got {layouts.shape}, {clusters.shape}")
    num = len(layouts)
    kept = layouts != IGNORE_ID
    image = np.broadcast_to(np.arange(num)[:, None, None], layouts.shape)[kept]
    cells = (image * num_classes + layouts[kept].astype(np.int64)) * num_clusters + clusters[kept]
    counts = np.bincount(cells, minlength=num * num_classes * num_clusters)
    return counts.reshape(num, num_classes, num_clusters)


def adjusted_rand(table: NDArray[np.number]) -> NDArray[np.float64]:
    """Adjusted Rand index (Hubert and Arabie 1985): 1 for the same partition, 0 for chance.

    With n_kc pixels of class k in cluster c, C(n) = n (n - 1) / 2, a_k and b_c its margins:

        (sum C(n_kc) - E) / ((sum C(a_k) + sum C(b_c)) / 2 - E),  E = sum C(a_k) sum C(b_c) / C(n)

    Args:
        table: (..., K, C).

    Returns:
        (...,); 1 where both partitions are trivial.
    """
    table = np.asarray(table, np.float64)
    both = _pairs(table).sum((-2, -1))
    rows, columns = _pairs(table.sum(-1)).sum(-1), _pairs(table.sum(-2)).sum(-1)
    expected = rows * columns / np.maximum(_pairs(table.sum((-2, -1))), 1.0)
    most = (rows + columns) / 2.0
    return np.where(most == expected, 1.0, _over(both - expected, most - expected))


def normalised_mutual_information(table: NDArray[np.number]) -> NDArray[np.float64]:
    """Mutual information over the mean of both entropies (Vinh et al. 2010), in [0, 1].

    Args:
        table: (..., K, C).

    Returns:
        (...,); 1 where both partitions are trivial.
    """
    table = np.asarray(table, np.float64)
    joint = _over(table, table.sum((-2, -1), keepdims=True))
    rows, columns = _entropy(joint.sum(-1)), _entropy(joint.sum(-2))
    information = rows + columns - _entropy(joint.reshape(*joint.shape[:-2], -1))
    mean = (rows + columns) / 2.0
    return np.where(mean == 0.0, 1.0, np.clip(_over(information, mean), 0.0, 1.0))


def clustering_values(tables: NDArray[np.int64]) -> list[MetricValue]:
    """`ari` and `nmi` of all images together, with basic bootstrap intervals over images.

    Args:
        tables: of each image, (N, K, C).
    """
    num = len(tables)
    resampled = resampled_sums(tables.reshape(num, -1))
    resampled = resampled.reshape(-1, *tables.shape[1:])  # (R, K, C)
    total = tables.sum(0)  # (K, C)
    return [
        basic_interval(float(measure(total)), measure(resampled)).row(name, "all", num)
        for name, measure in (("ari", adjusted_rand), ("nmi", normalised_mutual_information))
    ]


def _pairs(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number of pairs of so many items."""
    return counts * (counts - 1.0) / 2.0


def _entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """In nats, over the last axis."""
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return -(shares * logs).sum(-1)


def _over(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)
