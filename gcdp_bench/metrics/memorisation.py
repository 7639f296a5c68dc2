"""Memorisation: is a sample nearer to a training image than training images are to one another?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.feature_sets import Features, checked_pair
from gcdp_bench.metrics.intervals import wilson

CHUNK = 512
"""Rows of a distance matrix that are held at once."""

RESOLUTION = 1e-5
"""Share of the mean length of a feature vector below which a distance is 0: a network gives the
same image features that differ by rounding from batch to batch."""


@dataclass(frozen=True)
class Neighbours:
    """Nearest training image of each sample, and how near training images are to that one."""

    index: NDArray[np.int64]  # (N,), into the training set
    distance: NDArray[np.float64]  # (N,), sample to its neighbour, Euclidean
    other: NDArray[np.int64]  # (N,), the training image nearest to that neighbour
    real_distance: NDArray[np.float64]  # (N,), between these two

    @property
    def memorised(self) -> NDArray[np.bool_]:
        """Samples at least as near to their neighbour as any other training image is, (N,)."""
        return self.distance <= self.real_distance

    @property
    def ratio(self) -> NDArray[np.float64]:
        """distance / real_distance, (N,): 0 for a copy, at most 1 where memorised.

        Infinite beside a training image that is there twice, unless the sample is it once more.
        """
        undefined = np.where(self.distance > 0, np.inf, 0.0)
        positive = self.real_distance > 0
        return np.divide(self.distance, self.real_distance, out=undefined, where=positive)


def nearest_training(samples: Features, training: Features) -> Neighbours:
    """Nearest training image of each sample in feature space, exactly, in float64.

    Args:
        samples: (N, D).
        training: (M, D), M >= 2.

    Raises:
        ValueError: shapes do not fit, there is no sample, fewer than two training images, or a
            value is not finite.
    """
    samples, training = checked_pair(samples, training)
    if len(samples) < 1 or len(training) < 2:
        raise ValueError(
            f"expected at least 1 sample and 2 training images, got {len(samples)} and "
            f"{len(training)}"
        )
    floor = RESOLUTION * float(np.linalg.norm(training, axis=1).mean())
    index = _nearest(samples, training)
    distance = np.linalg.norm(samples - training[index], axis=1)
    hit, place = np.unique(index, return_inverse=True)
    other = _nearest(training[hit], training, without=hit)
    real = np.linalg.norm(training[hit] - training[other], axis=1)
    distance, real = (np.where(part < floor, 0.0, part) for part in (distance, real))
    return Neighbours(index, distance, other[place], real[place])


def memorised_values(neighbours: Neighbours) -> list[MetricValue]:
    """`memorised_share`: mean over samples of [d(x, t) <= min over t' of d(t, t')].

    Here t is the training image nearest to the sample x, and t' any other training image. This is
    1 - AuthPct of Alaa et al. 2022 (a sample is authentic if it is strictly farther). Copies of
    training images give 1. Fresh draws of the training distribution do not give 0: x and t are
    then each other's nearest neighbours with a probability of 2/3 on a line, 0.62 in a plane, 0.59
    in space, towards 1/2 as the dimension grows, and less where few images are the neighbours of
    many. So compare with the share of real images that training did not see. The interval is
    Wilson's, training set fixed.
    """
    hits = neighbours.memorised
    return [wilson(int(hits.sum()), len(hits)).row("memorised_share", "all", len(hits))]


def _nearest(
    points: Features, training: Features, without: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Index of the training row nearest to each point, (N,); `without[i]` is barred for point i."""
    lengths = (training**2).sum(1)  # (M,)
    found = []
    for start in range(0, len(points), CHUNK):
        part = points[start : start + CHUNK]
        # |p - t|^2 without |p|^2, which is the same for every t.
        offsets = lengths - 2.0 * (part @ training.T)  # (n, M)
        if without is not None:
            offsets[np.arange(len(part)), without[start : start + CHUNK]] = np.inf
        found.append(offsets.argmin(1))
    return np.concatenate(found)
