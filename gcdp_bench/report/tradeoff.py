"""FID against text-image correspondence over the guidance scale (Figures 6a and 7)."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gcdp_bench.report.style import MARKERS, colour, title
from gcdp_bench.rows import CEILING, FLOOR, REFERENCE_MODELS
from gcdp_bench.tables import primary_totals

AXES = {
    "semantic_recall": ("Semantic Recall (%)", 100.0),
    "clip-x100": ("CLIP score", 1.0),
}
REFERENCE_STYLES = {CEILING: "--", FLOOR: ":"}


def draw_tradeoff(rows: pd.DataFrame, metric: str) -> Figure:
    """One curve per model, one marker per guidance scale (written beside it).

    Seeds are averaged; with several, single seeds are faint markers. Vertical lines are real
    images with their own and with shuffled captions.

    Args:
        rows: tidy rows of one dataset.
        metric: "semantic_recall" or "clip-x100".
    """
    label, factor = AXES[metric]
    points = _points(rows, metric, factor)
    figure = Figure(figsize=(5.2, 3.9))
    axes = figure.subplots()
    generated = points[~points["model"].isin(REFERENCE_MODELS)]
    for model in sorted(generated["model"].unique(), reverse=True):
        _draw_model(axes, generated[generated["model"] == model], model)
    for model, line in REFERENCE_STYLES.items():
        reference = points[points["model"] == model]
        if len(reference):
            axes.axvline(
                reference["correspondence"].mean(),
                color=colour(model), linestyle=line, linewidth=1.2, label=title(model), zorder=1,
            )  # fmt: skip
    axes.set_xlabel(f"{label}, higher is better")
    axes.set_ylabel(f"{_fid_name(rows)}, lower is better")
    axes.margins(0.1)
    axes.legend(frameon=True, fontsize=7.5)
    axes.set_title(f"FID–{label.replace(' (%)', '')} trade-off, {rows['dataset'].iloc[0]}")
    sns.despine(figure)
    return figure


def _points(rows: pd.DataFrame, metric: str, factor: float) -> pd.DataFrame:
    """One line per model, guidance and seed, with `fid` and `correspondence`."""
    totals = primary_totals(rows)
    key = ["model", "steps", "guidance", "seed", "config_hash"]
    fid = totals[totals["metric"] == "fid"][[*key, "value"]]
    other = totals[totals["metric"] == metric][[*key, "value"]]
    points = other.rename(columns={"value": "correspondence"}).merge(
        fid.rename(columns={"value": "fid"})[["config_hash", "fid"]], on="config_hash", how="left"
    )
    points["correspondence"] *= factor
    return points


def _draw_model(axes: Axes, points: pd.DataFrame, model: str) -> None:
    tone, marker = colour(model), MARKERS.get(model, "P")
    if points["seed"].nunique() > 1:
        axes.scatter(points["correspondence"], points["fid"], color=tone, marker=marker,
                     s=14, alpha=0.3, linewidths=0)  # fmt: skip
    for number, (steps, part) in enumerate(points.groupby("steps", dropna=False)):
        mean = part.groupby("guidance")[["correspondence", "fid"]].mean().reset_index()
        several = points["steps"].nunique(dropna=False) > 1
        axes.plot(mean["correspondence"], mean["fid"], color=tone, marker=marker, markersize=5.5,
                  linestyle=("-", "--", "-.", ":")[number % 4],
                  label=f"{title(model)}, {steps} steps" if several else title(model))  # fmt: skip
        for _, point in mean.iterrows():
            axes.annotate(
                f"{point['guidance']:g}",
                (point["correspondence"], point["fid"]),
                textcoords="offset points",
                xytext=(5, 4),
                fontsize=7,
                color=tone,
            )


def _fid_name(rows: pd.DataFrame) -> str:
    totals = primary_totals(rows)
    row = totals[totals["metric"] == "fid"].iloc[0]
    return f"{row['fid_metric']} ({row['extractor']})"
