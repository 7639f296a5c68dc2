"""Panels, and what stands in them, from tables made by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from gcdp_bench.analysis.draw_schedules import draw_schedules
from gcdp_bench.analysis.schedules import ScheduleAnalysis
from gcdp_bench.report.style import theme

SCHEDULES = ("cosine", "cosine-p0.5", "linear")
CURVES = ("predicted_layout", "kept_prediction", "sampled_layout", "image_r2")


@pytest.fixture
def found():
    ends = {"ci_low": 0.2, "ci_high": 0.9}
    scores = [
        {
            "schedule": schedule,
            "source": source,
            "metric": metric,
            "class": "all",
            "value": 0.5,
            "corrected": np.nan,
        }
        | ends
        for metric in ("miou", "fid-hrnet", "fsd_generated", "semantic_recall")
        for schedule, source in (
            *((name, "generated") for name in SCHEDULES),
            ("none", "real-vs-real" if "f" in metric else "real-own"),
        )
    ]
    order = [
        {"schedule": schedule, "quantity": quantity, "t": t, "value": 1 - t / 100} | ends
        for schedule in SCHEDULES
        for quantity in CURVES
        for t in (100, 50, 10)
    ]
    converged = [
        {"schedule": schedule, "quantity": quantity, "value": value} | ends
        for schedule in SCHEDULES
        for quantity, value in zip(CURVES, (np.nan, 40.0, 20.0, 10.4), strict=True)
    ]
    levels = [
        {"schedule": schedule, "chain": chain, "t": t, "alpha_bar": 1 - t / 100}
        for schedule, chain in (*((name, "layout") for name in SCHEDULES), ("cosine", "image"))
        for t in (0, 100)
    ]
    return ScheduleAnalysis(*map(pd.DataFrame, (scores, order, converged, levels)))


def test_panels(found):
    with theme():
        figure = draw_schedules(found)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [
        r"schedules $\bar\alpha_t$",
        "labels: cosine",
        "labels: cosine-p0.5",
        "labels: linear",
        "mIoU % ↑",
        "Sem. recall % ↑",
        "FID (hrnet) ↓",
        "FSD layouts ↓",
    ]
    levels, first, *_ = figure.axes
    assert len(levels.lines) == 4
    assert [text.get_text() for text in first.texts] == ["labels never", "kept 40", "image 10"]
    low, high = levels.get_xlim()
    assert low > high  # from noise to image


def test_one_colour_per_schedule(found):
    with theme():
        figure = draw_schedules(found)
    levels, *_, miou = figure.axes[:5]
    bars = [patch.get_facecolor() for patch in miou.patches]
    assert len({*bars}) == 3
    for line, bar, panel in zip(levels.lines, bars, figure.axes[1:4], strict=False):
        assert to_rgba(line.get_color()) == bar == to_rgba(panel.lines[0].get_color())
    heights = [patch.get_height() for patch in miou.patches if isinstance(patch, Rectangle)]
    assert heights == [50.0] * 3


def level_colours(found):
    with theme():
        figure = draw_schedules(found)
    return [line.get_color() for line in figure.axes[0].lines[:-1]]


def test_a_schedule_keeps_its_colour_beside_others(found):
    cosine, root, linear = level_colours(found)
    two = replace(found, order=found.order[found.order["schedule"] != "cosine-p0.5"])
    assert level_colours(two) == [cosine, linear]
    renamed = [
        table.replace("cosine-p0.5", "cosine-p2")
        for table in (found.scores, found.order, found.converged, found.levels)
    ]
    first, other, last = level_colours(ScheduleAnalysis(*renamed))
    assert (first, last) == (cosine, linear) and other not in (cosine, root, linear)
