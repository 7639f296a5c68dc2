"""The trade-off plot says which number belongs to which sampling parameter of which model."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from gcdp_bench.report import tradeoff
from gcdp_bench.report.style import colour, theme
from gcdp_bench.report.tradeoff import draw_tradeoff
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL, to_frame
from gcdp_bench.results.tradeoff import tradeoff_table
from tests.gcdp_bench.results.test_schema import record
from tests.packages import install_spread

PSI = "truncation psi"
CURVES = {
    "reference": {1.0: (9.0, 0.70), 2.0: (7.0, 0.80), 4.0: (8.0, 0.90)},
    "lafite": {1.0: (10.0, 0.72), 0.8: (11.0, 0.75), 0.6: (14.0, 0.76)},
}  # value of the sampling parameter -> FID, Semantic Recall


def points(model, curve, correspondence="semantic_recall", **changes):
    lines = []
    for value, (fid, recall) in curve.items():
        for metric, number in (("fid-hrnet", fid), (correspondence, recall)):
            fields = {
                "model": model,
                "param_value": value,
                "metric": metric,
                "value": number,
                "ci_low": number - 0.01,
                "ci_high": number + 0.01,
                "config_hash": f"{model}{value}{changes}",
            }
            lines.append(record(**(fields | changes)))
    return lines


def real(model, metric, value, source="real"):
    return record(
        model=model,
        source=source,
        param_name="none",
        trained_on="none",
        param_value=math.nan,
        steps=None,
        metric=metric,
        value=value,
        config_hash=model,
    )


def draw(lines, metric="semantic_recall"):
    with theme():
        figure = draw_tradeoff(to_frame(lines), metric)
    (legend,) = figure.legends
    return figure.axes[0], legend


def test_every_point_has_its_value_and_every_model_its_parameter():
    lines = points("reference", CURVES["reference"])
    lines += points("lafite", CURVES["lafite"], param_name=PSI, steps=1)
    lines += [
        real(REAL_OWN, "semantic_recall", 0.95),
        real(REAL_SHUFFLED, "semantic_recall", 0.6),
        real(REAL_VS_REAL, "fid-hrnet", 1.5, "real-vs-real"),
    ]
    axes, legend = draw(lines)
    assert [text.get_text() for text in legend.get_texts()] == [
        "GCDP (reference) (w)",
        "Lafite (ψ)",
        "real (own captions)",
        "real (shuffled captions)",
        "real vs. real",
    ]
    assert legend.get_title().get_text() == (
        "numbers at points are values of w: guidance scale, ψ: truncation psi; hollow: 1 (off)"
    )
    written = {(text.xy[0], text.xy[1]): (text.get_text(), text.get_color()) for text in axes.texts}
    expected = {
        (100 * recall, fid): (f"{value:g}", colour(model))
        for model, curve in CURVES.items()
        for value, (fid, recall) in curve.items()
    }
    assert written == expected


def test_more_values_than_can_be_read_are_left_out(monkeypatch):
    monkeypatch.setattr(tradeoff, "MOST_LABELS", len(CURVES["reference"]) - 1)
    axes, legend = draw(points("reference", CURVES["reference"]))
    assert not axes.texts and legend.get_title().get_text() == "w: guidance scale; hollow: 1 (off)"


def test_curves_run_in_order_of_the_parameter_and_are_hollow_where_it_is_off():
    axes, _ = draw(points("lafite", CURVES["lafite"], param_name=PSI, steps=1))
    curve, off = axes.lines[:2]
    assert np.asarray(curve.get_xdata()) == pytest.approx([76.0, 75.0, 72.0])
    assert np.asarray(curve.get_ydata()) == pytest.approx([14.0, 11.0, 10.0])
    assert np.asarray(off.get_xdata()) == pytest.approx([72.0])
    assert off.get_markerfacecolor() == "white" and off.get_marker() == curve.get_marker()


def test_one_parameter_is_named_alone_and_a_model_without_one_has_no_numbers():
    _, legend = draw(points("reference", CURVES["reference"]))
    assert legend.get_title().get_text() == (
        "numbers at points are values of w: guidance scale; hollow: 1 (off)"
    )
    axes, legend = draw(points("palette", {1.0: (9.0, 0.7)}, param_name="none", steps=1))
    assert [text.get_text() for text in legend.get_texts()] == ["palette"]
    assert legend.get_title().get_text() == "" and not axes.texts
    assert axes.lines[0].get_markerfacecolor() != "white"


def test_steps_of_one_model_are_curves_of_one_colour():
    lines = points("ldm", CURVES["reference"], steps=25)
    lines += points("ldm", CURVES["reference"], steps=100)
    lines += points("lafite", CURVES["lafite"], param_name=PSI, steps=1)
    axes, legend = draw(lines)
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["LDM (w), 25 steps", "LDM (w), 100 steps", "Lafite (ψ)"]
    fast, slow = (line for line in axes.lines if str(line.get_label()).startswith("LDM"))
    assert to_hex(fast.get_color()) == to_hex(slow.get_color()) == colour("ldm")
    assert fast.get_linestyle() != slow.get_linestyle()


def test_seeds_are_faint_markers_about_their_mean():
    lines = points("reference", {1.0: (9.0, 0.7), 2.0: (7.0, 0.8)}, seed=0)
    lines += points("reference", {1.0: (11.0, 0.6), 2.0: (5.0, 0.9)}, seed=1)
    axes, _ = draw(lines)
    (faint,) = (c for c in axes.collections if not hasattr(c, "get_segments"))
    seen = sorted(tuple(place) for place in np.asarray(faint.get_offsets()).round(6).tolist())
    assert seen == [(60.0, 11.0), (70.0, 9.0), (80.0, 7.0), (90.0, 5.0)]
    assert np.asarray(axes.lines[0].get_xdata()) == pytest.approx([65.0, 85.0])
    assert np.asarray(axes.lines[0].get_ydata()) == pytest.approx([10.0, 6.0])


def test_clip_scores_are_drawn_as_they_are():
    axes, _ = draw(points("reference", {1.0: (9.0, 21.5)}, "clip-x100"), "clip-x100")
    assert np.asarray(axes.lines[0].get_xdata()) == pytest.approx([21.5])
    assert axes.get_xlabel() == "CLIP score, higher is better"


def test_crosses_stand_about_the_corrected_fid():
    lines = points("reference", CURVES["reference"])
    for line in lines:
        if line["metric"] == "fid-hrnet":
            line["corrected"], line["ci_low"] = line["value"] - 2.0, line["value"] - 2.5
            line["ci_high"] = line["value"] - 1.0
    axes, _ = draw(lines)
    assert np.asarray(axes.lines[0].get_ydata()) == pytest.approx([7.0, 5.0, 6.0])
    bars = [collection for collection in axes.collections if hasattr(collection, "get_segments")]
    vertical = [s for c in bars for s in c.get_segments() if s[0, 0] == s[1, 0]]
    assert [tuple(s[:, 1]) for s in vertical] == [(6.5, 8.0), (4.5, 6.0), (5.5, 7.0)]
    assert "bias-corrected" in axes.get_ylabel()


def test_a_metric_of_an_installed_package_has_its_curve(tmp_path, monkeypatch):
    install_spread(tmp_path / "a", monkeypatch)
    lines = points("reference", CURVES["reference"], correspondence="spread")
    axes, _ = draw(lines, "spread")
    assert axes.get_xlabel() == "Spread, higher is better"
    assert np.asarray(axes.lines[0].get_xdata()) == pytest.approx([0.7, 0.8, 0.9])
    table = tradeoff_table(to_frame(lines))
    assert table["metric"].tolist() == ["spread"] and table["reference_correspondence"].item() == 0
