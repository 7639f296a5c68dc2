"""Which points are held against each other, and the files behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdp_bench.rows import SPLIT, read_rows
from gcdp_bench.tables import primary_totals


@dataclass(frozen=True)
class PointSet:
    """A model at one guidance scale, with one point per sampling seed."""

    results: Path
    dataset: str
    model: str
    guidance: float
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


def point_sets(rows: pd.DataFrame, results: Path) -> list[PointSet]:
    """Every generator at every guidance of tidy rows."""
    totals = primary_totals(rows)
    fid = totals[(totals["metric"] == "fid") & (totals["source"] == "generated")]
    keys = ["dataset", "model", "guidance", "steps", "num_samples", "reference", "judges"]
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


def select_points(
    results: Path, model: str | None, guidance: float | None, *, dataset: str | None = None
) -> list[PointSet]:
    """Points of a results folder; None takes every model, guidance scale or dataset.

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
