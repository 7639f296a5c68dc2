"""Differences of two points: captions are drawn in pairs, so that what both share cancels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gcdp_bench.comparison.points import PointSet
from gcdp_bench.evaluation import FeatureCache
from gcdp_bench.metrics.frechet import (
    MIN_HALVED,
    UNDERSAMPLED,
    frechet_distance,
    halves_interval,
    is_undersampled,
)
from gcdp_bench.metrics.frechet_halves import halved_terms
from gcdp_bench.metrics.intervals import (
    NUM_RESAMPLES,
    Interval,
    bounded_draws,
    bounded_interval,
    holm,
    mean_interval,
    sign_p_value,
    without_interval,
)
from gcdp_bench.metrics.layout_iou import mean_iou_draws, miou
from gcdp_bench.metrics.segmentation_distance import area_percent
from gcdp_bench.results.compatibility import UnlikeRowsError
from gcdp_bench.results.layout import read_point
from gcdp_bench.results.object_store import fetched

COLUMNS = (
    *("dataset", "a", "b", "trained_on_a", "trained_on_b", "steps_a", "steps_b"),
    *("metric", "class", "value_a", "value_b", "difference", "corrected"),
    *("ci_low", "ci_high", "ci_method", "p_holm", "verdict", "num_captions", "num_seeds"),
)
PER_CAPTION = {
    "recall": ("semantic_recall", 1.0),
    "precision": ("semantic_precision", 1.0),
    "clip": ("clip-x100", 100.0),
}
"""Column of `per_sample` -> metric and factor."""

BOUNDED = ("semantic_recall", "semantic_precision")
DIFFERENCE = (-1.0, 1.0)
"""Bounds of a difference of two shares."""

NUM_CLASS_DRAWS = 20_000
"""Draws of a class: p-values are multiplied by the number of classes, so they must be small."""

NUM_HALVES = 200
"""Halves of the sets of a difference of distances."""

SEED = 0
LEVEL = 0.05
MIN_CAPTIONS = 5
"""Captions of a class without which nothing is said of who wins it."""

WIN, TIE, LOSE, NOISE, FEW = "win", "tie", "lose", "below noise", "too few"


@dataclass(frozen=True)
class _Pair:
    """Values of both points for the captions that they share, averaged over shared seeds."""

    captions: pd.DataFrame  # index (id, caption); columns a_recall, b_recall, a_clip, ...
    observed: list[
        tuple[FeatureCache, FeatureCache, FeatureCache]
    ]  # per seed: A, B, real images; aligned


def compare_pair(a: PointSet, b: PointSet, *, per_class: bool = True) -> list[dict]:
    """A minus B: per caption, per class, and of distributions. Columns `COLUMNS`.

    Captions are drawn in pairs: with a caption go its samples of both points, and the real images
    of a distance are drawn once for both. The interval covers the choice of captions and the
    sampling noise, not another training run. The ends belong to `corrected`, the difference without
    its small-sample bias, where that is not NaN, else to `difference`.

    `verdict` is from A's side: win or lose where the interval excludes 0, else tie; "below noise"
    where a distance differs by less than real images do among themselves; "too few" for a class
    that fewer than 5 captions name. Many classes are tested at once: a class is won or lost where
    `p_holm`, its p-value adjusted by Holm's method over the classes of the pair, is below 0.05, so
    that all of them together give a verdict by chance in at most 5 % of comparisons.

    Raises:
        UnlikeRowsError: other extractors, another reference, resize or definition of a metric.
        ValueError: fewer than two captions or no seed in common.
        FileNotFoundError: files behind the rows were removed.
    """
    for field in ("reference", "extractors", "resize", "protocol"):
        own, other = getattr(a, field), getattr(b, field)
        if own != other:
            raise UnlikeRowsError(
                f"{a.name} and {b.name} differ in {field} ({own}, {other}); they do not compare. "
                "Score both with the same extractors and reference"
            )
    check_definitions(a, b)
    pair = _pair(a, b)
    lines = _of_captions(pair)
    if per_class:
        lines += _of_classes(pair)
    lines += _of_sets(pair, a)
    common = {
        "dataset": a.dataset,
        "a": a.name,
        "b": b.name,
        "trained_on_a": a.trained_on,
        "trained_on_b": b.trained_on,
        "steps_a": a.steps,
        "steps_b": b.steps,
        "num_seeds": len(pair.observed),
    }
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
        seen = [_aligned(FeatureCache.load(fetched(file.observed)), joined.index) for file in files]
        observed.append((*seen, FeatureCache.load(fetched(files[0].reference))))
    return _Pair(joined, observed)


def _averaged(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
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
    for name in sorted({name for frame in named for name in _names(frame)}):
        shown = [
            frame["detected"].str.split(", ").apply(lambda row, n=name: n in row) for frame in named
        ]
        prompted = named[0]["prompted"].str.split(", ").apply(lambda row, n=name: n in row)
        share = sum(column.to_numpy(float) for column in shown) / len(named)
        table[f"class:{name}"] = np.where(prompted, share, np.nan)
    return table


def _names(frame: pd.DataFrame) -> set[str]:
    return {name for text in frame["prompted"] for name in text.split(", ") if name}


def _aligned(seen: FeatureCache, index: pd.MultiIndex) -> FeatureCache:
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
    return _adjusted(lines)


def _adjusted(lines: list[dict]) -> list[dict]:
    """Verdicts of classes by Holm's method over those that enough captions name."""
    tested = [line for line in lines if line["num_captions"] >= MIN_CAPTIONS]
    adjusted = holm(np.array([line["p_holm"] for line in tested]))
    for line in lines:
        line["p_holm"], line["verdict"] = math.nan, FEW
    for line, p in zip(tested, adjusted, strict=True):
        line["p_holm"] = float(p)
        line["verdict"] = TIE if p >= LEVEL else WIN if line["difference"] > 0 else LOSE
    return lines


