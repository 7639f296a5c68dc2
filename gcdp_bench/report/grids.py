"""Sample grids: caption, image, layout, and the layout that the segmenter sees."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from gcdp_bench.datasets.folder import Folder, native_size
from gcdp_bench.images import read_layout
from gcdp_bench.palette import class_colour, colourise
from gcdp_bench.points import Point, read_point
from gcdp_bench.protocols import IGNORE_ID
from gcdp_bench.report.recall import best_guidance
from gcdp_bench.report.style import title
from gcdp_bench.rows import CEILING, REFERENCE_MODELS

NUM_CAPTIONS = 5
PANEL_WIDTH_INCH, CAPTION_WIDTH_INCH, CAPTION_CHARS = 1.55, 2.1, 36


@dataclass(frozen=True)
class _Column:
    """Pictures of one kind, one per caption."""

    group: str
    kind: str  # "image", "layout" or "segmented"
    pictures: Sequence[NDArray[np.uint8]]  # each (H, W, 3)


def draw_models(rows: pd.DataFrame, results: Path) -> Figure | None:
    """Models side by side on the same captions, each at the guidance of its lowest FID.

    Args:
        rows: tidy rows of one dataset.
        results: folder that they come from.

    Returns:
        The figure, or None when there are no samples to show.
    """
    points = [_point(rows, CEILING, None, results)]
    groups = [title(CEILING)]
    for model in _models(rows):
        guidance = best_guidance(rows, model)
        points.append(_point(rows, model, guidance, results))
        groups.append(f"{title(model)}, guidance {guidance:g}")
    return _draw(points, groups)


def draw_guidance(rows: pd.DataFrame, model: str, results: Path) -> Figure | None:
    """One model over its guidance scales, on the same captions with the same noise."""
    scales = sorted(rows[rows["model"] == model]["guidance"].unique())
    points = [_point(rows, model, guidance, results) for guidance in scales]
    return _draw(points, [f"guidance {guidance:g}" for guidance in scales], predicted=False)


def _models(rows: pd.DataFrame) -> list[str]:
    return sorted(set(rows["model"]) - set(REFERENCE_MODELS), reverse=True)


def _point(rows: pd.DataFrame, model: str, guidance: float | None, results: Path) -> Point | None:
    chosen = rows[rows["model"] == model]
    if guidance is not None:
        chosen = chosen[chosen["guidance"] == guidance]
    if not len(chosen):
        return None
    first = chosen.sort_values(["seed", "num_samples"]).iloc[0]
    return read_point(results, first["config_hash"])


def _draw(
    points: Sequence[Point | None], groups: Sequence[str], *, predicted: bool = True
) -> Figure | None:
    columns: list[_Column] = []
    captions: list[str] = []
    shown: set[int] = set()
    names: tuple[str, ...] = ()
    for point, group in zip(points, groups, strict=True):
        if point is None or not point.samples.is_dir():
            continue
        layouts = (point.samples / "layouts").is_dir()
        folder = Folder(point.samples, "test", image_size=native_size(point.samples),
                        require_layouts=layouts)  # fmt: skip
        triplets = [folder[index] for index in range(min(NUM_CAPTIONS, len(folder)))]
        captions, names = [triplet.caption for triplet in triplets], folder.class_names
        columns.append(
            _Column(group, "image", [t.image.permute(1, 2, 0).numpy() for t in triplets])
        )
        kinds = {"layout": [t.layout for t in triplets]} if layouts else {}
        if predicted or not layouts:
            kinds["segmented"] = [read_layout(point.predicted / f"{t.id}.png") for t in triplets]
        for kind, maps in kinds.items():
            shown |= {int(value) for one in maps for value in one.unique()} - {IGNORE_ID}
            pictures = [colourise(one[None], names)[0].permute(1, 2, 0).numpy() for one in maps]
            columns.append(_Column(group, kind, pictures))
    return (
        _compose(columns, captions, [names[index] for index in sorted(shown)]) if columns else None
    )


def _compose(columns: Sequence[_Column], captions: Sequence[str], classes: list[str]) -> Figure:
    height, width, _ = columns[0].pictures[0].shape
    panel_height = PANEL_WIDTH_INCH * height / width
    figure = Figure(
        figsize=(
            CAPTION_WIDTH_INCH + PANEL_WIDTH_INCH * len(columns),
            1.0 + (panel_height + 0.08) * len(captions),
        )
    )
    panels = figure.subplots(
        len(captions), len(columns) + 1, squeeze=False,
        width_ratios=[CAPTION_WIDTH_INCH, *[PANEL_WIDTH_INCH] * len(columns)],
    )  # fmt: skip
    for row, caption in enumerate(captions):
        panels[row, 0].text(
            0.0, 0.5, textwrap.fill(caption, CAPTION_CHARS), fontsize=6.5, va="center",
            transform=panels[row, 0].transAxes,
        )  # fmt: skip
        panels[row, 0].set_axis_off()
        for place, column in enumerate(columns):
            panel = panels[row, place + 1]
            panel.imshow(column.pictures[row], interpolation="nearest")
            panel.set_xticks([])
            panel.set_yticks([])
            panel.grid(False)
    last = ""
    for place, column in enumerate(columns):
        heading = column.group if column.group != last else ""
        panels[0, place + 1].set_title(f"{heading}\n{column.kind}", fontsize=7.5, loc="left")
        last = column.group
    patches = [
        Patch(facecolor="#{:02x}{:02x}{:02x}".format(*class_colour(name)), label=name)
        for name in classes
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=10, frameon=False, fontsize=7)
    return figure
