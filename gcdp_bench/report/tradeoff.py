"""FID against text-image correspondence over the guidance scale (Figures 6a and 7)."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gcdp_bench.report.style import MARKERS, colour, title
from gcdp_bench.rows import CEILING, FLOOR, SPLIT
from gcdp_bench.tables import primary_totals

AXES = {
    "semantic_recall": ("Semantic Recall (%)", 100.0),
    "clip-x100": ("CLIP score", 1.0),
}
REFERENCE_STYLES = {CEILING: "--", FLOOR: ":"}


def draw_tradeoff(rows: pd.DataFrame, metric: str) -> Figure:
    """One curve per model, one marker per guidance scale (written beside it).

    Seeds are averaged; with several, single seeds are faint markers. Crosses are 95 % intervals of
    a single seed. Vertical lines are real images with their own and with shuffled captions, the
    horizontal one is what FID is between real images.

    Args:
        rows: tidy rows of one dataset.
        metric: "semantic_recall" or "clip-x100".
    """
    label, factor = AXES[metric]
    totals = primary_totals(rows)
    points = _points(totals, metric, factor)
    figure = Figure(figsize=(5.2, 3.9))
    axes = figure.subplots()
    for model in sorted(points["model"].unique(), reverse=True):
        _draw_model(axes, points[points["model"] == model], model)
    _draw_real(axes, totals, metric, factor)
    axes.set_xlabel(f"{label}, higher is better")
    axes.set_ylabel(f"{_fid_name(totals)}, lower is better")
    axes.margins(0.1)
    axes.legend(frameon=True, fontsize=7.5)
    axes.set_title(f"FID–{label.replace(' (%)', '')} trade-off, {rows['dataset'].iloc[0]}")
    sns.despine(figure)
    return figure


def _points(totals: pd.DataFrame, metric: str, factor: float) -> pd.DataFrame:
    """One line per model, guidance and seed: `fid`, `correspondence`, and half their intervals."""
    generated = totals[totals["source"] == "generated"]
    key = ["model", "steps", "guidance", "seed", "config_hash"]
    parts = []
    for name, column, scale in (("fid", "fid", 1.0), (metric, "correspondence", factor)):
        part = generated[generated["metric"] == name].set_index(key)
        half = (part["ci_high"] - part["ci_low"]) / 2
        parts.append(pd.DataFrame({column: part["value"] * scale, f"{column}_half": half * scale}))
    return parts[0].join(parts[1]).reset_index()


def _draw_real(axes: Axes, totals: pd.DataFrame, metric: str, factor: float) -> None:
    """Lines of real images, where there are any."""
    for model, line in REFERENCE_STYLES.items():
        values = totals[(totals["model"] == model) & (totals["metric"] == metric)]["value"]
        if len(values):
            axes.axvline(factor * values.mean(), color=colour(model), linestyle=line,
                         linewidth=1.2, label=title(model), zorder=1)  # fmt: skip
    floor = totals[(totals["model"] == SPLIT) & (totals["metric"] == "fid")]["value"]
    if len(floor):
        axes.axhline(floor.mean(), color=colour(SPLIT), linestyle="-.", linewidth=1.0,
                     label=title(SPLIT), zorder=1)  # fmt: skip


def _draw_model(axes: Axes, points: pd.DataFrame, model: str) -> None:
    tone, marker = colour(model), MARKERS.get(model, "P")
    if points["seed"].nunique() > 1:
        axes.scatter(points["correspondence"], points["fid"], color=tone, marker=marker,
                     s=14, alpha=0.3, linewidths=0)  # fmt: skip
    for number, (steps, part) in enumerate(points.groupby("steps", dropna=False)):
        columns = ["correspondence", "fid", "correspondence_half", "fid_half"]
        mean = part.groupby("guidance")[columns].mean().reset_index()
        several = points["steps"].nunique(dropna=False) > 1
        axes.plot(mean["correspondence"], mean["fid"], color=tone, marker=marker, markersize=5.5,
                  linestyle=("-", "--", "-.", ":")[number % 4],
                  label=f"{title(model)}, {steps} steps" if several else title(model))  # fmt: skip
        axes.errorbar(mean["correspondence"], mean["fid"], mean["fid_half"],
                      mean["correspondence_half"], fmt="none", ecolor=tone, alpha=0.3,
                      elinewidth=0.8, zorder=1)  # fmt: skip
        for _, point in mean.iterrows():
            axes.annotate(
                f"{point['guidance']:g}",
                (point["correspondence"], point["fid"]),
                textcoords="offset points",
                xytext=(5, 4),
                fontsize=7,
                color=tone,
            )


def _fid_name(totals: pd.DataFrame) -> str:
    row = totals[totals["metric"] == "fid"].iloc[0]
    return f"{row['fid_metric']} ({row['extractor']})"
