"""Bars of named values: one group per class or attribute, one bar per model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from gcdp_bench.report.style import colours, errors, plain, title
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED

GROUP_HEIGHT = 0.82  # of its share of the axis
MARKS = ((REAL_OWN, "|", 50), (REAL_SHUFFLED, "x", 19))  # with their size


def draw_bars(
    axes: Axes, values: pd.DataFrame, names: Sequence[str], labels: Mapping[str, str]
) -> None:
    """Horizontal bars in percent with 95 % intervals, the first name on top.

    Real images with their own (|) and with shuffled captions (x) are marks.

    Args:
        axes: to draw on.
        values: `model`, `class`, `value`, `ci_low`, `ci_high`, shares in [0, 1].
        names: of the groups.
        labels: of the models in the legend, in their order; real images are none of them.
    """
    order = {name: place for place, name in enumerate(names)}
    values = values[values["class"].isin(names)]
    tones = colours(list(labels))
    thickness = GROUP_HEIGHT / max(1, len(labels))
    for number, (model, label) in enumerate(labels.items()):
        own = values[values["model"] == model]
        places = own["class"].map(order) + (number - (len(labels) - 1) / 2) * thickness
        axes.barh(
            places,
            100 * own["value"],
            thickness,
            color=tones[model],
            label=label,
            xerr=errors(own, "value", 100),
            error_kw={"elinewidth": 0.6, "ecolor": "#444444"},
        )
    for model, mark, size in MARKS:
        own = values[values["model"] == model]
        if len(own):
            label = plain(title(model))
            axes.scatter(
                100 * own["value"],
                own["class"].map(order),
                marker=mark,
                s=size,
                color="black",
                linewidths=1.3,
                label=label,
                zorder=3,
            )
    axes.set_yticks(range(len(names)), [plain(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 102)
