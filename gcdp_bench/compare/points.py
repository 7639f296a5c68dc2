"""Which points are held against each other, and the files behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdp_bench.rows import SPLIT, read_rows
from gcdp_bench.tables import primary_totals


@dataclass(frozen=True)
class PointSet:
    """A model at one value of its knob, with one point per sampling seed."""

    results: Path
    dataset: str
    model: str
    trained_on: str
    knob: str
    guidance: float  # value of the knob
    steps: int
    num_captions: int
    reference: str  # digest of the reference images
    judges: str  # digest of every network that judged
    protocol: str  # suffix of the primary Fréchet distance
    fid: float  # mean over the seeds
    hashes: dict[int, str]  # seed -> configuration
    noise: dict[str, float]  # distance -> its value between real images

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.model} @ {self.guidance:g}"

    def equals_knob(self, other: PointSet) -> bool:
        """Whether both stand at one value of one knob; without a knob there is none to share."""
        return self.knob != "none" and (self.knob, self.guidance) == (other.knob, other.guidance)


def point_sets(rows: pd.DataFrame, results: Path) -> list[PointSet]:
    """Every generator at every value of its knob."""
    totals = primary_totals(rows)
    fid = totals[(totals["metric"] == "fid") & (totals["source"] == "generated")]
    keys = ["dataset", "model", "trained_on", "knob", "guidance", "steps", "num_samples",
            "reference", "judges"]  # fmt: skip
    points = []
    for _, group in fid.groupby(keys, dropna=False, sort=False):
        first = group.iloc[0]
        own = totals["dataset"] == first["dataset"]
        real = totals[own & (totals["model"] == SPLIT)]
        points.append(
            PointSet(
                results=results,
                dataset=first["dataset"],
                model=first["model"],
                trained_on=first["trained_on"],
                knob=first["knob"],
                guidance=float(first["guidance"]),
                steps=int(first["steps"]),
                num_captions=int(first["num_samples"]),
                reference=first["reference"],
                judges=first["judges"],
                protocol=first["fid_metric"].partition("-")[2],
                fid=float(group["value"].mean()),
                hashes=dict(zip(group["seed"].astype(int), group["config_hash"], strict=True)),
                noise=dict(zip(real["metric"], real["value"], strict=True)),
            )
        )
    return points


def step_pairs(first: Sequence[PointSet], second: Sequence[PointSet]) -> set[tuple[int, int]]:
    """Which step counts of two sides face each other: those in common, or else every two.

    A side of 25 steps is compared with another's 25 rather than its 100, and with a GAN's 1.
    """
    own, other = ({point.steps for point in points} for points in (first, second))
    if own & other:
        return {(steps, steps) for steps in own & other}
    return {(steps, others) for steps in own for others in other}


def select_points(
    results: Path, model: str | None, guidance: float | None, *, dataset: str | None = None
) -> list[PointSet]:
    """Points of a results folder; None takes every model, knob value or dataset.

    Raises:
        FileNotFoundError: no results there.
        ValueError: no point fits; those that are there are named.
    """
    points = point_sets(read_rows(results), results)
    chosen = [
        point
        for point in points
        if model in (None, point.model)
        and guidance in (None, point.guidance)
        and dataset in (None, point.dataset)
    ]
    if not chosen:
        there = ", ".join(f"{point.dataset} {point.name}" for point in points) or "none"
        wanted = f"{dataset or ''} {model or 'any model'}"
        wanted += "" if guidance is None else f" @ {guidance:g}"
        raise ValueError(f"{results}: expected a point of {wanted.strip()}; there: {there}")
    return chosen
