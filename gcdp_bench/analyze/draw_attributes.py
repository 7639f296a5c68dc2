"""Recall of attributes that captions ask for, by model (Figure 1)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from gcdp_bench.report.style import colours, title
from gcdp_bench.rows import CEILING, FLOOR, REFERENCE_MODELS
from gcdp_bench.tables import knob_text

BAR_HEIGHT_INCH = 0.13


def draw_attributes(table: pd.DataFrame) -> Figure:
    """Bars with intervals, the attribute that models miss most on top.

    Marks are real images with their own (|) and with shuffled captions (x).

    Args:
        table: of `named_values` for "attribute_recall".
    """
    drawn = table[~table["model"].isin(REFERENCE_MODELS)]
    models = list(drawn["model"].unique())
    names = list(drawn.groupby("class")["value"].mean().sort_values().index)
    order = {name: place for place, name in enumerate(names)}
    tones = colours(models)
    thickness = 0.82 / len(models)
    figure = Figure(figsize=(6.4, 1.2 + BAR_HEIGHT_INCH * len(names) * (len(models) + 0.8)))
    axes = figure.subplots()
    for number, model in enumerate(models):
        own = drawn[drawn["model"] == model]
        places = own["class"].map(order) + (number - (len(models) - 1) / 2) * thickness
        value, low, high = (100 * own[name].to_numpy() for name in ("value", "ci_low", "ci_high"))
        first = own.iloc[0]
        label = title(model)
        if first["knob"] != "none":
            label = f"{label}, {knob_text(first['knob'], first['guidance'])}"
        axes.barh(places, value, thickness, color=tones[model], label=label,
                  xerr=np.clip([value - low, high - value], 0, None),
                  error_kw={"elinewidth": 0.6, "ecolor": "#444444"})  # fmt: skip
    for model, marker in ((CEILING, "|"), (FLOOR, "x")):
        own = table[(table["model"] == model) & table["class"].isin(names)]
        if len(own):
            axes.scatter(100 * own["value"], own["class"].map(order), marker=marker,
                         s=60 if marker == "|" else 18, color="black", linewidths=1.2,
                         label=title(model), zorder=3)  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 102)
    axes.set_xlabel("Recall of the attribute (%), higher is better")
    axes.set_title(f"Attributes that captions ask for, {table['dataset'].iloc[0]}")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=7.5)
    sns.despine(figure)
    return figure
