"""Recall against class frequency, one panel per model."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from gcdp_bench.analysis.classes import correlation_text
from gcdp_bench.report.style import colours, errors, plain, title

PANEL_INCH = 2.5
NUM_COLUMNS = 3
NUM_NAMED = 3
"""Classes of the lowest recall that are named in a panel."""


def draw_frequency(table: pd.DataFrame, correlations: pd.DataFrame) -> Figure:
    """A point with its interval per class: share of pixels (log) and Semantic Recall.

    Args:
        table: of `class_table`.
        correlations: of `frequency_correlations`; written into the panels.
    """
    models = list(table["model"].unique())
    tones = colours(models)
    num_columns = min(NUM_COLUMNS, len(models))
    num_lines = -(-len(models) // num_columns)
    figure = Figure(figsize=(0.5 + PANEL_INCH * num_columns, 0.3 + PANEL_INCH * num_lines))
    panels = figure.subplots(num_lines, num_columns, squeeze=False, sharex=True, sharey=True)
    for panel in panels.flat[len(models) :]:
        panel.set_axis_off()
    found = correlations.set_index("model")
    for panel, model in zip(panels.flat, models, strict=False):
        own = table[table["model"] == model]
        x, y = 100 * own["pixel_share"], 100 * own["value"]
        panel.errorbar(
            x,
            y,
            errors(own, "value", 100),
            fmt="o",
            color=tones[model],
            markersize=3.5,
            elinewidth=0.7,
            alpha=0.85,
        )
        for _, line in own.nsmallest(NUM_NAMED, "value").iterrows():
            panel.annotate(
                plain(line["class"]),
                (100 * line["pixel_share"], 100 * line["value"]),
                xytext=(4, -3),
                textcoords="offset points",
                fontsize=6.5,
            )
        one = found.loc[model]
        panel.set_title(
            f"{title(model)}\nρ = {correlation_text(one, '.2f')}",
            fontsize=8,
        )
        panel.set_xscale("log")
    figure.supxlabel("share of pixels (%), log scale", fontsize=9)
    figure.supylabel("Semantic Recall of the class (%)", fontsize=9)
    sns.despine(figure)
    return figure
