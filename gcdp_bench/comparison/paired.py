"""Differences of two points: captions are drawn in pairs, so that what both share cancels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gcdp_bench.comparison.measured import Distance, Measured, SetValues
from gcdp_bench.comparison.points import PointSet
from gcdp_bench.metrics.intervals import (
    NUM_RESAMPLES,
    Interval,
    bounded_draws,
    bounded_interval,
    holm,
    mean_interval,
    sign_p_value,
)
from gcdp_bench.results.compatibility import UnlikeRowsError

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

LEVEL = 0.05
MIN_CAPTIONS = 5
"""Captions of a class without which nothing is said of who wins it."""

WIN, TIE, LOSE, NOISE, FEW = "win", "tie", "lose", "below noise", "too few"


def compare_pair(
    a: PointSet, b: PointSet, *, per_class: bool = True, measured: Measured | None = None
) -> list[dict]:
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

    Args:
        a: one point.
        b: the other.
        per_class: say which classes are won and lost, too.
        measured: shared by the comparisons of several points.

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
    measured = measured or Measured()
    seeds = sorted(a.hashes.keys() & b.hashes.keys())
    if not seeds:
        raise ValueError(
            f"{a.name} and {b.name}: expected a sampling seed in common, got "
            f"{sorted(a.hashes)} and {sorted(b.hashes)}"
        )
    captions = _joined(a, b, seeds, measured)
    own, other = (measured.sets(point, seeds, captions.index) for point in (a, b))
    lines = differences(captions, own, other, noise=a.noise, per_class=per_class)
    common = {
        "dataset": a.dataset,
        "a": a.name,
        "b": b.name,
        "trained_on_a": a.trained_on,
        "trained_on_b": b.trained_on,
        "steps_a": a.steps,
        "steps_b": b.steps,
        "num_seeds": len(seeds),
    }
    return [common | line for line in lines]


def side_by_side(own: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Values per caption of both sides, of `measured.averaged`; columns recall_a, recall_b, ..."""
    return own.merge(other, left_index=True, right_index=True, suffixes=("_a", "_b"))


def differences(
    captions: pd.DataFrame,
    a: SetValues,
    b: SetValues,
    *,
    noise: Mapping[str, float],
    per_class: bool = False,
) -> list[dict]:
    """A minus B, as `compare_pair` has it, without the columns that name the two.

    Args:
        captions: of `side_by_side`.
        a: the images of one side, of the same captions in the same order.
        b: those of the other.
        noise: distance -> its value between real images; without it no verdict is "below noise".
        per_class: as `compare_pair`.
    """
    lines = _of_captions(captions)
    if per_class:
        lines += _of_classes(captions)
    return [*lines, *_of_sets(a, b, noise)]


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


def _joined(a: PointSet, b: PointSet, seeds: Sequence[int], measured: Measured) -> pd.DataFrame:
    """`side_by_side` of both points, for the captions that they share."""
    joined = side_by_side(*(measured.captions(point, seeds) for point in (a, b)))
    if len(joined) < 2:
        raise ValueError(
            f"{a.name} and {b.name}: expected at least 2 captions that both sampled, got "
            f"{len(joined)}; sample them for the same dataset, split and protocol"
        )
    return joined


def _of_captions(captions: pd.DataFrame) -> list[dict]:
    lines = []
    for column, (metric, factor) in PER_CAPTION.items():
        if f"{column}_a" in captions:
            values = factor * captions[[f"{column}_a", f"{column}_b"]].to_numpy(float)
            lines += _mean_line(metric, "all", values)
    return lines


def _of_classes(captions: pd.DataFrame) -> list[dict]:
    lines = []
    for column in captions.columns:
        if column.startswith("class:") and column.endswith("_a"):
            name = column.removeprefix("class:").removesuffix("_a")
            other = f"class:{name}_b"
            if other in captions:
                values = captions[[column, other]].to_numpy(float)
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


def _of_sets(a: SetValues, b: SetValues, noise: Mapping[str, float]) -> list[dict]:
    """Distances and mIoU.

    Args:
        a: of one point.
        b: of the other.
        noise: distance -> its value between real images.
    """
    lines = []
    for metric in (metric for metric in a.distances if metric in b.distances):
        line = _distance_line(metric, a.distances[metric], b.distances[metric], a.num)
        if abs(line["difference"]) < noise.get(metric, 0.0):
            line["verdict"] = NOISE
        lines.append(line)
    return [*lines, *_of_iou(a, b)]


def _distance_line(metric: str, a: Distance, b: Distance, num: int) -> dict:
    """Difference of two distances of `num` samples: halves are split alike for A and B."""
    return _line(metric, "all", (a.value, b.value), a.minus(b).interval(), num, higher=False)


def _of_iou(a: SetValues, b: SetValues) -> list[dict]:
    """mIoU: images have the same random weights on both sides; none without layouts."""
    if a.iou is None or b.iou is None or math.isnan(a.iou.value + b.iou.value):
        return []
    interval = bounded_interval(
        a.iou.value - b.iou.value, a.iou.low - b.iou.high, a.iou.high - b.iou.low
    )
    return [_line("miou", "all", (a.iou.value, b.iou.value), interval, a.num, higher=True)]


def _line(
    metric: str,
    class_name: str,
    values: Sequence[float] | NDArray[np.floating],
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
