"""Rows of a sweep to two numbers per model: hypervolume, FID at matched correspondence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gcdp_bench.core.rng import derive_seed
from gcdp_bench.metrics.centres import centres, interval_arms
from gcdp_bench.metrics.intervals import Interval, basic_interval, normal_quantile, without_interval
from gcdp_bench.metrics.lookup import bounds_of, find_definition
from gcdp_bench.metrics.metric import Curve
from gcdp_bench.metrics.registry import DEFINITIONS
from gcdp_bench.metrics.tradeoff import fid_at, hypervolume
from gcdp_bench.results.summary import primary_totals

REFERENCE_FID = {name: one.worst for name, one in DEFINITIONS.items() if one.worst is not None}
"""Worst FID that counts in a hypervolume. Constants: no model and no data set moves them."""

NUM_DRAWS = 2000
MIN_DEFINED = 0.95
"""Share of draws in which a number has to be defined for it to have an interval."""

COLUMNS = (
    *("dataset", "model", "param_name", "steps", "metric", "fid_metric", "fid_values"),
    *("num_points", "reference_fid", "reference_correspondence"),
    *("hypervolume", "hypervolume_low", "hypervolume_high", "hypervolume_method"),
    *("rank", "rank_kept", "order_kept"),
    *("matched_level", "fid_at_level", "fid_at_level_low", "fid_at_level_high"),
    "fid_at_level_method",
)


@dataclass(frozen=True)
class _Curve:
    """One model over G values of its parameter; index 0 of the first axis: the values."""

    model: str
    param_name: str
    steps: int
    fid: NDArray[np.float64]  # (1 + R, G)
    correspondence: NDArray[np.float64]  # (1 + R, G)


def tradeoff_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per dataset, model, sampling steps and correspondence metric.

    A curve runs over the model's sampling parameter, whatever that is; models need not share it or
    the steps. Two step counts of one model are two curves.

    `matched_level` is the largest correspondence that every curve of the dataset reaches: the
    smallest of their maxima. It moves when a model is added; `fid_at_level` is NaN where a curve
    lies wholly above it. Hypervolumes do not move: their reference point is a constant. Those of
    different metrics do not compare.

    FID is the bias-corrected one, to which its interval belongs; the plain value stands in where a
    row has no other. `fid_values` says which the table ranks by. Seeds are averaged, values and
    intervals alike. A point that lacks FID or correspondence is not on the curve.

    The intervals are parametric: each point's FID and correspondence are drawn `NUM_DRAWS` times
    from a normal about the value, its standard error the longer arm of its 95 % interval over 1.96,
    and cut at the metric's bounds; both numbers, and the matched level with them, are computed in
    each draw (basic interval). Points are drawn as if independent. They are not: all answer the
    same captions and face the same real images, and those of one model start from the same noise,
    so errors mostly rise and fall together. Where a number weighs the points with one sign such
    errors add up, and the interval is too narrow: for the hypervolume, and for what errors of FID
    bring to `fid_at_level`. There an error of correspondence that all curves share moves level and
    curve alike and cancels: for that part the interval is too wide. In a difference between models
    shared errors cancel: to say who wins, use the paired differences of `gcdp_bench.comparison`.
    Both numbers take the best of noisy points, which flatters them; the basic interval mirrors
    that away only in part. The spread between seeds is not in the intervals.

    `rank` orders the curves of a dataset by hypervolume, 1 the best; `rank_kept` is the share of
    the draws in which a curve keeps its rank, `order_kept` that in which all do. Errors that
    models share cancel in an order but are drawn apart here: the shares are too low where models
    share much.

    Args:
        rows: tidy rows.

    Returns:
        Columns `COLUMNS`; shares in [0, 1], hypervolume in FID times correspondence. Method "none"
        and NaN ends where a point lacks an interval, or a number is undefined in more than 5 % of
        the draws. No line without generated points.

    Raises:
        ValueError: a Fréchet distance has no reference value.
    """
    totals = primary_totals(rows)
    generated = totals[totals["source"] == "generated"]
    lines = []
    by_distance = generated.groupby(["dataset", "fid_metric"], sort=False)
    for (dataset, fid_metric), distances in by_distance:
        if fid_metric not in REFERENCE_FID:
            raise ValueError(
                f"{fid_metric}: expected one of {', '.join(REFERENCE_FID)}; add the worst value "
                "that counts to its definition in gcdp_bench/metrics/definitions/features.py"
            )
        for metric, curve in correspondences(rows).items():
            is_metric = (generated["dataset"] == dataset) & (generated["metric"] == metric)
            curves = _curves(distances, generated[is_metric], (str(dataset), metric))
            if curves:
                common = {
                    "dataset": dataset,
                    "metric": metric,
                    "fid_metric": fid_metric,
                    "fid_values": _fid_values(distances),
                }
                lines += [common | line for line in _lines(curves, str(fid_metric), curve.worst)]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def correspondences(rows: pd.DataFrame) -> dict[str, Curve]:
    """Metrics of generated rows against which FID is drawn; those of installed packages last.

    Args:
        rows: tidy rows.
    """
    held = rows[(rows["source"] == "generated") & (rows["class"] == "all")]["metric"].unique()
    names = [*DEFINITIONS, *(name for name in held if name not in DEFINITIONS)]
    found = {name: find_definition(name) for name in names if name in set(held)}
    return {name: one.curve for name, one in found.items() if one is not None and one.curve}


