"""Sample grids: caption, image, layout, and the layout that the segmenter sees."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from gcdp_bench.core.images import read_layout
from gcdp_bench.core.palette import Colour, class_colours, colourise
from gcdp_bench.core.types import IGNORE_ID, Triplet
from gcdp_bench.datasets.folder import Folder, native_size
from gcdp_bench.datasets.folder_files import scan_captions
from gcdp_bench.datasets.manifest import choose_caption
from gcdp_bench.report.best import Setting, best_setting, settings
from gcdp_bench.report.style import plain, title
from gcdp_bench.results.layout import Point, read_point
from gcdp_bench.results.object_store import fetched, store_of
from gcdp_bench.results.schema import REAL_OWN, generators

NUM_CAPTIONS = 5
PANEL_INCH2 = 1.28  # area of one picture, whatever its shape
LABEL_WIDTH_INCH, LABEL_CHARS = 1.4, 17
CAPTION_HEIGHT_INCH, CAPTION_CHARS_PER_INCH = 0.6, 20.0
MAX_CAPTION_CHARS = 400
GAP_INCH = 0.06
GROUP_GAP_INCH = 0.15
LEGEND_INCH = 0.4


@dataclass(frozen=True)
class _Line:
    """Pictures of one kind, one per caption."""

    group: str
    kind: str  # "image", "layout" or "segmented"
    pictures: Sequence[NDArray[np.uint8]]  # each (H, W, 3)


def draw_models(rows: pd.DataFrame, results: Path) -> Figure | None:
    """Models below each other on the same captions, each at the parameter value of its lowest FID.

    A model that makes layouts has a line of them; what the segmenter sees has one for every model.

    Args:
        rows: tidy rows of one dataset.
        results: folder that they come from.

    Returns:
        The figure, or None when there are no samples to show.
    """
    real = rows[rows["model"] == REAL_OWN]
    best = [best_setting(rows, model) for model in _models(rows)]
    points = [_point(real, results), *(_point(one.rows(rows), results) for one in best)]
    return _draw(points, [title(REAL_OWN), *(one.label for one in best)])


def draw_guidance(rows: pd.DataFrame, model: str, results: Path) -> Figure | None:
    """One model over the values of its parameter, on the same captions with the same noise."""
    every = settings(rows, model)
    points = [_point(setting.rows(rows), results) for setting in every]
    return _draw(points, [_value(setting) for setting in every], predicted=False)


def _value(setting: Setting) -> str:
    """A model without a sampling parameter has one line: its own."""
    return setting.value or setting.label


def _models(rows: pd.DataFrame) -> list[str]:
    return generators(rows)


def _point(rows: pd.DataFrame, results: Path) -> Point | None:
    """The first seed's; rows over all seeds have no files."""
    rows = rows[rows["seed"].notna()]
    if not len(rows):
        return None
    first = rows.sort_values(["seed", "num_samples"]).iloc[0]
    return read_point(results, first["config_hash"])


def _manifest(point: Point | None) -> dict[str, str]:
    """Captions by id in the order of the prompts; none where the samples are not there."""
    if point is None:
        return {}
    path = fetched(point.samples, "captions.jsonl", "classes.json") / "captions.jsonl"
    if not point.samples.is_dir():
        return {}
    return {name: choose_caption(texts, name, 0) for name, texts in scan_captions(path)[0].items()}


