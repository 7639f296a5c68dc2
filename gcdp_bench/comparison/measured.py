"""Values of a point that its comparisons with several others share: read, and drawn, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gcdp_bench.comparison.points import PointSet
from gcdp_bench.evaluation import FeatureCache
from gcdp_bench.metrics.frechet import (
    MIN_HALVED,
    UNDERSAMPLED,
    expansion_intervals,
    frechet_distance,
    halves_interval,
    is_undersampled,
)
from gcdp_bench.metrics.frechet_halves import halved_terms
from gcdp_bench.metrics.frechet_influence import Expansion, expanded, is_costly
from gcdp_bench.metrics.frechet_influence import averaged as averaged_expansion
from gcdp_bench.metrics.intervals import Interval, without_interval
from gcdp_bench.metrics.layout_iou import mean_iou_draws, miou
from gcdp_bench.metrics.segmentation_distance import area_percent
from gcdp_bench.results.layout import read_point
from gcdp_bench.results.object_store import fetched

SEED = 0
NUM_HALVES = 200
"""Halves of the sets of a difference of distances."""

PER_CAPTION = ("recall", "precision", "clip")
"""Columns of `Point.per_sample` that hold numbers."""

Features = Sequence[NDArray[np.float64]]


@dataclass(frozen=True)
class Distance:
    """A Fréchet distance to the real images, averaged over S seeds, or a difference of two."""

    value: float
    halves: NDArray[np.float64] | None  # of random halves, split alike for every point, (R,)
    expansion: Expansion | None  # in place of halves that are costly
    is_undersampled: bool

    def minus(self, other: Distance) -> Distance:
        """Their difference; nothing tells its error where no sample makes one."""
        halves = expansion = None
        if self.halves is not None and other.halves is not None:
            halves = self.halves - other.halves
        if self.expansion is not None and other.expansion is not None:
            expansion = self.expansion.minus(other.expansion)
        return Distance(
            self.value - other.value,
            halves if halves is not None and halves.any() else None,
            expansion if expansion is not None and expansion.of_x.any() else None,
            self.is_undersampled or other.is_undersampled,
        )

    def interval(self) -> Interval:
        """As `frechet_intervals`, with ends on both sides of 0."""
        if self.expansion is not None:
            return expansion_intervals(self.expansion).total
        if self.halves is None:
            return without_interval(self.value)
        method = f"halves-{len(self.halves)}"
        if self.is_undersampled:
            method += f"-{UNDERSAMPLED}"
        return halves_interval(self.value, self.halves, method=method)


@dataclass(frozen=True)
class Iou:
    """mIoU, averaged over S seeds, and its draws: images have the same weights at every point."""

    value: float
    low: NDArray[np.float64]  # the imagined image at its worst, (R,)
    high: NDArray[np.float64]  # at its best, (R,)


@dataclass(frozen=True)
class SetValues:
    """Values of a point's images together."""

    num: int  # images of a seed
    distances: dict[str, Distance]  # by metric; without those that need layouts, if there are none
    iou: Iou | None  # None: there are no layouts


class Measured:
    """Reads points; what was read or drawn once is kept."""

    def __init__(self) -> None:
        self._captions: dict[tuple, pd.DataFrame] = {}
        self._sets: dict[tuple, SetValues] = {}
        self._real: dict[Path, FeatureCache] = {}

    def captions(self, point: PointSet, seeds: Sequence[int]) -> pd.DataFrame:
        """Values per caption, averaged over seeds; index (id, caption), columns recall, clip, ...

        Raises:
            FileNotFoundError: a file behind the rows was removed.
        """
        key = _key(point, seeds)
        if key not in self._captions:
            self._captions[key] = averaged(
                [read_point(point.results, point.hashes[seed]).per_sample() for seed in seeds]
            )
        return self._captions[key]

    def sets(self, point: PointSet, seeds: Sequence[int], index: pd.Index) -> SetValues:
        """Distances and mIoU of the samples of some captions.

        Args:
            point: to read.
            seeds: over which values are averaged.
            index: ids and captions; samples of equal places are weighted alike at every point.

        Raises:
            FileNotFoundError: a file behind the rows was removed.
        """
        key = (*_key(point, seeds), tuple(index))
        if key not in self._sets:
            files = [read_point(point.results, point.hashes[seed]) for seed in seeds]
            seen = [_aligned(FeatureCache.load(fetched(file.observed)), index) for file in files]
            real = [self._reference(fetched(file.reference)) for file in files]
            self._sets[key] = set_values(seen, real, point.protocol)
        return self._sets[key]

    def _reference(self, file: Path) -> FeatureCache:
        if file not in self._real:
            self._real[file] = FeatureCache.load(file)
        return self._real[file]


