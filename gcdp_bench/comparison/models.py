"""Every two models of a results folder: at equal parameter values, and at the nearest FID."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gcdp_bench.comparison.measured import Measured
from gcdp_bench.comparison.paired import COLUMNS, compare_pair
from gcdp_bench.comparison.points import PointSet, point_sets, step_pairs

MODEL_COLUMNS = ("matched_by", "fid_a", "fid_b", *COLUMNS)


def compare_models(rows: pd.DataFrame, results: Path) -> pd.DataFrame:
    """One model minus another, totals only; see `paired.compare_pair`.

    Models are compared at the step counts that they share; models that share none, as a diffusion
    model and a GAN, at those that each has.

    Args:
        rows: tidy rows.
        results: folder that they come from.

    Returns:
        One row per pair of points and metric; columns `MODEL_COLUMNS`.
    """
    lines: list[dict] = []
    measured = Measured()
    points = point_sets(rows, results)
    models = sorted({point.model for point in points}, reverse=True)
    for place, model in enumerate(models):
        for other in models[place + 1 :]:
            for dataset in dict.fromkeys(point.dataset for point in points):
                own, others = (
                    [point for point in points if (point.model, point.dataset) == (name, dataset)]
                    for name in (model, other)
                )
                for steps, other_steps in sorted(step_pairs(own, others)):
                    rivals = [rival for rival in others if rival.steps == other_steps]
                    for point in own:
                        if point.steps == steps:
                            lines += _against(point, rivals, measured)
    return pd.DataFrame(lines, columns=list(MODEL_COLUMNS))


def _against(point: PointSet, rivals: list[PointSet], measured: Measured) -> list[dict]:
    """At an equal parameter value and at the nearest FID; once where these are the same rival."""
    matched = {rival.param_value: "param_value" for rival in rivals if rival.equals_param(point)}
    if rivals:
        nearest = min(rivals, key=lambda rival: abs(rival.fid - point.fid)).param_value
        matched[nearest] = "both" if nearest in matched else "fid"
    lines = []
    for rival in rivals:
        if rival.param_value not in matched or not point.hashes.keys() & rival.hashes.keys():
            continue
        how = {"matched_by": matched[rival.param_value], "fid_a": point.fid, "fid_b": rival.fid}
        lines += [
            how | line for line in compare_pair(point, rival, per_class=False, measured=measured)
        ]
    return lines
