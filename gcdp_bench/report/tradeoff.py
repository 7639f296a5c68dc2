"""FID against text-image correspondence over each model's sampling parameter (Figures 6a and 7)."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gcdp_bench.metrics.centres import centres
from gcdp_bench.metrics.lookup import lookup
from gcdp_bench.report.labels import Label, write_labels
from gcdp_bench.report.style import colour, colours, marker, plain, title
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL
from gcdp_bench.results.summary import param_symbol, primary_totals

REFERENCE_STYLES = {REAL_OWN: "--", REAL_SHUFFLED: ":"}
LINE_STYLES = ("-", "--", "-.", ":")
MOST_LABELS = 300
"""Values beside points above which none is written: nobody could read them."""

OFF = 1.0
"""Value at which neither guidance nor truncation does anything."""


def draw_tradeoff(rows: pd.DataFrame, metric: str) -> Figure | None:
    """One curve per model and number of steps, one marker per value of its sampling parameter.

    The value is written beside the marker, of up to `MOST_LABELS` points; the legend says which
    parameter a model has; a hollow marker is the value 1, where it is off. Seeds are averaged; with
    several, single seeds are faint markers. Crosses are 95 % intervals of a single seed; FID is the
    bias-corrected one, to which they belong. Vertical lines are real images with their own and with
    shuffled captions, the horizontal one is what FID is between real images.

    Args:
        rows: tidy rows of one dataset.
        metric: one whose definition has a curve.

    Returns:
        The figure, or None where no point has both the metric and an FID.
    """
    definition = lookup(metric)
    assert definition.curve is not None
    label, factor = definition.curve.label, 100.0 if definition.percent else 1.0
    totals = primary_totals(rows)
    points = _points(totals, metric, factor)
    if not len(points):
        return None
    figure = Figure(figsize=(5.2, 4.6))
    axes = figure.subplots()
    models = sorted(points["model"].unique(), reverse=True)
    tones = colours(models)
    labels = []
    for model in models:
        labels += _draw_model(axes, points[points["model"] == model], model, tones[model])
    _draw_real(axes, totals, metric, factor)
    axes.set_xlabel(f"{label}, higher is better")
    axes.set_ylabel(f"{_fid_name(totals)}, lower is better")
    axes.margins(0.1)
    axes.autoscale_view()
    are_labelled = len(labels) <= MOST_LABELS
    if are_labelled:
        write_labels(axes, labels)
    figure.legend(
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=7.5,
        title=_parameters(points, are_labelled=are_labelled),
        title_fontsize=7.5,
    )
    axes.set_title(f"FID–{label.replace(' (%)', '')} trade-off, {plain(rows['dataset'].iloc[0])}")
    sns.despine(figure)
    return figure


def _points(totals: pd.DataFrame, metric: str, factor: float) -> pd.DataFrame:
    """One line per model, setting and seed that has both: `fid`, `correspondence`, and the lengths
    of their intervals below and above.
    """
    generated = totals[totals["source"] == "generated"]
    key = ["model", "param_name", "steps", "param_value", "seed", "config_hash"]
    parts = []
    for name, column, scale in (("fid", "fid", 1.0), (metric, "correspondence", factor)):
        part = generated[generated["metric"] == name].set_index(key)
        centre = centres(part)
        lengths = {"below": centre - part["ci_low"], "above": part["ci_high"] - centre}
        arms = {f"{column}_{end}": length for end, length in lengths.items()}
        parts.append(scale * pd.DataFrame({column: centre} | arms))
    return parts[0].join(parts[1]).dropna(subset=["fid", "correspondence"]).reset_index()


def _draw_real(axes: Axes, totals: pd.DataFrame, metric: str, factor: float) -> None:
    """Lines of real images, where there are any."""
    for model, line in REFERENCE_STYLES.items():
        values = totals[(totals["model"] == model) & (totals["metric"] == metric)]["value"]
        if len(values):
            axes.axvline(
                factor * values.mean(),
                color=colour(model),
                linestyle=line,
                linewidth=1.2,
                label=plain(title(model)),
                zorder=1,
            )
    floor = centres(totals[(totals["model"] == REAL_VS_REAL) & (totals["metric"] == "fid")])
    if len(floor):
        axes.axhline(
            floor.mean(),
            color=colour(REAL_VS_REAL),
            linestyle="-.",
            linewidth=1.0,
            label=title(REAL_VS_REAL),
            zorder=1,
        )


def _draw_model(axes: Axes, points: pd.DataFrame, model: str, tone: str) -> list[Label]:
    """Draw the curves of one model; returns what is to be written beside its points."""
    labels = []
    if points["seed"].nunique() > 1:
        axes.scatter(
            points["correspondence"],
            points["fid"],
            color=tone,
            marker=marker(model),
            s=14,
            alpha=0.3,
            linewidths=0,
        )
    several = points["steps"].nunique() > 1
    for number, (steps, part) in enumerate(points.groupby("steps")):
        columns = [
            f"{name}{end}" for name in ("correspondence", "fid") for end in ("", "_below", "_above")
        ]
        mean = part.groupby("param_value")[columns].mean().reset_index()
        param = part["param_name"].iloc[0]
        name = plain(title(model))
        name = name if param == "none" else f"{name} ({param_symbol(param)})"
        axes.plot(
            mean["correspondence"],
            mean["fid"],
            color=tone,
            marker=marker(model),
            markersize=5.5,
            linestyle=LINE_STYLES[number % len(LINE_STYLES)],
            label=f"{name}, {steps} steps" if several else name,
        )
        down, left = (
            mean[[f"{name}_below", f"{name}_above"]].to_numpy(float).T.clip(0.0)
            for name in ("fid", "correspondence")
        )
        axes.errorbar(
            mean["correspondence"],
            mean["fid"],
            down,
            left,
            fmt="none",
            ecolor=tone,
            alpha=0.3,
            elinewidth=0.8,
            zorder=1,
        )
        if param != "none":
            off = mean[mean["param_value"] == OFF]
            axes.plot(
                off["correspondence"],
                off["fid"],
                color=tone,
                marker=marker(model),
                markersize=5.5,
                markerfacecolor="white",
                linestyle="none",
            )
            labels += [
                Label(x, y, f"{value:g}", tone)
                for value, x, y in mean[["param_value", "correspondence", "fid"]].to_numpy(float)
            ]
    return labels


def _parameters(points: pd.DataFrame, *, are_labelled: bool) -> str | None:
    """Names of the parameters, whose values are the numbers at the points, if there are any."""
    params = [param for param in sorted(points["param_name"].unique()) if param != "none"]
    if not params:
        return None
    named = ", ".join(f"{param_symbol(param)}: {param}" for param in params)
    numbers = "numbers at points are values of " if are_labelled else ""
    return f"{numbers}{named}; hollow: 1 (off)"


def _fid_name(totals: pd.DataFrame) -> str:
    row = totals[totals["metric"] == "fid"].iloc[0]
    corrected = "" if pd.isna(row["corrected"]) else ", bias-corrected"
    return f"{row['fid_metric']}{corrected} ({row['extractor']})"
