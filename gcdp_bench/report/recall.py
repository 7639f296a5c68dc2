"""Per-class recall beside class proportions on a log scale (Figures 6b and 6c)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from gcdp_bench.report.bars import draw_bars
from gcdp_bench.report.best import best_setting
from gcdp_bench.results.schema import REFERENCE_MODELS, generators

BAR_HEIGHT_INCH = 0.16


def draw_recall(rows: pd.DataFrame, classes: pd.DataFrame) -> Figure:
    """Classes from frequent to rare: recall of every model, and the share in pixels and images.

    Each model is shown at the parameter value of its lowest FID, values and 95 % intervals averaged
    over seeds; marks are real images with their own (|) and with shuffled captions (x).

    Args:
        rows: tidy rows of one dataset.
        classes: `classes.parquet` of the dataset.
    """
    recall = rows[(rows["metric"] == "semantic_recall") & (rows["class"] != "all")]
    recall = recall[recall["primary"] & recall["seed"].notna()]
    recall = recall[recall.groupby("class")["value"].transform("count") > 0]
    classes = classes[classes["class"].isin(recall["class"])]
    classes = classes.sort_values("pixel_share", ascending=False, ignore_index=True)
    names = list(classes["class"])
    models = generators(recall)
    best = {model: best_setting(rows, model) for model in models}
    shown = [setting.rows(recall) for setting in best.values()]
    shown.append(recall[recall["model"].isin(REFERENCE_MODELS)])
    ends = ["value", "ci_low", "ci_high"]
    means = pd.concat(shown).groupby(["model", "class"])[ends].mean().reset_index()

    height = 1.4 + BAR_HEIGHT_INCH * len(names) * (len(models) + 1)
    figure = Figure(figsize=(8.4, height))
    bars, shares = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    draw_bars(bars, means, names, {model: setting.label for model, setting in best.items()})
    bars.set_xlabel("Semantic Recall of the class (%)")
    bars.set_title("Semantic Recall per class")

    places = np.arange(len(names))
    shares.barh(places - 0.2, 100 * classes["pixel_share"], 0.4, color="#555555", label="pixels")
    shares.barh(places + 0.2, 100 * classes["image_share"], 0.4, color="#bbbbbb", label="images")
    shares.set_xscale("log")
    shares.set_xlabel("share of the real split (%), log scale")
    shares.set_title("Proportion of classes")
    figure.legend(
        *_legend(bars, shares), loc="outside lower center", ncols=3, frameon=False, fontsize=7.5
    )
    sns.despine(figure)
    return figure


def _legend(*axes) -> tuple[list, list[str]]:
    pairs = [one.get_legend_handles_labels() for one in axes]
    return sum((handles for handles, _ in pairs), []), sum((labels for _, labels in pairs), [])
