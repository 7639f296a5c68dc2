"""Recall and frequency of classes: joined, ordered, correlated as scipy does."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from gcdp_bench.analysis.classes import class_table, correlation_text, frequency_correlations
from gcdp_bench.analysis.draw_classes import draw_frequency
from gcdp_bench.report.style import theme
from gcdp_bench.results.schema import to_frame
from tests.gcdp_bench.report.test_recall import point

NAMES = ("road", "sky", "car", "bus", "bike")
SHARES = pd.DataFrame(
    {
        "dataset": "d",
        "class": NAMES,
        "pixel_share": [0.4, 0.3, 0.15, 0.1, 0.05],
        "image_share": [1.0, 0.9, 0.5, 0.2, 0.1],
    }
)
RECALLS = {"reference": (0.9, 0.95, 0.8, 0.4, 0.3), "imagen": (0.1, 0.2, 0.3, 0.4, 0.5)}


@pytest.fixture
def table():
    lines = []
    for model, values in RECALLS.items():
        lines += point(model, 2.0, 5.0, dict(zip(NAMES, values, strict=True)))
    return class_table(to_frame(lines), SHARES.sample(frac=1.0, random_state=0))


def test_every_class_has_its_share_frequent_ones_first(table):
    own = table[table["model"] == "imagen"]
    assert own["class"].tolist() == list(NAMES)
    assert own["pixel_share"].tolist() == SHARES["pixel_share"].tolist()
    assert own["image_share"].tolist() == SHARES["image_share"].tolist()
    assert list(table["model"].unique()) == ["reference", "imagen"]


def test_correlations_are_scipys_with_intervals_inside_minus_one_and_one(table):
    found = frequency_correlations(table).set_index("model")
    for model, values in RECALLS.items():
        expected = spearmanr(SHARES["pixel_share"], values).statistic
        assert found.loc[model, "spearman"] == pytest.approx(expected)
        assert -1.0 <= found.loc[model, "ci_low"] <= found.loc[model, "ci_high"] <= 1.0
    assert found.loc["imagen", "spearman"] == pytest.approx(-1.0)
    assert found["num_classes"].tolist() == [5, 5]


def test_an_interval_covers_the_truth():
    """Of 100 draws of 20 classes from a bivariate normal, Spearman's rho known in closed form."""
    rng, r = np.random.default_rng(0), 0.6
    truth = 6 / math.pi * math.asin(r / 2)
    hits = 0
    for number in range(100):
        x = rng.standard_normal(20)
        y = r * x + math.sqrt(1 - r**2) * rng.standard_normal(20)
        one = pd.DataFrame({"dataset": "d", "model": f"{number}", "pixel_share": x, "value": y})
        found = frequency_correlations(one).iloc[0]
        hits += found["ci_low"] <= truth <= found["ci_high"]
    assert 80 <= hits <= 100


def test_too_few_classes_or_one_recall_have_no_number(table):
    assert math.isnan(frequency_correlations(table[:3])["spearman"].iloc[0])
    flat = table[table["model"] == "reference"].assign(value=1.0)
    assert math.isnan(frequency_correlations(flat)["spearman"].iloc[0])


def test_what_has_no_number_has_a_reason(table):
    flat = table[table["model"] == "reference"].assign(value=1.0)
    few, equal, found = (
        correlation_text(frequency_correlations(part).iloc[0]) for part in (table[:3], flat, table)
    )
    assert few == "undefined (fewer than 4 classes)"
    assert equal == "undefined (all classes have one recall, or one share)"
    assert "nan" not in found and found.endswith("]")


def test_the_figure_names_the_lowest_classes(table):
    with theme():
        figure = draw_frequency(table, frequency_correlations(table))
    first = figure.axes[0]
    assert {text.get_text() for text in first.texts} == {"bike", "bus", "car"}
    assert "ρ = 0.90" in first.get_title()
