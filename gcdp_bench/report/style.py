"""One look for every figure: theme, colours of models, and how files are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import seaborn as sns
from matplotlib.figure import Figure

from gcdp_bench.rows import CEILING, FLOOR, SPLIT

MODEL_COLOURS = {
    "reference": "#c1272d",
    "imagen": "#1f5fa8",
    "ldm": "#2e8b57",
    "lafite": "#e08a00",
    CEILING: "#222222",
    FLOOR: "#9a9a9a",
    SPLIT: "#5a5a5a",
}
MODEL_TITLES = {
    "reference": "GCDP (reference)",
    "imagen": "Imagen",
    "ldm": "LDM",
    "lafite": "Lafite",
    CEILING: "real images",
    FLOOR: "real images, shuffled captions",
    SPLIT: "real images against the others",
}
MARKERS = {"reference": "o", "imagen": "s", "ldm": "^", "lafite": "D"}
PNG_DPI = 160


def colour(model: str) -> str:
    """Colour of a model; one that the project does not know gets a hash of its name."""
    spare = sns.color_palette("husl", 12).as_hex()
    return MODEL_COLOURS.get(model, spare[sum(model.encode()) % len(spare)])


def title(model: str) -> str:
    """Name of a model in figures."""
    return MODEL_TITLES.get(model, model)


@contextmanager
def theme() -> Iterator[None]:
    """Settings of every figure, undone afterwards; draws without a screen."""
    settings: dict[Any, Any] = {
        "figure.constrained_layout.use": True,
        "font.size": 9,
        "axes.titlesize": 10,
        "pdf.fonttype": 42,
        "savefig.bbox": "tight",
    }
    with sns.axes_style("whitegrid"), sns.plotting_context("paper"):
        with matplotlib.rc_context(settings):
            yield


def save(figure: Figure, stem: Path) -> Path:
    """Write `stem`.png and `stem`.pdf, the same bytes for the same figure; returns the PNG."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    png = stem.with_name(f"{stem.name}.png")
    figure.savefig(png, dpi=PNG_DPI, metadata={"Software": None})
    figure.savefig(stem.with_name(f"{stem.name}.pdf"), metadata={"CreationDate": None})
    return png
