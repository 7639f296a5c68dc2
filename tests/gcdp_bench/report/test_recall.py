"""Bars of every model at its own best value."""

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import BarContainer, ErrorbarContainer

from gcdp_bench.report.recall import draw_recall
from gcdp_bench.report.style import theme
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED, to_frame
from tests.gcdp_bench.results.test_schema import record

SHARES = pd.DataFrame(
    {"dataset": "d", "class": ["car", "road"], "pixel_share": [0.1, 0.6], "image_share": [0.3, 0.9]}
)


def point(model, guidance, fid, recalls, **changes):
    fields = {"model": model, "param_value": guidance, **changes}
    fields["config_hash"] = str(fields)
    lines = [record(**fields, metric="fid-hrnet", value=fid)]
    lines += [
        record(**(fields | {"class": name}), metric="semantic_recall", value=value)
        for name, value in recalls.items()
    ]
    return lines


def test_bars_are_of_the_best_value_and_the_legend_names_it():
    psi = {"param_name": "truncation psi", "steps": 1}
    rows = to_frame(
        [
            *point("reference", 1.0, 9.0, {"road": 0.1, "car": 0.2}),
            *point("reference", 4.0, 5.0, {"road": 0.9, "car": 0.5}, seed=0),
            *point("reference", 4.0, 6.0, {"road": 0.7, "car": 0.5}, seed=1),
            *point("lafite", 1.0, 8.0, {"road": 0.3, "car": 0.3}, **psi),
            *point("lafite", 0.8, 7.0, {"road": 0.6, "car": 0.4}, **psi),
        ]
    )
    with theme():
        figure = draw_recall(rows, SHARES)
    bars, _ = figure.axes
    assert [label.get_text() for label in bars.get_yticklabels()] == ["road", "car"]
    shown = {
        str(container.get_label()): {
            round(patch.get_y() + patch.get_height() / 2): patch.get_width() for patch in container
        }
        for container in bars.containers
        if isinstance(container, BarContainer)
    }
    assert shown == {
        "GCDP (reference), w 4": pytest.approx({0: 80.0, 1: 50.0}),
        "Lafite, ψ 0.8": pytest.approx({0: 60.0, 1: 40.0}),
    }
    labels = {label.get_text() for label in figure.legends[0].get_texts()}
    assert labels == {*shown, "pixels", "images"}
    ends = [c for c in bars.containers if isinstance(c, ErrorbarContainer)]
    lines = [segment for c in ends for segment in c[2][0].get_segments()]
    assert len(lines) == 4 and all(line[0][0] == 40.0 and line[1][0] >= 60.0 for line in lines)


def test_proportions_stand_beside_the_classes_from_frequent_to_rare():
    rows = to_frame(point("reference", 1.0, 9.0, {"road": 0.1, "car": 0.2}))
    with theme():
        figure = draw_recall(rows, SHARES)
    bars, shares = figure.axes
    assert bars.get_ylim() == shares.get_ylim() == (1.6, -0.6)  # the first class on top
    shown = {
        str(container.get_label()): [
            (round(patch.get_y() + patch.get_height() / 2, 3), patch.get_width())
            for patch in container
        ]
        for container in shares.containers
    }
    assert shown == {
        "pixels": [(-0.2, 60.0), (0.8, pytest.approx(10.0))],
        "images": [(0.2, 90.0), (1.2, pytest.approx(30.0))],
    }
    assert shares.get_xscale() == "log"


def test_real_images_are_marks_of_two_kinds():
    rows = point("reference", 1.0, 9.0, {"road": 0.1, "car": 0.2})
    for model, value in ((REAL_OWN, 0.9), (REAL_SHUFFLED, 0.4)):
        real = {"source": "real", "param_name": "none", "param_value": math.nan, "steps": None}
        rows += point(model, math.nan, 1.0, {"road": value, "car": value - 0.1}, **real)
    with theme():
        bars, _ = draw_recall(to_frame(rows), SHARES).axes
    marks = {str(c.get_label()): c for c in bars.collections if c.get_label()[:4] == "real"}
    places = {name: np.asarray(c.get_offsets()).round(6).tolist() for name, c in marks.items()}
    assert {name: sorted(found) for name, found in places.items()} == {
        "real (own captions)": [[80.0, 1.0], [90.0, 0.0]],
        "real (shuffled captions)": [[30.0, 1.0], [40.0, 0.0]],
    }
    first, second = (c.get_paths()[0].vertices.tolist() for c in marks.values())
    assert first != second
    assert bars.get_xlim() == (0.0, 102.0)
