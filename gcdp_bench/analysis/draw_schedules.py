"""Label schedules: their levels, when layout and image converge, and the scores of the samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from gcdp_bench.analysis.convergence import CONVERGED, IMAGE, KEPT, PREDICTED, SAMPLED
from gcdp_bench.analysis.schedules import GENERATED, ScheduleAnalysis
from gcdp_bench.metrics.centres import centres
from gcdp_bench.metrics.lookup import is_percent
from gcdp_bench.report.style import colour, errors, title
from gcdp_bench.results.schema import REAL_OWN, REAL_VS_REAL
from gcdp_bench.results.summary import TITLES

Line = Literal["-", "--", "-.", ":"]

FIRST = ("cosine", "cosine-p0.5", "linear")
PANEL_INCH = 1.8
WIDTH_INCH, HEIGHTS_INCH = 8.4, (2.6, 2.0)
IMAGE_COLOUR, NEUTRAL = "#6a2c91", "#777777"
STYLES: dict[str, tuple[Line, float]] = {
    PREDICTED: ("-", 1.8),
    KEPT: ("-.", 1.2),
    SAMPLED: (":", 1.3),
    IMAGE: ("--", 1.4),
}
LABELS = {
    PREDICTED: "labels: predicted = final",
    KEPT: "kept: predicted = last predicted",
    SAMPLED: "sampled $y_t$ = final",
    IMAGE: "image: schedule; $R^2$ predicted",
}
MARKED = {PREDICTED: "labels", KEPT: "kept", IMAGE: "image"}
"""Marked convergence curves and their line styles."""
BARS = ("miou", "semantic_recall", "fid", "fsd_generated", "fsd_predicted")
REAL: dict[str, Line] = {REAL_OWN: "--", REAL_VS_REAL: "-."}


def draw_schedules(found: ScheduleAnalysis) -> Figure:
    """Above: alpha_bar of every schedule; per schedule, agreement with the final pair over t.

    Dots mark where layout and image have converged: from there on their curve stays above 0.9.
    Values of R^2 below 0 are not shown. Below: a panel per metric, a bar per schedule with its 95 %
    interval; lines are real images.

    Args:
        found: of `analyze_schedules`.
    """
    schedules = list(dict.fromkeys(found.order["schedule"]))
    tones = _colours(schedules)
    width = max(WIDTH_INCH, PANEL_INCH * (1 + len(schedules)))
    figure = Figure(figsize=(width, sum(HEIGHTS_INCH)))
    parts: Any = figure.subfigures(2, 1, height_ratios=HEIGHTS_INCH, hspace=0.06)
    above, below = parts
    panels = above.subplots(1, 1 + len(schedules), sharex=True, sharey=True)
    _draw_levels(panels[0], found.levels, tones)
    for panel, schedule in zip(panels[1:], schedules, strict=True):
        _draw_order(panel, found, schedule, tones[schedule])
    panels[0].set_ylim(-0.03, 1.03)
    panels[0].invert_xaxis()
    panels[1].set_ylabel("agreement with end")
    for panel in panels:
        panel.set_xlabel("timestep $t$")
    metrics = [metric for metric in BARS if len(_totals(found.scores, metric))]
    for panel, metric in zip(below.subplots(1, len(metrics)), metrics, strict=True):
        _draw_bars(panel, found.scores, metric, tones)
    _draw_legends(above, below, tones)
    sns.despine(above)
    sns.despine(below)
    return figure


def _colours(schedules: Sequence[str]) -> dict[str, str]:
    """Those of `FIRST` have one colour in every figure."""
    order = [*FIRST, *(name for name in schedules if name not in FIRST)]
    palette = sns.color_palette("colorblind", len(order)).as_hex()
    return {name: palette[order.index(name)] for name in schedules}


def _draw_levels(panel: Axes, levels: pd.DataFrame, tones: Mapping[str, str]) -> None:
    for schedule, tone in tones.items():
        own = levels[(levels["chain"] == "layout") & (levels["schedule"] == schedule)]
        panel.plot(own["t"], own["alpha_bar"], color=tone, linewidth=1.8)
    image = levels[levels["chain"] == "image"]
    panel.plot(image["t"], image["alpha_bar"], color=IMAGE_COLOUR, linestyle="--", linewidth=1.4)
    panel.set_title(r"schedules $\bar\alpha_t$")


def _draw_order(panel: Axes, found: ScheduleAnalysis, schedule: str, tone: str) -> None:
    """One schedule's curves with their intervals, and the t at which they have converged."""
    for quantity, (line, width) in STYLES.items():
        shade = IMAGE_COLOUR if quantity == IMAGE else tone
        own = _rows(found.order, schedule, quantity)
        panel.plot(own["t"], own["value"], color=shade, linestyle=line, linewidth=width)
        panel.fill_between(
            own["t"].to_numpy(float),
            own["ci_low"].to_numpy(float),
            own["ci_high"].to_numpy(float),
            color=shade,
            alpha=0.15,
            linewidth=0,
        )
    panel.axhline(CONVERGED, color=NEUTRAL, linewidth=0.8, zorder=1)
    for place, (quantity, name) in enumerate(MARKED.items()):
        (converged,) = _rows(found.converged, schedule, quantity)["value"]
        shade = IMAGE_COLOUR if quantity == IMAGE else tone
        if not pd.isna(converged):
            panel.plot([converged], [CONVERGED], color=shade, marker="o", markersize=4.5, zorder=4)
        told = "never" if pd.isna(converged) else f"{converged:.0f}"
        panel.text(
            0.99,
            0.23 - 0.095 * place,
            f"{name} {told}",
            color=shade,
            fontsize=7,
            ha="right",
            transform=panel.transAxes,
        )
    panel.set_title(f"labels: {schedule}", color=tone)


