"""Every two models of a results folder: at equal guidance, and at the nearest FID."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gcdp_bench.compare.paired import COLUMNS, compare_pair
from gcdp_bench.compare.points import PointSet, point_sets

MODEL_COLUMNS = ("matched_by", "fid_a", "fid_b", *COLUMNS)


def compare_models(rows: pd.DataFrame, results: Path) -> pd.DataFrame:
    """One model minus another, totals only; see `paired.compare_pair`.

    Args:
        rows: tidy rows.
        results: folder that they come from.

    Returns:
        One row per pair of points and metric; columns `MODEL_COLUMNS`.
    """
    lines: list[dict] = []
    points = point_sets(rows, results)
    models = sorted({point.model for point in points}, reverse=True)
    for place, model in enumerate(models):
        for other in models[place + 1 :]:
            for point in points:
                if point.model == model:
                    rivals = [
                        rival
                        for rival in points
                        if (rival.model, rival.dataset, rival.steps)
                        == (other, point.dataset, point.steps)
                    ]
                    lines += _against(point, rivals)
    return pd.DataFrame(lines, columns=list(MODEL_COLUMNS))


def _against(point: PointSet, rivals: list[PointSet]) -> list[dict]:
    """At equal guidance and at the nearest FID; once where these are the same rival."""
    matched = {rival.guidance: "guidance" for rival in rivals if rival.guidance == point.guidance}
    if rivals:
        nearest = min(rivals, key=lambda rival: abs(rival.fid - point.fid)).guidance
        matched[nearest] = "both" if nearest in matched else "fid"
    lines = []
    for rival in rivals:
        if rival.guidance not in matched or not point.hashes.keys() & rival.hashes.keys():
            continue
        how = {"matched_by": matched[rival.guidance], "fid_a": point.fid, "fid_b": rival.fid}
        lines += [how | line for line in compare_pair(point, rival, per_class=False)]
    return lines
