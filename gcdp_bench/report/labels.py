"""Short texts beside the points of a plot, out of each other's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

FONT_SIZE = 7
DISTANCE_POINTS = 9.0  # from the point to the middle of its text
NUM_DIRECTIONS = 8
FIRST_DEGREES = 45.0  # the direction that is taken where all are free
CLEAR_POINTS = 10.0  # a text whose middle is so far from everything else is free


@dataclass(frozen=True)
class Label:
    """Text beside one point."""

    x: float
    y: float
    text: str
    colour: str


def write_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write each text in the first direction around its point that is free, else in the freest.

    Call it when the limits of the axes are set: distances are those on paper.
    """
    pixels_per_point = axes.figure.dpi / 72.0
    places = axes.transData.transform(np.array([(label.x, label.y) for label in labels]))
    places = places.reshape(-1, 2) / pixels_per_point  # (N, 2) in points
    angles = np.deg2rad(FIRST_DEGREES + 360.0 / NUM_DIRECTIONS * np.arange(NUM_DIRECTIONS))
    offsets = DISTANCE_POINTS * np.stack([np.cos(angles), np.sin(angles)], 1)  # (D, 2)
    taken = [*places]
    for number, label in enumerate(labels):
        others = np.array([place for i, place in enumerate(taken) if i != number])
        offset = offsets[_freest(places[number] + offsets, others)]
        taken.append(places[number] + offset)
        axes.annotate(
            label.text,
            (label.x, label.y),
            textcoords="offset points",
            xytext=tuple(offset),
            ha="center",
            va="center",
            fontsize=FONT_SIZE,
            color=label.colour,
        )


def _freest(candidates: NDArray[np.float64], others: NDArray[np.float64]) -> int:
    """The first candidate clear of all others, or the one whose nearest is farthest. (D, 2)"""
    if not len(others):
        return 0
    gaps = np.linalg.norm(candidates[:, None] - others[None], axis=2).min(1)  # (D,)
    return int(np.minimum(gaps, CLEAR_POINTS).argmax())
