"""Rows to tables that people read: one line per point, and the paper's Table 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from gcdp_bench.rows import REFERENCE_MODELS

POINT = ["dataset", "model", "guidance", "steps", "num_captions"]
"""Columns that name a line of the summary; seeds are averaged."""

FID_METRICS = ("fid-tf1", "fid-hrnet")
LOWER_IS_BETTER = ("fid", "fsd_generated", "fsd_predicted", "false_detection_rate")
PERCENT = ("semantic_recall", "semantic_precision", "false_detection_rate", "miou")
SUMMARY = ("fid", "semantic_recall", "semantic_precision", "false_detection_rate", "miou",
           "fsd_generated", "fsd_predicted", "clip_score")  # fmt: skip
UNDEFINED = "–"


@dataclass(frozen=True)
class Published:
    """A line of the paper's Table 1; mIoU in percent, None where the paper has a dash."""

    method: str
    fid: float
    miou: float | None
    fsd: float


PAPER_TABLE_1 = (
    Published("GANformer (paper)", 24.86, None, 481.5),
    Published("DatasetDDPM (paper)", 55.38, 33.88, 90.31),
    Published("Semantic Palette (paper)", 52.13, 53.17, 48.29),
    Published("GCDP (paper)", 20.36, 65.80, 42.22),
)
PAPER_PROTOCOL = "Cityscapes, 512x256; protocol unknown: samples, reference split, resize"


def summary_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One line per point: totals of every metric, averaged over the sampling seeds.

    Args:
        rows: tidy rows of `gcdp_bench.rows`.

    Returns:
        Columns `POINT`, `num_seeds`, `SUMMARY` (shares in [0, 1]; FSD on the percent scale; NaN
        where undefined) and `fid_metric`; reference rows last.
    """
    totals = rows[rows["class"] == "all"].copy()
    totals["fid_metric"] = totals["metric"].where(totals["metric"].isin(FID_METRICS))
    totals["metric"] = totals["metric"].where(totals["fid_metric"].isna(), "fid")
    # A caption that names nothing has no recall: the number of captions is the image count.
    totals["num_captions"] = totals.groupby("config_hash")["num_samples"].transform("max")
    totals = totals[totals["metric"].isin(SUMMARY)]
    groups = totals.groupby([*POINT, "metric"], dropna=False)["value"].mean().unstack("metric")
    table = groups.reindex(columns=list(SUMMARY)).reset_index()
    table.columns.name = None
    named = totals.groupby(POINT, dropna=False)
    extra = named.agg(
        num_seeds=("seed", "nunique"), fid_metric=("fid_metric", "first"), demo=("demo", "any")
    ).reset_index()
    table = table.merge(extra, on=POINT, how="left")
    table["reference"] = table["model"].isin(REFERENCE_MODELS)
    table = table.sort_values(
        ["dataset", "reference", "model", "steps", "guidance"],
        ascending=[True, True, False, True, True],
        ignore_index=True,
    )
    return table.drop(columns="reference")


def table_1(summary: pd.DataFrame) -> pd.DataFrame:
    """The paper's Table 1: every method at the guidance of its lowest FID, and the printed values.

    FSD is that of the generated layouts; of the segmenter's layouts where the method makes none,
    as the paper does for GANformer. mIoU needs generated layouts.

    Returns:
        Columns `method`, `data`, `fid`, `miou` (percent), `fsd`, `guidance`, `protocol`.
    """
    lines = []
    generated_lines = summary[~summary["model"].isin(REFERENCE_MODELS)]
    for _, points in generated_lines.groupby(["dataset", "model"], sort=False):
        best = points.iloc[int(points["fid"].argmin())]
        generated = best["fsd_generated"]
        lines.append(
            {
                "method": best["model"],
                "data": best["dataset"],
                "fid": best["fid"],
                "miou": best["miou"] * 100.0,
                "fsd": best["fsd_predicted"] if math.isnan(generated) else generated,
                "guidance": best["guidance"],
                "protocol": f"{best['fid_metric']}, {best['num_captions']} captions, "
                f"{best['num_seeds']} sampling seed(s)",
            }
        )
    for line in PAPER_TABLE_1:
        lines.append(
            {
                "method": line.method,
                "data": "cityscapes",
                "fid": line.fid,
                "miou": math.nan if line.miou is None else line.miou,
                "fsd": line.fsd,
                "guidance": math.nan,
                "protocol": PAPER_PROTOCOL,
            }
        )
    return pd.DataFrame(lines)


def readable(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary as text: shares in percent, undefined values as a dash.

    Returns:
        One text column per shown quantity, titles for people.
    """
    shown = pd.DataFrame(
        {
            "dataset": summary["dataset"],
            "model": summary["model"],
            "guidance": [number(value, "{:g}") for value in summary["guidance"]],
            "captions x seeds": [
                f"{captions} x {seeds}"
                for captions, seeds in zip(
                    summary["num_captions"], summary["num_seeds"], strict=True
                )
            ],
        }
    )
    for metric, title in TITLES.items():
        factor = 100.0 if metric in PERCENT else 1.0
        pattern = "{:.2f}" if metric == "fid" else "{:.1f}"
        shown[title] = [number(value * factor, pattern) for value in summary[metric]]
    return shown


TITLES = {
    "fid": "FID ↓",
    "semantic_recall": "Sem. recall % ↑",
    "semantic_precision": "Sem. precision % ↑",
    "false_detection_rate": "unnamed found % ↓",
    "miou": "mIoU % ↑",
    "fsd_generated": "FSD layouts ↓",
    "fsd_predicted": "FSD segmented ↓",
    "clip_score": "CLIP score ↑",
}


def number(value: float, pattern: str = "{:.2f}") -> str:
    """A formatted number, or the dash of an undefined one."""
    return UNDEFINED if pd.isna(value) else pattern.format(value)
