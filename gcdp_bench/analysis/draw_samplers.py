"""Quality of a cascade's samples against the time of sampling, a line per sampler."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Literal

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from gcdp_bench.analysis.samplers import BASELINE, YES
from gcdp_bench.comparison.non_inferiority import FID_MARGIN, RECALL_MARGIN
from gcdp_bench.core.sampling_config import ANCESTRAL, DDIM, DPM_SOLVER
from gcdp_bench.report.style import title

NAMES = {ANCESTRAL: "ancestral", DDIM: "DDIM", DPM_SOLVER: "DPM-Solver++(2M)"}
COLOURS = {ANCESTRAL: "#444444", DDIM: "#de8f05", DPM_SOLVER: "#0173b2"}
Style = Literal["-", "--", ":", "-."]
LINES: tuple[Style, ...] = ("-", "--", "-.", ":")
"""Line styles of intervals, in their order; further ones begin again."""
PANELS = {"fid": 1.0, "miou": 100.0, "recall": 100.0}
"""Panel -> factor of its values."""
WIDTH_INCH, HEIGHT_INCH = 3.1, 3.3
GREY = "#777777"


def draw_samplers(table: pd.DataFrame) -> Figure:
    """A panel each for Fréchet distance, mIoU of image and layout (where there are layouts) and
    Semantic Recall over seconds per sample.

    Colours are samplers, line styles the noise levels at which guidance acts and the precision.
    Values are the
    baseline's, the grey line, plus the paired difference to it, and bars its 95 % interval. A
    filled marker is non-inferior: no bar crosses the dotted lines of the margins.

    Args:
        table: of `samplers.analyze_samplers`.
    """
    table = table.assign(way=[_way(line) for line in table.to_dict("records")])
    panels = {name: factor for name, factor in PANELS.items() if table[name].notna().any()}
    figure = Figure(figsize=(WIDTH_INCH * len(panels), HEIGHT_INCH))
    styles = _styles(table)
    for panel, (name, factor) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        _draw_panel(panel, _points(table, name, factor), styles)
        _draw_margin(panel, name, _points(table, name, factor))
        panel.set_title(_panel_title(table, name))
    _draw_legend(figure, table, styles)
    sns.despine(figure)
    return figure


def _points(table: pd.DataFrame, name: str, factor: float) -> pd.DataFrame:
    """Columns that say where and how a point is drawn; `value`, `low` and `high` of a metric."""
    baseline = table.iloc[0]
    assert baseline["non_inferior"] == BASELINE
    centre = _centres(table, name).iloc[0]
    difference = _centres(table, f"{name}_difference").fillna(0.0)
    drawn = table[["sampler", "way", "steps", "seconds", "non_inferior"]]
    return drawn.assign(
        value=factor * (centre + difference),
        low=factor * (centre + table[f"{name}_difference_low"]),
        high=factor * (centre + table[f"{name}_difference_high"]),
    )


def _centres(table: pd.DataFrame, name: str) -> pd.Series:
    """Values that the intervals belong to."""
    corrected = f"{name}_corrected"
    return table[corrected].fillna(table[name]) if corrected in table else table[name]


def _styles(table: pd.DataFrame) -> dict[str, Style]:
    """Line style of each interval and precision."""
    return {way: LINES[place % len(LINES)] for place, way in enumerate(table["way"].unique())}


def _way(line: Mapping[Hashable, Any]) -> str:
    """Noise levels and precision, for the legend."""
    interval, precision = line["guidance_interval"], line["precision"]
    levels = "at every level" if interval == "none" else rf"at $\sigma$ {interval}"
    return f"guidance {levels}" + (f", {precision}" if precision != "float32" else "")


def _draw_panel(panel: Axes, points: pd.DataFrame, styles: Mapping[str, Style]) -> None:
    is_labelled = True  # points of the first line say their steps
    for _, line in points.groupby(["sampler", "way"], sort=False):
        line = line.sort_values("steps")
        sampler, way = line[["sampler", "way"]].iloc[0]
        tone = COLOURS[sampler]
        panel.plot(line["seconds"], line["value"], color=tone, linestyle=styles[way], linewidth=1.3)
        panel.vlines(
            line["seconds"], line["low"], line["high"], color=tone, linewidth=0.9, alpha=0.6
        )
        for point in line.to_dict("records"):
            _draw_marker(panel, point, tone)
            if is_labelled:
                panel.annotate(
                    str(point["steps"]),
                    (point["seconds"], point["value"]),
                    xytext=(4, 4),
                    textcoords="offset points",
                    fontsize=7,
                    color=tone,
                )
        is_labelled = False
    panel.axhline(points["value"].iloc[0], color=GREY, linewidth=0.9, zorder=1)
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.set_xlabel("seconds per sample")


def _draw_marker(panel: Axes, point: Mapping[Hashable, Any], tone: str) -> None:
    is_baseline = point["non_inferior"] == BASELINE
    panel.plot(
        [point["seconds"]],
        [point["value"]],
        marker="*" if is_baseline else "o",
        markersize=10 if is_baseline else 5,
        color=tone,
        markerfacecolor=tone if point["non_inferior"] in (YES, BASELINE) else "white",
        zorder=4,
    )


def _draw_margin(panel: Axes, name: str, points: pd.DataFrame) -> None:
    """The end of an interval that crosses this line makes a point inferior; mIoU has none."""
    baseline = points["value"].iloc[0]
    margins = {
        "fid": baseline * (1.0 + FID_MARGIN),
        "recall": baseline - RECALL_MARGIN * PANELS["recall"],
    }
    if name in margins:
        panel.axhline(margins[name], color=GREY, linestyle=":", linewidth=1.2, zorder=1)


def _draw_legend(figure: Figure, table: pd.DataFrame, styles: Mapping[str, Style]) -> None:
    samplers = [
        Line2D([], [], color=tone, linewidth=1.6, label=NAMES[sampler])
        for sampler, tone in COLOURS.items()
        if (table["sampler"] == sampler).any()
    ]
    ways = [
        Line2D([], [], color="black", linestyle=style, linewidth=1.1, label=way)
        for way, style in styles.items()
    ]
    baseline = table[table["non_inferior"] == BASELINE].iloc[0]
    shared: dict[str, Any] = {"color": GREY, "linestyle": "none"}
    markers = [
        Line2D([], [], marker="*", label=f"baseline, {baseline['steps']} steps", **shared),
        Line2D([], [], color=GREY, linestyle=":", label="margin of non-inferiority"),
        Line2D([], [], marker="o", label="non-inferior", **shared),
        Line2D([], [], marker="o", markerfacecolor="white", label="not shown to be", **shared),
    ]
    figure.legend(
        handles=[*samplers, *ways, *markers],
        title=f"{title(baseline['model'])}; numbers: steps; bars: 95 % intervals of differences to "
        "the baseline",
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=7.5,
        title_fontsize=8,
    )


def _panel_title(table: pd.DataFrame, name: str) -> str:
    if name != "fid":
        return {"miou": "mIoU of image and layout % ↑", "recall": "Semantic Recall % ↑"}[name]
    kind, _, features = table["fid_name"].iloc[0].partition("-")
    return f"{kind.upper()} ({features}) ↓"
