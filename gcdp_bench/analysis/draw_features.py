"""Clusters of internal features beside images, and their agreement with layouts (Figure 8)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gcdp_bench.analysis.features import FeatureAnalysis
from gcdp_bench.core.palette import colourise
from gcdp_bench.report.style import colours, errors, marker, show_picture, title

NUM_SHOWN = 4
PICTURE_WIDTH_INCH = 1.25
METRICS = {"ari": "adjusted Rand", "nmi": "NMI", "probe_miou": "linear-probe mIoU"}


def draw_clusters(found: FeatureAnalysis, block: str, class_names: Sequence[str]) -> Figure:
    """A row per image and model, a column per timestep, from noise to image.

    The first columns are image and true layout. Colours of clusters mean nothing; one model at one
    timestep has the same colours in every image.

    Args:
        found: of `analyze_features`.
        block: whose clusters are shown.
        class_names: of the layouts.
    """
    models = list(dict.fromkeys(model for model, _, _ in found.clusters))
    timesteps = sorted({t for _, _, t in found.clusters}, reverse=True)
    num = min(NUM_SHOWN, len(found.images))
    height, width = found.images.shape[-2:]
    figure = Figure(
        figsize=(
            PICTURE_WIDTH_INCH * (2 + len(timesteps)),
            0.5 + (PICTURE_WIDTH_INCH * height / width + 0.06) * num * len(models),
        )
    )
    panels = figure.subplots(num * len(models), 2 + len(timesteps), squeeze=False)
    layouts = colourise(found.layouts[:num], class_names)
    painted = {(m, t): _painted(found.clusters[m, block, t]) for m in models for t in timesteps}
    for row, line in enumerate(panels):
        index, model = row // len(models), models[row % len(models)]
        pictures: list[NDArray[np.uint8]] = [
            part[index].permute(1, 2, 0).numpy() for part in (found.images, layouts)
        ]
        pictures += [painted[model, t][index] for t in timesteps]
        names = ["image", "true layout", *(f"t = {t}" for t in timesteps)]
        for panel, picture, name in zip(line, pictures, names, strict=True):
            show_picture(panel, picture)
            if row == 0:
                panel.set_title(name, fontsize=8)
        line[0].set_ylabel(model, fontsize=7)
    figure.suptitle(f"k-means of features of block {block}", fontsize=9)
    return figure


def draw_agreement(table: pd.DataFrame) -> Figure:
    """Agreement over t: a row per metric, a column per block, a line per model with intervals.

    Args:
        table: of `FeatureAnalysis`.
    """
    blocks = list(dict.fromkeys(table["block"]))
    models = list(dict.fromkeys(table["model"]))
    tones = colours(models)
    figure = Figure(figsize=(1.2 + 2.3 * len(blocks), 1.9 * len(METRICS) + 0.5))
    panels = figure.subplots(len(METRICS), len(blocks), squeeze=False, sharex=True, sharey="row")
    for line, (metric, label) in zip(panels, METRICS.items(), strict=True):
        for panel, block in zip(line, blocks, strict=True):
            part = table[(table["metric"] == metric) & (table["block"] == block)]
            for model in models:
                own = part[part["model"] == model].sort_values("t")
                panel.errorbar(
                    own["t"],
                    own["value"],
                    errors(own, "value"),
                    color=tones[model],
                    marker=marker(model),
                    markersize=4,
                    capsize=2,
                    linewidth=1.2,
                    label=title(model),
                )
            if metric == "ari":
                panel.set_title(f"block {block}")
        line[0].set_ylabel(label)
        line[0].set_ylim(bottom=0)
    for panel in panels[-1]:
        panel.set_xlabel("timestep t (0: image, T: noise)")
        panel.invert_xaxis()
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(models), frameon=False)
    sns.despine(figure)
    return figure


def _painted(clusters: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Cluster ids (N, H, W) to colours (N, H, W, 3), the largest cluster first in the palette."""
    counts = np.bincount(clusters.ravel())  # (C,)
    palette = np.array(sns.color_palette("tab20", len(counts)))  # (C, 3)
    place = np.empty(len(counts), np.int64)
    place[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return (255 * palette[place[clusters]]).astype(np.uint8)
