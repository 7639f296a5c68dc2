"""Recall of attributes that captions ask for, by model (Figure 1)."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from gcdp_bench.report.bars import draw_bars
from gcdp_bench.report.style import plain, title
from gcdp_bench.results.schema import REFERENCE_MODELS
from gcdp_bench.results.summary import param_text

BAR_HEIGHT_INCH = 0.13


def draw_attributes(table: pd.DataFrame) -> Figure:
    """Bars with intervals, the attribute that models miss most on top.

    Marks are real images with their own (|) and with shuffled captions (x).

    Args:
        table: of `named_values` for "attribute_recall".
    """
    drawn = table[~table["model"].isin(REFERENCE_MODELS)]
    labels = {
        str(model): title(str(model))
        if name == "none"
        else f"{title(str(model))}, {param_text(name, value)}"
        for model, name, value in drawn[["model", "param_name", "param_value"]]
        .drop_duplicates()
        .itertuples(index=False)
    }
    names = list(drawn.groupby("class")["value"].mean().sort_values().index)
    figure = Figure(figsize=(6.4, 1.2 + BAR_HEIGHT_INCH * len(names) * (len(labels) + 0.8)))
    axes = figure.subplots()
    draw_bars(axes, table, names, labels)
    axes.set_xlabel("Recall of the attribute (%), higher is better")
    axes.set_title(f"Attributes that captions ask for, {plain(table['dataset'].iloc[0])}")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=7.5)
    sns.despine(figure)
    return figure
