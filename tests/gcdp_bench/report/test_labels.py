"""Texts beside points: clear of each other and of the points, on paper."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure

from gcdp_bench.report.labels import CLEAR_POINTS, DISTANCE_POINTS, Label, write_labels


def places(labels, limits=(0.0, 1.0)):
    """Middle of every text and every point, in points on paper."""
    figure = Figure(figsize=(5, 4), dpi=100)
    axes = figure.subplots()
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)
    write_labels(axes, labels)
    points = axes.transData.transform([text.xy for text in axes.texts]) * 72 / 100
    return points + [text.get_position() for text in axes.texts], points, axes.texts


def test_a_lonely_point_has_its_text_above_to_the_right():
    texts, points, written = places([Label(0.5, 0.5, "4", "red")])
    assert (texts - points)[0] == pytest.approx([DISTANCE_POINTS / np.sqrt(2)] * 2)
    assert [(text.get_text(), text.get_color()) for text in written] == [("4", "red")]


@pytest.mark.parametrize("limits", [(0.0, 1.0), (-3.0, 20.0)])
def test_texts_of_near_points_are_apart(limits):
    """Three points within 6 points of paper: one direction for all would overlap."""
    step = (limits[1] - limits[0]) * 0.02
    labels = [Label(0.5 + i * step, 0.5, str(i), "k") for i in range(3)]
    texts, points, _ = places(labels, limits)
    assert np.linalg.norm(points[2] - points[0]) < 12
    gaps = [np.linalg.norm(one - other) for one, other in combinations(texts, 2)]
    assert min(gaps) > 0.8 * CLEAR_POINTS
    others = np.linalg.norm(texts[:, None] - points[None], axis=2)
    assert others.min() > 0.6 * DISTANCE_POINTS


def test_nothing_to_write():
    figure = Figure()
    axes = figure.subplots()
    write_labels(axes, [])
    assert not axes.texts
