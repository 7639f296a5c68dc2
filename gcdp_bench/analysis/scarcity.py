"""Every metric and the models' gaps against the share of training data: the paper's main claim."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdp_bench.analysis.results import read_dataset
from gcdp_bench.comparison.measured import Measured
from gcdp_bench.comparison.paired import check_definitions, compare_pair
from gcdp_bench.comparison.points import PointSet, point_sets
from gcdp_bench.results.summary import SUMMARY, summary_table

FRACTION = re.compile(r"(?P<family>.+)-(?P<percent>25|50|100)")
ALIKE = ("reference", "extractors", "protocol", "num_captions", "resize")
"""In which points of different fractions have to agree."""

VALUE_COLUMNS = (
    "family",
    "fraction",
    "model",
    "param_name",
    "param_value",
    "steps",
    "metric",
    "value",
    "corrected",
    "ci_low",
    "ci_high",
    "num_captions",
    "num_seeds",
)
GAP_COLUMNS = (
    "family",
    "fraction",
    "model",
    "against",
    "metric",
    "difference",
    "corrected",
    "ci_low",
    "ci_high",
    "ci_method",
    "verdict",
    "num_captions",
    "num_seeds",
)


@dataclass(frozen=True)
class Scarcity:
    """Results; `fraction` is in percent of the training data."""

    values: pd.DataFrame  # columns `VALUE_COLUMNS`
    gaps: pd.DataFrame  # columns `GAP_COLUMNS`: model minus each other one


def analyze_scarcity(folders: Sequence[Path], model: str) -> Scarcity:
    """Values of every model and gaps of one model, at the lowest FID of each, per fraction.

    Gaps are paired by caption (`gcdp_bench.comparison`); their FID is a difference of distances.

    Args:
        folders: results of sweeps, each of one fraction of a dataset, as synth-city-25.
        model: whose gaps to the others are taken.

    Raises:
        ValueError: fewer than two fractions, one twice, several families, a fraction without
            `model` or without another one, or fractions that were measured differently.
        FileNotFoundError: there are no results in a folder.
    """
    found = [_read(folder) for folder in folders]
    _check(folders, [name for name, _, _ in found])
    _check_alike(folders, [points for _, _, points in found])
    values, gaps, measured = [], [], Measured()
    for folder, (name, rows, points) in zip(folders, found, strict=True):
        best = {one: _best(points, one) for one in dict.fromkeys(p.model for p in points)}
        if model not in best or len(best) < 2:
            raise ValueError(
                f"{folder}: expected {model} and another model, found {', '.join(best)}; sweep "
                "them into this folder"
            )
        common = {"family": name["family"], "fraction": int(name["percent"])}
        values += [common | line for line in _values(rows, best)]
        gaps += [
            common | {"model": model, "against": other} | line
            for other, point in best.items()
            if other != model
            for line in compare_pair(best[model], point, per_class=False, measured=measured)
        ]
    return Scarcity(
        pd.DataFrame(values)[list(VALUE_COLUMNS)].sort_values(["fraction"], kind="stable"),
        pd.DataFrame(gaps)[list(GAP_COLUMNS)].sort_values(["fraction"], kind="stable"),
    )


def _read(folder: Path) -> tuple[re.Match[str], pd.DataFrame, list[PointSet]]:
    """Training data of a folder's models, its rows, its points."""
    rows = read_dataset(folder, None)
    generated = rows[rows["source"] == "generated"]
    trained_on = sorted(generated["trained_on"].unique())
    name = FRACTION.fullmatch(trained_on[0]) if len(trained_on) == 1 else None
    if name is None:
        raise ValueError(
            f"{folder}: expected models of one fraction, such as synth-city-25, found models of "
            f"{', '.join(trained_on) or 'nothing'}"
        )
    return name, rows, point_sets(rows, folder)


def _best(points: Sequence[PointSet], model: str) -> PointSet:
    return min((point for point in points if point.model == model), key=lambda point: point.fid)


def _values(rows: pd.DataFrame, best: dict[str, PointSet]) -> list[dict]:
    summary = summary_table(rows)
    lines = []
    for point in best.values():
        (one,) = summary[
            (summary["model"] == point.model)
            & (summary["param_value"] == point.param_value)
            & (summary["steps"] == point.steps)
        ].to_dict("records")
        lines += [
            {
                name: one[name]
                for name in (
                    "model",
                    "param_name",
                    "param_value",
                    "steps",
                    "num_captions",
                    "num_seeds",
                )
            }
            | {
                "metric": metric,
                "value": one[metric],
                "corrected": one.get(f"{metric}_corrected", math.nan),
                "ci_low": one[f"{metric}_low"],
                "ci_high": one[f"{metric}_high"],
            }
            for metric in SUMMARY
            if not pd.isna(one[metric])
        ]
    return lines


def _check(folders: Sequence[Path], names: Sequence[re.Match[str]]) -> None:
    families = sorted({name["family"] for name in names})
    if len(families) > 1:
        raise ValueError(f"expected fractions of one dataset, got those of {', '.join(families)}")
    percents = [name["percent"] for name in names]
    if len(set(percents)) != len(percents) or len(percents) < 2:
        there = ", ".join(
            f"{folder}: {percent} %" for folder, percent in zip(folders, percents, strict=True)
        )
        raise ValueError(f"expected results of at least two different fractions, got {there}")


def _check_alike(folders: Sequence[Path], points: Sequence[Sequence[PointSet]]) -> None:
    for field in ALIKE:
        values = {
            folder: getattr(own[0], field) for folder, own in zip(folders, points, strict=True)
        }
        if len(set(values.values())) > 1:
            there = ", ".join(f"{folder}: {value}" for folder, value in values.items())
            raise ValueError(
                f"fractions differ in {field} ({there}); sweep them for the same captions with the "
                "same extractors"
            )
    for own in points[1:]:
        check_definitions(points[0][0], own[0])
