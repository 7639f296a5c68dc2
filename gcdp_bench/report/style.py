"""One look for every figure: theme, colours of models, and how files are written."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gcdp_bench.io.atomic import replacing
from gcdp_bench.report.fonts import families, lacking, say_lacking
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL

MODEL_COLOURS = {
    "reference": "#c1272d",
    "imagen": "#0f3d7a",
    "ldm": "#2c9c68",
    "lafite": "#de9216",
    "reference-unconditional": "#e08a8d",
    "gansformer": "#7b5aa6",
    "dataset-ddpm": "#3a8fb7",
    "semantic-palette": "#6b8e23",
    REAL_OWN: "#222222",
    REAL_SHUFFLED: "#9a9a9a",
    REAL_VS_REAL: "#5a5a5a",
}
"""Models also differ in lightness, for print without colour."""

MODEL_TITLES = {
    "reference": "GCDP (reference)",
    "imagen": "Imagen",
    "ldm": "LDM",
    "lafite": "Lafite",
    "reference-unconditional": "GCDP, unconditional",
    "gansformer": "GANformer",
    "dataset-ddpm": "DatasetDDPM",
    "semantic-palette": "Semantic Palette",
    REAL_OWN: "real (own captions)",
    REAL_SHUFFLED: "real (shuffled captions)",
    REAL_VS_REAL: "real vs. real",
}
MARKERS = {
    "reference": "o",
    "imagen": "s",
    "ldm": "^",
    "lafite": "D",
    "reference-unconditional": "p",
    "gansformer": "v",
    "dataset-ddpm": "X",
    "semantic-palette": "h",
}
PALER = 0.45  # share of white in the second colour of one model, of what is left in the third, ...
PNG_DPI = 160
MAX_LABEL_CHARS = 60  # of a name in a figure; longer ones leave no room for the axes


def colour(model: str) -> str:
    """Colour of a model; one that the project does not know gets a hash of its name."""
    spare = sns.color_palette("husl", 12).as_hex()
    base, _, _ = _parts(model)
    return MODEL_COLOURS.get(base, spare[sum(base.encode()) % len(spare)])


def colours(models: Sequence[str]) -> dict[str, str]:
    """Colours of models in one figure; one model trained on several subsets becomes paler."""
    chosen: dict[str, str] = {}
    seen: list[str] = []
    for model in models:
        own = colour(model)
        left = (1.0 - PALER) ** seen.count(own)
        red, green, blue = (1.0 - left * (1.0 - part) for part in to_rgb(own))
        chosen[model] = to_hex((red, green, blue))
        seen.append(own)
    return chosen


def marker(model: str) -> str:
    """Marker of a model."""
    return MARKERS.get(_parts(model)[0], "P")


def title(model: str) -> str:
    """Name of a model in figures."""
    base, separator, subset = _parts(model)
    return MODEL_TITLES.get(base, base) + separator + subset


def plain(text: str, *, limit: int = MAX_LABEL_CHARS) -> str:
    """Text of a file for a figure: its beginning, in which a dollar sign begins no formula."""
    shown = text if len(text) <= limit else f"{text[:limit]}…"
    return shown.replace("$", r"\$")


def _parts(model: str) -> tuple[str, str, str]:
    """The model's own name, and what `compatibility.name_subsets` put behind it."""
    return model.partition(" (")


_LACKING: set[str] = set()
"""Characters of the figures that were written in this theme and that no font has."""


@contextmanager
def theme() -> Iterator[None]:
    """Settings of every figure, undone afterwards; draws without a screen.

    Characters that no installed font has are said once, at the end.
    """
    settings: dict[Any, Any] = {
        "font.family": families(),
        "figure.constrained_layout.use": True,
        "font.size": 9,
        "axes.titlesize": 10,
        "pdf.fonttype": 42,
        "savefig.bbox": "tight",
    }
    with sns.axes_style("whitegrid"), sns.plotting_context("paper"):
        with matplotlib.rc_context(settings), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            _LACKING.clear()
            yield
            say_lacking(_LACKING)


def show_picture(panel: Axes, picture: NDArray[np.uint8]) -> None:
    """Draw pixels (H, W, 3) without ticks, grid or frame."""
    panel.imshow(picture, interpolation="nearest")
    panel.set(xticks=[], yticks=[])
    panel.grid(False)
    sns.despine(ax=panel, left=True, bottom=True)


def errors(values: pd.DataFrame, column: str, factor: float = 1.0) -> NDArray[np.float64]:
    """Lengths of error bars below and above `column`, (2, N), from `ci_low` and `ci_high`.

    An end on the other side of the value, which an older row's interval can have, is not drawn.
    """
    centre, low, high = (
        factor * values[name].to_numpy(float) for name in (column, "ci_low", "ci_high")
    )
    return np.clip([centre - low, high - centre], 0.0, None)


def save(figure: Figure, stem: Path, *, pdf: bool = True) -> Path:
    """Write `stem`.png and `stem`.pdf, the same bytes for the same figure; returns the PNG.

    Args:
        figure: to write.
        stem: of both files.
        pdf: write the PDF too; one that is there is always written again.
    """
    _LACKING.update(lacking(figure, families()))
    png = stem.with_name(f"{stem.name}.png")
    with replacing(png) as temporary:
        figure.savefig(temporary, format="png", dpi=PNG_DPI, metadata={"Software": None})
    vector = stem.with_name(f"{stem.name}.pdf")
    if pdf or vector.exists():
        with replacing(vector) as temporary:
            figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    return png
