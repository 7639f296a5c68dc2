"""Two models on the same captions: paired differences with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gcdp_bench.metrics.intervals import mean_interval
from gcdp_bench.points import read_point
from gcdp_bench.rows import REFERENCE_MODELS
from gcdp_bench.tables import FID_METRICS

MEASURES = {"recall": 100.0, "precision": 100.0, "clip": 100.0}
"""Value per sample -> factor to the unit shown: percent, percent, CLIP score."""

COLUMNS = (
    *("dataset", "model", "other", "matched_by", "guidance", "other_guidance", "fid", "other_fid"),
    *("measure", "difference", "low", "high", "num_captions", "num_seeds"),
)


def compare_models(rows: pd.DataFrame, results: Path) -> pd.DataFrame:
    """`model` minus `other` for every two generators: at equal guidance, and at the nearest FID.

    A caption's values are averaged over the sampling seeds that both points have; captions are
    then resampled in pairs (`metrics.intervals`). The interval covers the choice of captions and
    sampling noise, not the variance of training.

    Args:
        rows: tidy rows.
        results: folder that they come from.

    Returns:
        One row per pair of points and measure; columns `COLUMNS`.
    """
    points = _points(rows)
    lines: list[dict] = []
    for _, group in points.groupby(["dataset", "steps"], dropna=False):
        models = list(dict.fromkeys(sorted(group["model"], reverse=True)))
        for place, model in enumerate(models):
            for other in models[place + 1 :]:
                own, theirs = group[group["model"] == model], group[group["model"] == other]
                for _, point in own.iterrows():
                    equal = theirs[theirs["guidance"] == point["guidance"]]
                    if len(equal):
                        lines += _difference(point, equal.iloc[0], "guidance", results)
                    nearest = theirs.loc[(theirs["fid"] - point["fid"]).abs().idxmin()]
                    lines += _difference(point, nearest, "fid", results)
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _points(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per generator and guidance: FID averaged over seeds, and seed -> configuration."""
    fid = rows[rows["metric"].isin(FID_METRICS) & ~rows["model"].isin(REFERENCE_MODELS)]
    groups = fid.groupby(["dataset", "steps", "model", "guidance", "num_samples"], dropna=False)
    lines = [
        {
            **dict(zip(("dataset", "steps", "model", "guidance", "num_samples"), key, strict=True)),
            "fid": group["value"].mean(),
            "hashes": dict(zip(group["seed"], group["config_hash"], strict=True)),
        }
        for key, group in groups
    ]
    columns = ["dataset", "steps", "model", "guidance", "num_samples", "fid", "hashes"]
    return pd.DataFrame(lines, columns=columns)


def _difference(
    point: pd.Series, other: pd.Series, matched_by: str, results: Path
) -> Sequence[dict]:
    seeds = sorted(point["hashes"].keys() & other["hashes"].keys())
    if not seeds:
        return []
    own, theirs = (
        _per_caption([side["hashes"][seed] for seed in seeds], results) for side in (point, other)
    )
    lines = []
    for measure, factor in MEASURES.items():
        differences = factor * (own[measure] - theirs[measure]).dropna()
        if len(differences) < 2:
            continue
        interval = mean_interval(differences.to_numpy())
        lines.append(
            {
                "dataset": point["dataset"],
                "model": point["model"],
                "other": other["model"],
                "matched_by": matched_by,
                "guidance": point["guidance"],
                "other_guidance": other["guidance"],
                "fid": point["fid"],
                "other_fid": other["fid"],
                "measure": measure,
                "difference": interval.value,
                "low": interval.low,
                "high": interval.high,
                "num_captions": len(differences),
                "num_seeds": len(seeds),
            }
        )
    return lines


def _per_caption(hashes: Sequence[str], results: Path) -> pd.DataFrame:
    """Values of every caption, averaged over the given points; indexed by sample id."""
    frames = [read_point(results, config_hash).per_sample() for config_hash in hashes]
    return pd.concat(frames).groupby("id")[list(MEASURES)].mean()
