"""Differences of two points: captions are drawn in pairs, so that what both share cancels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gcdp_bench.comparable import UnlikeRowsError
from gcdp_bench.compare.points import PointSet
from gcdp_bench.evaluate import Observed
from gcdp_bench.metrics.frechet import frechet_distance
from gcdp_bench.metrics.frechet_bootstrap import resampled_terms
from gcdp_bench.metrics.intervals import Interval, basic_interval, mean_interval, resample_counts
from gcdp_bench.metrics.layout_iou import intersection_over_union
from gcdp_bench.metrics.segmentation_distance import area_percent
from gcdp_bench.points import read_point
from gcdp_bench.storage import fetched

COLUMNS = (
    *("dataset", "a", "b", "trained_on_a", "trained_on_b", "steps_a", "steps_b"),
    *("metric", "class", "value_a", "value_b", "difference"),
    *("ci_low", "ci_high", "ci_method", "verdict", "num_captions", "num_seeds"),
)
PER_CAPTION = {"recall": ("semantic_recall", 1.0), "precision": ("semantic_precision", 1.0),
               "clip": ("clip-x100", 100.0)}  # fmt: skip
"""Column of `per_sample` -> metric and factor."""

NUM_RESAMPLES = 200
"""Draws for values of a whole set (distances, mIoU)."""

SEED = 0
UNDEFINED = np.full(1 + NUM_RESAMPLES, np.nan)

WIN, TIE, LOSE, NOISE = "win", "tie", "lose", "below noise"


@dataclass(frozen=True)
class _Pair:
    """What both points say of the captions that they share, averaged over shared seeds."""

    captions: pd.DataFrame  # index (id, caption); columns a_recall, b_recall, a_clip, ...
    observed: list[tuple[Observed, Observed, Observed]]  # per seed: A, B, real images; aligned


def compare_pair(a: PointSet, b: PointSet, *, per_class: bool = True) -> list[dict]:
    """A minus B: per caption, per class, and of distributions. Columns `COLUMNS`.

    The paired bootstrap draws captions; a draw takes a caption's samples from both points, and the
    real images of a distance are drawn once for both. The interval covers the choice of captions
    and the sampling noise, not another training run. `verdict` is from A's side: win or lose where
    the interval excludes 0, else tie; "below noise" where a distance differs by less than real
    images do among themselves.

    Raises:
        UnlikeRowsError: other judges, another reference, resize or definition of a metric.
        ValueError: fewer than two captions or no seed in common.
        FileNotFoundError: files behind the rows were removed.
    """
    for field in ("reference", "judges", "resize", "protocol"):
        own, other = getattr(a, field), getattr(b, field)
        if own != other:
            raise UnlikeRowsError(
                f"{a.name} and {b.name} differ in {field} ({own}, {other}); they do not compare. "
                "Score both with the same judges and reference"
            )
    check_definitions(a, b)
    pair = _pair(a, b)
    lines = _of_captions(pair)
    if per_class:
        lines += _of_classes(pair)
    lines += _of_sets(pair, a)
    common = {"dataset": a.dataset, "a": a.name, "b": b.name,
              "trained_on_a": a.trained_on, "trained_on_b": b.trained_on,
              "steps_a": a.steps, "steps_b": b.steps, "num_seeds": len(pair.observed)}  # fmt: skip
    return [common | line for line in lines]


def check_definitions(a: PointSet, b: PointSet) -> None:
    """Refuse points of which a metric was measured by different definitions.

    Raises:
        UnlikeRowsError: names the metrics, and what to do.
    """
    differing = [
        f"{metric} (versions {version}, {b.definitions[metric]})"
        for metric, version in sorted(a.definitions.items())
        if b.definitions.get(metric, version) != version
    ]
    if differing:
        raise UnlikeRowsError(
            f"{a.results}: {a.name} and {b.results}: {b.name} differ in the definition of "
            f"{', '.join(differing)}; they do not compare. `gcdp-bench sweep` into the folder with "
            "the older one computes it again"
        )


def _pair(a: PointSet, b: PointSet) -> _Pair:
    seeds = sorted(a.hashes.keys() & b.hashes.keys())
    if not seeds:
        raise ValueError(
            f"{a.name} and {b.name}: expected a sampling seed in common, got "
            f"{sorted(a.hashes)} and {sorted(b.hashes)}"
        )
    sides, observed = [], []
    for point in (a, b):
        frames = [read_point(point.results, point.hashes[seed]).per_sample() for seed in seeds]
        sides.append(_averaged(frames))
    joined = sides[0].join(sides[1], how="inner", suffixes=("_a", "_b"))
    if len(joined) < 2:
        raise ValueError(
            f"{a.name} and {b.name}: expected at least 2 captions that both answered, got "
            f"{len(joined)}; sample them for the same dataset, split and protocol"
        )
    for seed in seeds:
        files = [read_point(point.results, point.hashes[seed]) for point in (a, b)]
        seen = [_aligned(Observed.load(fetched(file.observed)), joined.index) for file in files]
        observed.append((*seen, Observed.load(fetched(files[0].reference))))
    return _Pair(joined, observed)


def _averaged(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Values per caption over seeds; found classes become the share of seeds that show them."""
    values = [name for name in PER_CAPTION if name in frames[0]]
    index = pd.MultiIndex.from_frame(frames[0][["id", "caption"]])
    mean = sum(frame[values].to_numpy(float) for frame in frames) / len(frames)
    table = pd.DataFrame(mean, index=index, columns=values)
    for name in sorted({name for frame in frames for name in _names(frame)}):
        shown = [frame["found"].str.split(", ").apply(lambda row, n=name: n in row)
                 for frame in frames]  # fmt: skip
        asked = frames[0]["asked"].str.split(", ").apply(lambda row, n=name: n in row)
        share = sum(column.to_numpy(float) for column in shown) / len(frames)
        table[f"class:{name}"] = np.where(asked, share, np.nan)
    return table