def _draw_bars(panel: Axes, scores: pd.DataFrame, metric: str, tones: Mapping[str, str]) -> None:
    factor = 100.0 if is_percent(metric) else 1.0
    totals = _totals(scores, metric)
    totals = totals.assign(value=centres(totals))
    generated = totals[totals["source"] == GENERATED].set_index("schedule").loc[list(tones)]
    panel.bar(
        range(len(tones)),
        factor * generated["value"],
        0.72,
        color=list(tones.values()),
        yerr=errors(generated, "value", factor),
        error_kw={"elinewidth": 0.9, "ecolor": "#333333", "capsize": 2.5},
    )
    for source, line in REAL.items():
        for value in totals[totals["source"] == source]["value"].dropna():
            panel.axhline(factor * value, color=colour(source), linestyle=line, linewidth=1.1)
    panel.set_title(_metric_title(generated["metric"].iloc[0], metric))
    panel.set_xticks([])
    panel.set_xlim(-0.7, len(tones) - 0.3)


def _draw_legends(above: SubFigure, below: SubFigure, tones: Mapping[str, str]) -> None:
    """Line styles above are quantities; colours below are schedules, lines real images."""
    quantities = [
        Line2D(
            [],
            [],
            color=IMAGE_COLOUR if quantity == IMAGE else NEUTRAL,
            linestyle=line,
            linewidth=width,
            label=LABELS[quantity],
        )
        for quantity, (line, width) in STYLES.items()
    ]
    quantities.append(
        Line2D(
            [],
            [],
            color=NEUTRAL,
            linestyle="none",
            marker="o",
            markersize=4.5,
            label="converged; numbers: its $t$",
        )
    )
    sources: list[Artist] = [Patch(color=tone, label=name) for name, tone in tones.items()]
    sources += [
        Line2D([], [], color=colour(source), linestyle=line, linewidth=1.1, label=title(source))
        for source, line in REAL.items()
    ]
    for part, handles in ((above, quantities), (below, sources)):
        part.legend(
            handles=handles,
            loc="outside lower center",
            ncols=len(handles),
            frameon=False,
            fontsize=7.5,
            columnspacing=0.9,
        )


def _rows(table: pd.DataFrame, schedule: str, quantity: str) -> pd.DataFrame:
    return table[(table["schedule"] == schedule) & (table["quantity"] == quantity)]


def _totals(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows over all classes; "fid" is the Fréchet distance in the primary features."""
    totals = scores[scores["class"] == "all"]
    if metric == "fid":
        return totals[totals["metric"].str.startswith(("fid-", "fd-"))]
    return totals[totals["metric"] == metric]


def _metric_title(name: str, metric: str) -> str:
    """Title of a panel; a Fréchet distance says in which features."""
    if metric != "fid":
        return TITLES[metric]
    kind, _, features = name.partition("-")
    return f"{kind.upper()} ({features}) ↓"