def _of_same_captions(manifests: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Ids of the first captions that all manifests hold, the same caption at the same place.

    Real images have the ids of their dataset and samples those of their prompts.
    """
    queues: list[dict[str, list[str]]] = []
    for manifest in manifests:
        queue: dict[str, list[str]] = {}
        for name, caption in manifest.items():
            queue.setdefault(caption, []).append(name)
        queues.append(queue)
    columns: list[list[str]] = []
    for caption in manifests[0].values():
        if len(columns) < NUM_CAPTIONS and all(queue.get(caption) for queue in queues):
            columns.append([queue[caption].pop(0) for queue in queues])
    return [list(names) for names in zip(*columns, strict=True)]


def _triplets(samples: Path, ids: Sequence[str]) -> tuple[Folder, list[Triplet]]:
    fetched(samples, *(f"{kind}/{name}.png" for kind in ("images", "layouts") for name in ids))
    folder = Folder(
        samples,
        "test",
        image_size=native_size(samples),
        require_layouts=False,
        strict=store_of(samples) is None,
    )
    return folder, [folder[folder.ids.index(name)] for name in ids]


def _draw(
    points: Sequence[Point | None], groups: Sequence[str], *, predicted: bool = True
) -> Figure | None:
    found = [
        (point, group, manifest)
        for point, group in zip(points, groups, strict=True)
        if point is not None and (manifest := _manifest(point))
    ]
    if not found:
        return None
    lines: list[_Line] = []
    captions: list[str] = []
    shown: set[int] = set()
    names: tuple[str, ...] = ()
    chosen = _of_same_captions([manifest for _, _, manifest in found])
    for (point, group, manifest), ids in zip(found, chosen, strict=False):
        folder, triplets = _triplets(point.samples, ids)
        layouts = folder.has_layouts
        captions, names = [manifest[name] for name in ids], folder.class_names
        lines.append(_Line(group, "image", [t.image.permute(1, 2, 0).numpy() for t in triplets]))
        kinds = {"layout": [t.layout for t in triplets]} if layouts else {}
        if predicted or not layouts:
            kinds["segmented"] = [
                read_layout(fetched(point.predicted / f"{t.id}.png")) for t in triplets
            ]
        for kind, maps in kinds.items():
            shown |= {int(value) for one in maps for value in one.unique()} - {IGNORE_ID}
            pictures = [colourise(one[None], names)[0].permute(1, 2, 0).numpy() for one in maps]
            lines.append(_Line(group, kind, pictures))
    colours = class_colours(names)
    classes = [(names[index], colours[index]) for index in sorted(shown)]
    return _compose(lines, captions, classes) if lines else None


def _compose(
    lines: Sequence[_Line], captions: Sequence[str], classes: Sequence[tuple[str, Colour]]
) -> Figure:
    """Captions from left to right; groups of lines from top to bottom."""
    height, width, _ = lines[0].pictures[0].shape
    panel_width = math.sqrt(PANEL_INCH2 * width / height)
    panel_height = PANEL_INCH2 / panel_width
    right = LABEL_WIDTH_INCH + (panel_width + GAP_INCH) * len(captions)
    starts = [row > 0 and line.group != lines[row - 1].group for row, line in enumerate(lines)]
    tops = CAPTION_HEIGHT_INCH + (panel_height + GAP_INCH) * np.arange(len(lines) + 1)
    tops[:-1] += GROUP_GAP_INCH * np.cumsum(starts)
    tops[-1] += GROUP_GAP_INCH * sum(starts)
    bottom = tops[-1]
    figure = Figure(figsize=(right, bottom + LEGEND_INCH))
    page = figure.subplots()  # one for all pictures, in inches from the upper left corner
    lefts = [LABEL_WIDTH_INCH + (panel_width + GAP_INCH) * place for place in range(len(captions))]
    for left, caption in zip(lefts, captions, strict=True):
        text = textwrap.fill(
            plain(caption, limit=MAX_CAPTION_CHARS), int(CAPTION_CHARS_PER_INCH * panel_width)
        )
        page.text(left, CAPTION_HEIGHT_INCH - GAP_INCH, text, fontsize=5.5, va="bottom")
    for row, (line, top) in enumerate(zip(lines, tops[:-1], strict=True)):
        if starts[row] or row == 0:
            heading = textwrap.fill(plain(line.group), LABEL_CHARS, break_on_hyphens=False)
            page.text(0.0, top, heading, fontsize=7.5, va="top", fontweight="bold")
        page.text(0.0, top + panel_height, line.kind, fontsize=7, va="bottom")
        for left, picture in zip(lefts, line.pictures, strict=True):
            place = (left, left + panel_width, top + panel_height, top)
            page.imshow(picture, interpolation="nearest", extent=place)
    page.set(xlim=(0.0, right), ylim=(bottom, 0.0))
    page.set_axis_off()
    patches = [
        Patch(facecolor="#{:02x}{:02x}{:02x}".format(*colour), label=plain(name))
        for name, colour in classes
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=7, frameon=False, fontsize=6.5)
    return figure