def _mean_line(metric: str, class_name: str, values: NDArray[np.float64]) -> list[dict]:
    """Mean difference over captions; none where fewer than two captions define it. (N, 2)"""
    values = values[~np.isnan(values).any(1)]
    if len(values) < 2:
        return []
    differences = values[:, 0] - values[:, 1]
    p_value = math.nan
    if metric in BOUNDED:
        lower, upper = bounded_draws(
            differences, DIFFERENCE, num=NUM_RESAMPLES if class_name == "all" else NUM_CLASS_DRAWS
        )
        interval = bounded_interval(float(differences.mean()), lower, upper)
        p_value = sign_p_value(lower, upper)
    else:
        interval = mean_interval(differences)
    line = _line(metric, class_name, values.mean(0), interval, len(values), higher=True)
    return [line | {"p_holm": math.nan if class_name == "all" else p_value}]


def _of_sets(pair: _Pair, a: PointSet) -> list[dict]:
    """Distances and mIoU."""
    lines = []
    for metric, features in _set_features(pair, a.protocol).items():
        sides = [[features(seen[side]) for seen in pair.observed] for side in (0, 1)]
        real = [features(seen[2]) for seen in pair.observed]
        if any(part is None for part in (*sides[0], *sides[1], *real)):
            continue
        line = _distance_line(metric, sides, real)
        if abs(line["difference"]) < a.noise.get(metric, 0.0):
            line["verdict"] = NOISE
        lines.append(line)
    return [*lines, *_of_iou(pair)]


Features = Callable[[FeatureCache], NDArray | None]


def _set_features(pair: _Pair, protocol: str) -> dict[str, Features]:
    """Distance -> what it is a distance of, (N, D); None where there are no layouts."""
    segmenter = next(iter(pair.observed[0][0].segmenters))
    return {
        "fid": lambda seen: seen.features[protocol].astype(np.float64),
        "fsd_generated": lambda seen: None if seen.layouts is None else area_percent(seen.layouts),
        "fsd_predicted": lambda seen: area_percent(seen.segmenters[segmenter].counts),
    }


def _distance_line(metric: str, sides: list[list], real: list) -> dict:
    """Difference of two distances, each the mean over S seeds: halves are split alike for A and B.

    Args:
        metric: its name.
        sides: features of A and of B, S arrays each.
        real: of the real images, S arrays.
    """
    num = len(sides[0][0])
    values = np.array(
        [
            np.mean([frechet_distance(x, y).total for x, y in zip(side, real, strict=True)])
            for side in sides
        ]
    )
    interval = without_interval(float(values[0] - values[1]))
    if min(num, len(real[0])) >= MIN_HALVED:
        first, second = (
            np.mean(
                [
                    np.add(*halved_terms(x, y, NUM_HALVES, seed=SEED))
                    for x, y in zip(side, real, strict=True)
                ],
                0,
            )
            for side in sides
        )
        method = f"halves-{NUM_HALVES}"
        if any(is_undersampled(side[0], real[0]) for side in sides):
            method += f"-{UNDERSAMPLED}"
        if np.any(first != second):
            interval = halves_interval(interval.value, first - second, method=method)
    return _line(metric, "all", values, interval, num, higher=False)


def _of_iou(pair: _Pair) -> list[dict]:
    """mIoU: images have the same random weights on both sides; none without layouts."""
    segmenter = next(iter(pair.observed[0][0].segmenters))
    if any(side.layouts is None for seen in pair.observed for side in seen[:2]):
        return []
    matrices = [
        [seen[side].segmenters[segmenter].confusions for seen in pair.observed] for side in (0, 1)
    ]
    values = np.array([np.mean([miou(part) for part in side]) for side in matrices])
    if np.isnan(values).any():
        return []
    (low_a, high_a), (low_b, high_b) = (
        np.mean([mean_iou_draws(part) for part in side], 0) for side in matrices
    )  # (R,) each
    interval = bounded_interval(float(values[0] - values[1]), low_a - high_b, high_a - low_b)
    return [_line("miou", "all", values, interval, len(matrices[0][0]), higher=True)]


def _line(
    metric: str,
    class_name: str,
    values: NDArray[np.floating],
    interval: Interval,
    num: int,
    *,
    higher: bool,
) -> dict:
    sign = 1 if higher else -1
    verdict = TIE
    if interval.low > 0 or interval.high < 0:
        verdict = WIN if sign * interval.centre > 0 else LOSE
    return {
        "metric": metric,
        "class": class_name,
        "value_a": float(values[0]),
        "value_b": float(values[1]),
        "difference": interval.value,
        "corrected": interval.corrected,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "ci_method": "none" if interval.method == "none" else f"paired {interval.method}",
        "p_holm": math.nan,
        "verdict": verdict,
        "num_captions": num,
    }
