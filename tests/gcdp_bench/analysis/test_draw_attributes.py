"""Bars of attributes: the most missed on top, each model with its setting and interval."""

import pytest
from matplotlib.container import BarContainer

from gcdp_bench.analysis.draw_attributes import draw_attributes
from gcdp_bench.analysis.named import named_values
from gcdp_bench.report.style import theme
from gcdp_bench.results.schema import REAL_OWN, to_frame
from tests.gcdp_bench.results.test_schema import record


def test_bars():
    lines = []
    for model, source, parameter, values in (
        ("reference", "generated", "guidance scale", {"smiling": 0.9, "hat": 0.2}),
        ("imagen", "generated", "guidance scale", {"smiling": 0.7, "hat": 0.3}),
        (REAL_OWN, "real", "none", {"smiling": 1.0, "hat": 0.8}),
    ):
        own = {"model": model, "source": source, "param_name": parameter, "config_hash": model}
        lines += [record(metric="fid-hrnet", value=5.0, **own)]
        lines += [
            record(
                metric="attribute_recall",
                value=value,
                ci_low=value - 0.1,
                ci_high=value + 0.05,
                **own,
                **{"class": name},
            )
            for name, value in values.items()
        ]
    with theme():
        (axes,) = draw_attributes(named_values(to_frame(lines), "attribute_recall")).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["hat", "smiling"]
    bars = {
        str(c.get_label()): [p.get_width() for p in c]
        for c in axes.containers
        if isinstance(c, BarContainer)
    }
    assert sorted(bars["GCDP (reference), w 2"]) == pytest.approx([20.0, 90.0])
    assert sorted(bars["Imagen, w 2"]) == pytest.approx([30.0, 70.0])
    assert [text for text in axes.get_legend_handles_labels()[1] if "real" in text]
