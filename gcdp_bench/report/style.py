"""One look for every figure: theme, colours of models, and how files are written."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
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

from gcdp_bench.generators.registry import GENERATORS
from gcdp_bench.generators.spec import Look
from gcdp_bench.io.atomic import replacing
from gcdp_bench.report.fonts import families, lacking, say_lacking
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL

LOOKS: Mapping[str, Look] = {
    **{name: spec.look for name, spec in GENERATORS.items() if spec.look is not None},
    REAL_OWN: Look(title="real (own captions)", colour="#222222", marker="P"),
    REAL_SHUFFLED: Look(title="real (shuffled captions)", colour="#9a9a9a", marker="P"),
    REAL_VS_REAL: Look(title="real vs. real", colour="#5a5a5a", marker="P"),
}
PALER = 0.45  # share of white in the second colour of one model, of what is left in the third, ...
PNG_DPI = 160
MAX_LABEL_CHARS = 60  # of a name in a figure; longer ones leave no room for the axes


def colour(model: str) -> str:
    """Colour of a model; one of the user or of a package gets one by its name."""
    return _look(model).colour


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
    return _look(model).marker


def title(model: str) -> str:
    """Name of a model in figures."""
    _, separator, subset = _parts(model)
    return _look(model).title + separator + subset


def plain(text: str, *, limit: int = MAX_LABEL_CHARS) -> str:
    """Text of a file for a figure: its beginning, in which a dollar sign begins no formula."""
    shown = text if len(text) <= limit else f"{text[:limit]}…"
    return shown.replace("$", r"\$")


def _look(model: str) -> Look:
    base, _, _ = _parts(model)
    spare = sns.color_palette("husl", 12).as_hex()
    unknown = Look(title=base, colour=spare[sum(base.encode()) % len(spare)], marker="P")
    return LOOKS.get(base, unknown)


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