def averaged(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Values per caption over seeds; found classes become the share of seeds that show them.

    Samples of several seeds are matched by id and caption, whatever their order; those that a seed
    lacks, and values that one seed does not define, are left out.
    """
    values = [name for name in PER_CAPTION if name in frames[0]]
    named = [frame.set_index(["id", "caption"]) for frame in frames]
    index = named[0].index
    for frame in named[1:]:
        index = index.intersection(frame.index, sort=False)
    named = [frame.loc[index] for frame in named]
    mean = sum(frame[values].to_numpy(float) for frame in named) / len(named)
    table = pd.DataFrame(mean, index=index, columns=values)
    prompted = _classes(named[0], "prompted")
    shown = [_classes(frame, "detected") for frame in named]
    names = set().union(*(row for frame in named for row in _classes(frame, "prompted")))
    for name in sorted(names):
        share = sum(np.array([name in row for row in rows], float) for rows in shown) / len(named)
        table[f"class:{name}"] = np.where([name in row for row in prompted], share, np.nan)
    return table


def set_values(
    seen: Sequence[FeatureCache], real: Sequence[FeatureCache], protocol: str
) -> SetValues:
    """Distances and mIoU over S seeds.

    Args:
        seen: of the samples of each seed.
        real: of the real images of each seed.
        protocol: of the features of the distance "fid".
    """
    segmenter = next(iter(seen[0].segmenters))
    features: dict[str, Callable[[FeatureCache], NDArray[np.float64]]] = {
        "fid": lambda one: one.features[protocol].astype(np.float64),
        "fsd_predicted": lambda one: area_percent(one.segmenters[segmenter].counts),
    }
    has_layouts = all(one.layouts is not None for one in seen)
    if has_layouts and all(one.layouts is not None for one in real):
        features["fsd_generated"] = lambda one: area_percent(one.arrays["layouts"])
    return SetValues(
        num=len(seen[0]),
        distances={
            metric: distance([of(one) for one in seen], [of(one) for one in real])
            for metric, of in features.items()
        },
        iou=iou([one.segmenters[segmenter].confusions for one in seen]) if has_layouts else None,
    )


def distance(samples: Features, real: Features) -> Distance:
    """Fréchet distance of each seed's samples to its real images, (N, D) and (M, D) each."""
    pairs = list(zip(samples, real, strict=True))
    num, other, width = len(samples[0]), len(real[0]), samples[0].shape[1]
    if is_costly(num, other, width):
        expansion = averaged_expansion([expanded(x, y, seed=SEED) for x, y in pairs])
        return Distance(float(expansion.values.sum()), None, expansion, False)
    halves = None
    if min(num, other) >= MIN_HALVED:
        halves = np.mean(
            [np.add(*halved_terms(x, y, NUM_HALVES, seed=SEED)) for x, y in pairs], axis=0
        )  # (R,)
    return Distance(
        float(np.mean([frechet_distance(x, y).total for x, y in pairs])),
        halves,
        None,
        is_undersampled(samples[0], real[0]),
    )


def iou(confusions: Sequence[NDArray]) -> Iou:
    """mIoU of confusion matrices of each seed's images, (N, K, K) each."""
    low, high = np.mean([mean_iou_draws(part) for part in confusions], axis=0)  # (R,) each
    return Iou(float(np.mean([miou(part) for part in confusions])), low, high)


def _key(point: PointSet, seeds: Sequence[int]) -> tuple:
    return (point.results, point.protocol, *(point.hashes[seed] for seed in seeds))


def _classes(frame: pd.DataFrame, column: str) -> list[set[str]]:
    """Names of classes in each row of a column."""
    return [set(text.split(", ")) - {""} for text in frame[column]]


def _aligned(seen: FeatureCache, index: pd.Index) -> FeatureCache:
    """The samples of `index`, in its order."""
    place = {key: i for i, key in enumerate(zip(seen.ids, seen.captions, strict=True))}
    return seen.take(np.array([place[key] for key in index]))