def _names(frame: pd.DataFrame) -> set[str]:
    return {name for text in frame["asked"] for name in text.split(", ") if name}


def _aligned(seen: Observed, index: pd.MultiIndex) -> Observed:
    """The samples of `index`, in its order."""
    place = {key: i for i, key in enumerate(zip(seen.ids, seen.captions, strict=True))}
    return seen.take(np.array([place[key] for key in index]))


def _of_captions(pair: _Pair) -> list[dict]:
    lines = []
    for column, (metric, factor) in PER_CAPTION.items():
        if f"{column}_a" in pair.captions:
            values = factor * pair.captions[[f"{column}_a", f"{column}_b"]].to_numpy(float)
            lines += _mean_line(metric, "all", values)
    return lines


def _of_classes(pair: _Pair) -> list[dict]:
    lines = []
    for column in pair.captions.columns:
        if column.startswith("class:") and column.endswith("_a"):
            name = column.removeprefix("class:").removesuffix("_a")
            other = f"class:{name}_b"
            if other in pair.captions:
                values = pair.captions[[column, other]].to_numpy(float)
                lines += _mean_line("semantic_recall", name, values)
    return lines


def _mean_line(metric: str, class_name: str, values: NDArray[np.float64]) -> list[dict]:
    """Mean difference over captions; none where fewer than two captions define it. (N, 2)"""
    values = values[~np.isnan(values).any(1)]
    if len(values) < 2:
        return []
    interval = mean_interval(values[:, 0] - values[:, 1])
    return [_line(metric, class_name, values.mean(0), interval, len(values), higher=True)]


def _of_sets(pair: _Pair, a: PointSet) -> list[dict]:
    """Distances and mIoU: both sides are resampled with the same draws."""
    num = len(pair.captions)
    lines = []
    for metric, higher, evaluate in _set_metrics(pair, a.protocol):
        first, second = (
            np.mean([evaluate(seen[side], seen[2]) for seen in pair.observed], 0) for side in (0, 1)
        )  # each (1 + R,): of the captions as they are, and of every draw
        if np.isnan(first[0]) or np.isnan(second[0]):
            continue
        difference = first - second
        interval = basic_interval(float(difference[0]), difference[1:])
        line = _line(metric, "all", np.array([first[0], second[0]]), interval, num, higher=higher)
        if abs(interval.value) < a.noise.get(metric, 0.0):
            line["verdict"] = NOISE
        lines.append(line)
    return lines


Evaluate = Callable[[Observed, Observed], NDArray[np.float64]]


def _set_metrics(pair: _Pair, protocol: str) -> list[tuple[str, bool, Evaluate]]:
    """Metric, whether higher is better, and (samples, real) -> values (1 + R,)."""
    segmenter = next(iter(pair.observed[0][0].segmenters))

    def fid(seen: Observed, real: Observed) -> NDArray[np.float64]:
        return _distances(seen.features[protocol], real.features[protocol])

    def fsd_predicted(seen: Observed, real: Observed) -> NDArray[np.float64]:
        own, other = (area_percent(side.segmenters[segmenter].counts) for side in (seen, real))
        return _distances(own, other)

    def fsd_generated(seen: Observed, real: Observed) -> NDArray[np.float64]:
        if seen.layouts is None or real.layouts is None:
            return UNDEFINED
        return _distances(area_percent(seen.layouts), area_percent(real.layouts))

    def miou(seen: Observed, real: Observed) -> NDArray[np.float64]:
        if seen.layouts is None:
            return UNDEFINED
        matrices = seen.segmenters[segmenter].confusions  # (N, K, K)
        counts = resample_counts(len(matrices), NUM_RESAMPLES, SEED)  # (R, N)
        weights = np.concatenate([np.ones_like(counts[:1]), counts])  # (1 + R, N)
        pooled = np.tensordot(weights, matrices, 1)  # (1 + R, K, K)
        return np.array([_mean_iou(matrix) for matrix in pooled])

    return [("fid", False, fid), ("fsd_generated", False, fsd_generated),
            ("fsd_predicted", False, fsd_predicted), ("miou", True, miou)]  # fmt: skip


def _distances(x: NDArray, y: NDArray) -> NDArray[np.float64]:
    """Equal numbers of samples are drawn alike, so that A and B are drawn in pairs. (1 + R,)"""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    drawn = np.sum(resampled_terms(x, y, NUM_RESAMPLES, seed=SEED), 0)  # (R,)
    return np.concatenate([[frechet_distance(x, y).total], drawn])


def _mean_iou(confusion: NDArray) -> float:
    iou = intersection_over_union(confusion)
    return float(np.nanmean(iou)) if not np.isnan(iou).all() else math.nan


def _line(
    metric: str,
    class_name: str,
    values: NDArray[np.float64],
    interval: Interval,
    num: int,
    *,
    higher: bool,
) -> dict:
    sign = 1 if higher else -1
    verdict = TIE
    if interval.low > 0 or interval.high < 0:
        verdict = WIN if sign * interval.value > 0 else LOSE
    return {
        "metric": metric,
        "class": class_name,
        "value_a": float(values[0]),
        "value_b": float(values[1]),
        "difference": interval.value,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "ci_method": f"paired {interval.method}",
        "verdict": verdict,
        "num_captions": num,
    }