def _curves(
    distances: pd.DataFrame, correspondences: pd.DataFrame, name: tuple[str, str]
) -> list[_Curve]:
    """Curves in order of the parameter's value, the models in the summary's order."""
    points = _points(distances, "fid").join(_points(correspondences, "correspondence"), how="inner")
    points = points.dropna(subset=["fid", "correspondence"]).reset_index()
    curves = []
    for (model, steps), part in points.groupby(["model", "steps"]):
        part = part.sort_values("param_value")
        rng = np.random.default_rng(derive_seed("tradeoff", *name, str(model), str(steps)))
        fid, correspondence = (
            _record(
                part[column].to_numpy(float),
                part[f"{column}_error"].to_numpy(float),
                bounds_of(metric),
                rng,
            )
            for column, metric in (("fid", "fid"), ("correspondence", name[1]))
        )
        first = part.iloc[0]
        curves.append(
            _Curve(str(model), first["param_name"], int(first["steps"]), fid, correspondence)
        )
    return sorted(curves, key=lambda curve: curve.model, reverse=True)


def _fid_values(distances: pd.DataFrame) -> str:
    corrected = distances["corrected"].notna()
    return "bias-corrected" if corrected.all() else "mixed" if corrected.any() else "plain"


def _points(values: pd.DataFrame, column: str) -> pd.DataFrame:
    """Value and its error per model, steps and parameter value, averaged over seeds."""
    errors = interval_arms(values).max(axis=1, skipna=False) / normal_quantile(0.95)
    both = values.assign(centre=centres(values), error=errors)
    grouped = both.groupby(["model", "param_name", "steps", "param_value"])[["centre", "error"]]
    mean = grouped.agg(lambda part: part.mean(skipna=False))
    return mean.set_axis([column, f"{column}_error"], axis=1)


def _record(
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
    bounds: tuple[float, float],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """The values, then draws about them; NaN draws of a value without an interval. (1 + R, G)."""
    draws = values + errors * rng.standard_normal((NUM_DRAWS, len(values)))
    return np.vstack([values, np.clip(draws, *bounds)])


def _lines(curves: Sequence[_Curve], fid_metric: str, worst: float) -> list[dict]:
    reference = (REFERENCE_FID[fid_metric], worst)
    levels = np.min([curve.correspondence.max(1) for curve in curves], axis=0)  # (1 + R,)
    areas = np.full((len(curves), 1 + NUM_DRAWS), math.nan)  # (M, 1 + R), like the next
    matched = areas.copy()
    for place, curve in enumerate(curves):
        usable = ~(np.isnan(curve.fid) | np.isnan(curve.correspondence)).any(1)  # (1 + R,)
        fid, correspondence = curve.fid[usable], curve.correspondence[usable]
        areas[place, usable] = hypervolume(fid, correspondence, reference=reference)
        matched[place, usable] = fid_at(levels[usable], fid, correspondence)
    ranks, rank_kept, order_kept = _ranking(areas)
    lines = []
    for place, curve in enumerate(curves):
        lines.append(
            {
                "model": curve.model,
                "param_name": curve.param_name,
                "steps": curve.steps,
                "num_points": curve.fid.shape[1],
                "reference_fid": reference[0],
                "reference_correspondence": reference[1],
                "matched_level": levels[0],
                "rank": ranks[place],
                "rank_kept": rank_kept[place],
                "order_kept": order_kept,
            }
            | _columns("hypervolume", _interval(areas[place]))
            | _columns("fid_at_level", _interval(matched[place]))
        )
    return lines


def _ranking(
    areas: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Rank of each curve by its area, 1 the largest; how often it keeps it; how often all do.

    Equal areas share the better rank. Shares are of the draws in which every curve has an area;
    NaN where fewer than `MIN_DEFINED` are such.

    Args:
        areas: the values in front, then the draws, (M, 1 + R).

    Returns:
        (M,), (M,) and a number.
    """
    ranks = 1.0 + (areas[None] > areas[:, None]).sum(1)  # (M, 1 + R)
    ranks[np.isnan(areas)] = math.nan
    defined = ~np.isnan(areas[:, 1:]).any(0)  # (R,)
    if defined.mean() < MIN_DEFINED or np.isnan(areas[:, 0]).any():
        return ranks[:, 0], np.full(len(areas), math.nan), math.nan
    same = ranks[:, 1:][:, defined] == ranks[:, :1]  # (M, R')
    return ranks[:, 0], same.mean(1), float(same.all(0).mean())


def _interval(values: NDArray[np.float64]) -> Interval:
    """Interval of the value in front from its draws, (1 + R,); none where too few are defined."""
    value, draws = float(values[0]), values[1:]
    if np.isnan(draws).mean() > 1.0 - MIN_DEFINED:
        return without_interval(value)
    found = basic_interval(value, draws, method=f"parametric-{NUM_DRAWS}")
    return replace(found, low=max(0.0, found.low), high=max(0.0, found.high))


def _columns(name: str, interval: Interval) -> dict[str, float | str]:
    return {
        name: interval.value,
        f"{name}_low": interval.low,
        f"{name}_high": interval.high,
        f"{name}_method": interval.method,
    }
