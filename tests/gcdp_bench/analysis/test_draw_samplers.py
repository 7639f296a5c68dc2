"""Panels, and what stands in them, from a table made by hand."""

import numpy as np
import pandas as pd
import pytest

from gcdp_bench.analysis.draw_samplers import draw_samplers
from gcdp_bench.analysis.samplers import COLUMNS
from gcdp_bench.report.style import theme


def line(sampler, interval, steps, verdict, difference=np.nan, *, precision="float32"):
    values = dict.fromkeys(COLUMNS, np.nan) | {
        "model": "reference",
        "sampler": sampler,
        "guidance_interval": interval,
        "precision": precision,
        "steps": steps,
        "seconds": steps / 50,
        "non_inferior": verdict,
        "fid_name": "fid-hrnet",
        "fid": 4.5,
        "fid_corrected": 4.0,
        "miou": 0.5,
        "recall": 0.8,
    }
    for name in ("fid", "miou", "recall"):
        values |= {
            f"{name}_difference": difference,
            f"{name}_difference_low": difference - 0.1,
            f"{name}_difference_high": difference + 0.1,
        }
    return values


@pytest.fixture
def table():
    return pd.DataFrame(
        [
            line("ancestral", "none", 100, "baseline"),
            line("ancestral", "none", 25, "no", 0.2),
            line("dpm-solver++", "none", 25, "yes", 0.1),
            line("dpm-solver++", "0.3:5", 25, "undefined", -0.1),
        ]
    )


def test_panels(table):
    coarse = line("dpm-solver++", "0.3:5", 25, "yes", -0.1, precision="bf16")
    table = pd.concat([table, pd.DataFrame([coarse])], ignore_index=True)
    with theme():
        figure = draw_samplers(table)
    titles = ["FID (hrnet) ↓", "mIoU of image and layout % ↑", "Semantic Recall % ↑"]
    assert [axes.get_title() for axes in figure.axes] == titles
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert [text.get_text() for text in figure.axes[0].texts] == ["25", "100"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "DPM-Solver++(2M)" in names and "DDIM" not in names
    assert {r"guidance at $\sigma$ 0.3:5", r"guidance at $\sigma$ 0.3:5, bf16"} < set(names)
    assert "guidance at every level" in names and "baseline, 100 steps" in names


def test_points_stand_at_the_baseline_plus_their_difference(table):
    with theme():
        figure = draw_samplers(table)
    for axes, centre, factor in zip(figure.axes, (4.0, 50.0, 80.0), (1, 100, 100), strict=True):
        markers = [one for one in axes.lines if one.get_marker() in ("o", "*")]
        drawn = {(one.get_xdata()[0], round(float(one.get_ydata()[0]), 6)) for one in markers}
        differences = ((2.0, 0.0), (0.5, 0.2), (0.5, 0.1), (0.5, -0.1))
        assert drawn == {(x, round(centre + factor * y, 6)) for x, y in differences}
        filled = [one.get_markerfacecolor() != "white" for one in markers]
        assert sorted(filled) == [False, False, True, True]


def test_margins_are_those_of_the_rule(table):
    with theme():
        figure = draw_samplers(table)
    dotted = [
        [one.get_ydata()[0] for one in axes.lines if one.get_linestyle() == ":"]
        for axes in figure.axes
    ]
    assert dotted == [[pytest.approx(4.2)], [], [pytest.approx(79.0)]]


def test_without_layouts_there_are_two_panels(table):
    with theme():
        figure = draw_samplers(table.assign(miou=np.nan))
    assert len(figure.axes) == 2
