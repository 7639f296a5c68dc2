"""The points of a comparison and their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdp_bench.results.schema import REAL_VS_REAL
from gcdp_bench.results.summary import primary_totals
from gcdp_bench.results.table import read_rows


@dataclass(frozen=True)
class PointSet:
    """A model at one value of its parameter, with one point per sampling seed."""

    results: Path
    dataset: str
    model: str
    trained_on: str
    param_name: str
    param_value: float  # value of the parameter
    steps: int
    num_captions: int
    reference: str  # digest of the reference images
    extractors: str  # digest of every network that evaluated
    resize: str  # how images of another size were brought to the size that was evaluated
    definitions: dict[str, str]  # metric -> version of its definition
    protocol: str  # suffix of the primary Fréchet distance
    fid: float  # mean over the seeds
    hashes: dict[int, str]  # seed -> configuration
    noise: dict[str, float]  # distance -> its value between real images

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.model} @ {self.param_value:g}"

    def equals_param(self, other: PointSet) -> bool:
        """Whether both stand at one value of one parameter; without one there is none to share."""
        own, others = ((point.param_name, point.param_value) for point in (self, other))
        return self.param_name != "none" and own == others


def point_sets(rows: pd.DataFrame, results: Path) -> list[PointSet]:
    """Every generator at every value of its parameter."""
    totals = primary_totals(rows)
    fid = totals[(totals["metric"] == "fid") & (totals["source"] == "generated")]
    keys = [
        "dataset",
        "model",
        "trained_on",
        "param_name",
        "param_value",
        "steps",
        "num_samples",
        "reference",
        "extractors",
        "resize",
    ]
    points = []
    for _, group in fid.groupby(keys, dropna=False, sort=False):
        first = group.iloc[0]
        own = totals["dataset"] == first["dataset"]
        real = totals[own & (totals["model"] == REAL_VS_REAL)]
        measured = totals[totals["config_hash"].isin(group["config_hash"])]
        points.append(
            PointSet(
                results=results,
                dataset=first["dataset"],
                model=first["model"],
                trained_on=first["trained_on"],
                param_name=first["param_name"],
                param_value=float(first["param_value"]),
                steps=int(first["steps"]),
                num_captions=int(first["num_samples"]),
                reference=first["reference"],
                extractors=first["extractors"],
                resize=first["resize"],
                definitions=dict(zip(measured["metric"], measured["definition"], strict=True)),
                protocol=first["fid_metric"].partition("-")[2],
                fid=float(group["value"].mean()),
                hashes=dict(zip(group["seed"].astype(int), group["config_hash"], strict=True)),
                noise=dict(zip(real["metric"], real["value"], strict=True)),
            )
        )
    return points


def step_pairs(first: Sequence[PointSet], second: Sequence[PointSet]) -> set[tuple[int, int]]:
    """Pairs of step counts of two sides: those in common, or else all pairs.

    A side of 25 steps is compared with another's 25 rather than its 100, and with a GAN's 1.
    """
    own, other = ({point.steps for point in points} for points in (first, second))
    if own & other:
        return {(steps, steps) for steps in own & other}
    return {(steps, others) for steps in own for others in other}


def select_points(
    results: Path, model: str | None, param_value: float | None, *, dataset: str | None = None
) -> list[PointSet]:
    """Points of a results folder; None takes every model, parameter value or dataset.

    Raises:
        FileNotFoundError: no results there.
        ValueError: no point fits; those that are there are named.
    """
    points = point_sets(read_rows(results), results)
    chosen = [
        point
        for point in points
        if model in (None, point.model)
        and param_value in (None, point.param_value)
        and dataset in (None, point.dataset)
    ]
    if not chosen:
        there = ", ".join(f"{point.dataset} {point.name}" for point in points) or "none"
        wanted = f"{dataset or ''} {model or 'any model'}"
        wanted += "" if param_value is None else f" @ {param_value:g}"
        raise ValueError(f"{results}: expected a point of {wanted.strip()}; there: {there}")
    return chosen


def rows_of(points: Sequence[PointSet]) -> list[tuple[Path, pd.DataFrame]]:
    """The rows of points, by their results folder."""
    hashes: dict[Path, set[str]] = {}
    for point in points:
        hashes.setdefault(point.results, set()).update(point.hashes.values())
    found = []
    for results, own in hashes.items():
        rows = read_rows(results)
        found.append((results, rows[rows["config_hash"].isin(own)]))
    return found
