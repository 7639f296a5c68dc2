"""Pairs that were drawn from one of their sides (Figure 9)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from gcdp_bench.analysis.outpainting import OutpaintingAnalysis
from gcdp_bench.core.palette import colourise
from gcdp_bench.report.style import show_picture

PICTURE_WIDTH_INCH = 1.5
TITLES = (
    "true layout",
    "image drawn from it",
    "true image",
    "layout drawn from it",
    "segmenter's layout",
)


def draw_outpainting(found: OutpaintingAnalysis, class_names: Sequence[str]) -> Figure:
    """A row per pair: layout, image drawn from it, image, layout drawn from it, segmenter's layout.

    Args:
        found: of `analyze_outpainting`.
        class_names: of the layouts.
    """
    num = len(found.segmented)
    height, width = found.real[0].layout.shape

    def layouts(parts: Sequence[Tensor]) -> Tensor:
        return colourise(torch.stack(list(parts)), class_names)  # (N, 3, H, W)

    columns = (
        layouts([triplet.layout for triplet in found.real[:num]]),
        torch.stack([found.images[index].image for index in range(num)]),
        torch.stack([triplet.image for triplet in found.real[:num]]),
        layouts([found.layouts[index].layout for index in range(num)]),
        layouts(list(found.segmented)),
    )
    line_height = PICTURE_WIDTH_INCH * height / width + 0.05
    figure = Figure(figsize=(PICTURE_WIDTH_INCH * len(columns), 0.35 + line_height * num))
    panels = figure.subplots(num, len(columns), squeeze=False)
    for line, pictures in zip(panels.T, columns, strict=True):
        for panel, picture in zip(line, pictures, strict=True):
            show_picture(panel, picture.permute(1, 2, 0).numpy())
    for panel, title in zip(panels[0], TITLES, strict=True):
        panel.set_title(title, fontsize=8)
    return figure
