"""Metrics above, gaps below, against the share of training data."""

from __future__ import annotations

import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from gcdp_bench.analysis.scarcity import Scarcity
from gcdp_bench.metrics.centres import centres
from gcdp_bench.metrics.lookup import is_percent
from gcdp_bench.report.style import colours, errors, marker, title
from gcdp_bench.results.summary import TITLES

PANEL_INCH = (2.5, 2.0)
METRICS = ("fid", "semantic_recall", "semantic_precision", "clip-x100", "attribute_recall")


def draw_scarcity(found: Scarcity) -> Figure:
    """A column per metric; lines are models that stand at two fractions or more, bars 95 %
    intervals.

    Below, the model minus each other one: an interval that holds 0 shows no difference.

    Args:
        found: of `analyze_scarcity`.
    """
    values, gaps = found.values, found.gaps
    metrics = [name for name in METRICS if name in set(values["metric"])]
    num_fractions = values.groupby("model", sort=False)["fraction"].nunique()
    models = list(num_fractions[num_fractions > 1].index)
    fractions = sorted(values["fraction"].unique())
    tones = colours(models)
    width, height = PANEL_INCH
    figure = Figure(figsize=(width * len(metrics) + 0.4, 2 * height + 0.6))
    panels = figure.subplots(2, len(metrics), squeeze=False, sharex=True)
    for column, metric in enumerate(metrics):
        factor = 100.0 if is_percent(metric) else 1.0
        above, below = panels[:, column]
        for panel, table, key, value in (
            (above, values, "model", "value"),
            (below, gaps, "against", "difference"),
        ):
            for model in models:
                own = table[(table["metric"] == metric) & (table[key] == model)]
                if not len(own):
                    continue
                own = own.assign(**{value: centres(own, value)})
                panel.errorbar(
                    own["fraction"],
                    factor * own[value],
                    errors(own, value, factor),
                    color=tones[model],
                    marker=marker(model),
                    markersize=4,
                    capsize=2,
                    linewidth=1.2,
                    label=title(model),
                )
        below.axhline(0.0, color="#555555", linewidth=0.8, zorder=1)
        above.set_title(TITLES[metric], fontsize=9)
        below.set_xscale("log")
        below.set_xticks(fractions, [f"{fraction} %" for fraction in fractions])
        below.xaxis.set_minor_locator(NullLocator())
    model = gaps["model"].iloc[0]
    panels[0, 0].set_ylabel("value")
    panels[1, 0].set_ylabel(f"{title(model)}\nminus the other model")
    figure.supxlabel(f"training data, share of {values['family'].iloc[0]}-100", fontsize=9)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(models), frameon=False)
    sns.despine(figure)
    return figure
