"""Per-class recall beside class proportions on a log scale (Figures 6b and 6c)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from gcdp_bench.report.best import best_setting
from gcdp_bench.report.style import colours, title
from gcdp_bench.rows import CEILING, FLOOR, REFERENCE_MODELS

BAR_HEIGHT_INCH = 0.16


def draw_recall(rows: pd.DataFrame, classes: pd.DataFrame) -> Figure:
    """Classes from frequent to rare: recall of every model, and the share in pixels and images.

    Each model is shown at the knob value of its lowest FID, values and 95 % intervals averaged over
    seeds; marks are real images with their own (|) and with shuffled captions (x).

    Args:
        rows: tidy rows of one dataset.
        classes: `classes.parquet` of the dataset.
    """
    recall = rows[(rows["metric"] == "semantic_recall") & (rows["class"] != "all")]
    recall = recall[recall["primary"] & recall["seed"].notna()]
    recall = recall[recall.groupby("class")["value"].transform("count") > 0]
    classes = classes[classes["class"].isin(recall["class"])]
    classes = classes.sort_values("pixel_share", ascending=False, ignore_index=True)
    order = {name: place for place, name in enumerate(classes["class"])}
    models = sorted(set(recall["model"]) - set(REFERENCE_MODELS), reverse=True)

    height = 1.4 + BAR_HEIGHT_INCH * len(order) * (len(models) + 1)
    figure = Figure(figsize=(8.4, height))
    bars, shares = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    thickness = 0.8 / max(1, len(models))
    tones = colours(models)
    for number, model in enumerate(models):
        best = best_setting(rows, model)
        ends = ["value", "ci_low", "ci_high"]
        means, low, high = (100 * best.rows(recall).groupby("class")[ends].mean()).to_numpy().T
        names = sorted(best.rows(recall)["class"].unique())
        places = np.array([order[name] for name in names])  # (K,)
        bars.barh(places + (number - (len(models) - 1) / 2) * thickness, means, thickness,
                  color=tones[model], label=best.label,
                  xerr=np.clip([means - low, high - means], 0, None),
                  error_kw={"elinewidth": 0.6, "ecolor": "#444444"})  # fmt: skip
    for model, marker in ((CEILING, "|"), (FLOOR, "x")):
        means = recall[recall["model"] == model].groupby("class")["value"].mean()
        places = [order[name] for name in means.index]
        bars.scatter(100 * means, places, marker=marker, s=46 if marker == "|" else 20,
                     color="black", linewidths=1.3, label=title(model), zorder=3)  # fmt: skip
    bars.set_yticks(list(order.values()), list(order))
    bars.set_ylim(len(order) - 0.4, -0.6)
    bars.set_xlim(0, 102)
    bars.set_xlabel("Semantic Recall of the class (%)")
    bars.set_title("(b) Semantic Recall per class")

    places = np.arange(len(order))
    shares.barh(places - 0.2, 100 * classes["pixel_share"], 0.4, color="#555555", label="pixels")
    shares.barh(places + 0.2, 100 * classes["image_share"], 0.4, color="#bbbbbb", label="images")
    shares.set_xscale("log")
    shares.set_xlabel("share of the real split (%), log scale")
    shares.set_title("(c) Proportion of classes")
    figure.legend(*_legend(bars, shares), loc="outside lower center", ncols=3, frameon=False,
                  fontsize=7.5)  # fmt: skip
    sns.despine(figure)
    return figure


def _legend(*axes) -> tuple[list, list[str]]:
    pairs = [one.get_legend_handles_labels() for one in axes]
    return sum((handles for handles, _ in pairs), []), sum((labels for _, labels in pairs), [])
