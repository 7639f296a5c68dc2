"""Metrics of installed packages: found by name, and refused with package and remedy."""

import math
import sys
from dataclasses import replace

import pytest

from gcdp_bench.core.plugins import METRICS
from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.lookup import (
    blamed,
    bounds_of,
    check_values,
    definition_version,
    find_definition,
    installed_metrics,
    lookup,
    problem_of,
    values_beside,
    values_of,
)
from gcdp_bench.metrics.registry import DEFINITIONS
from gcdp_bench.metrics.registry import METRICS as MINE
from tests.packages import install, install_broken, install_spread

METRIC = """
from types import SimpleNamespace
from gcdp_bench.metrics.metric import Definition, Metric

WORDS = {
    name: "x"
    for name in ("title", "formula", "unit", "source", "extractor", "resize", "compared_with",
                 "interval")
}


def made(name, *values):
    definition = Definition(**WORDS, higher_is_better=None, traps=("X.",))
    return Metric(
        name=name, fn=print, needs=("features",), definitions=dict.fromkeys(values, definition)
    )


OTHER_NAME = made("other", "theirs")
FOREIGN = made("theirs", "theirs", "miou")
NOTHING = made("theirs")
NO_METRIC = SimpleNamespace(name="theirs")
UNKNOWN_NEED = lambda: Metric(name="theirs", fn=print, needs=("colour",), definitions={})
SEVERAL = made("theirs", "theirs", "theirs-tf1", "theirs@1%", "theirs_mean")
TWO = Metric(
    name="theirs", fn=lambda a, b: [], needs=("features",), definitions=SEVERAL.definitions
)
"""


def test_a_value_leads_to_the_package_that_defines_it(tmp_path, monkeypatch):
    install_spread(tmp_path / "a", monkeypatch)
    monkeypatch.delitem(sys.modules, "spread_of_tests", raising=False)
    assert find_definition("spreadsheet") is None and bounds_of("miou") == (0.0, 1.0)
    assert "spread_of_tests" not in sys.modules  # other names import nothing
    assert lookup("spread").title == "Spread of features"
    assert bounds_of("spread") == (0.0, 10.0) and definition_version("spread") == "2"
    assert [metric.name for metric in installed_metrics()] == ["spread"]
    assert values_of("features")[-1] == "spread" and values_beside("spread") == ("spread",)


def test_values_are_told_by_network_and_by_what_they_rest_on():
    recall = ("semantic_recall", "semantic_recall_of_ceiling", "semantic_precision")
    recall += ("false_detection_rate",)
    assert values_of("clip") == ("clip-cos", "clip-x100", "clip-w2.5")
    assert values_of("segmenter")[: len(recall)] == recall
    assert {"miou", "iou", "pixel_accuracy", "fsd_predicted"} < set(values_of("segmenter"))
    assert values_of("features", "torch") == ("fid-torch",)
    memberships = ("precision-tf1", "recall-tf1", "density-tf1", "coverage-tf1")
    assert values_of("features", "tf1") == ("fid-tf1", "kid-tf1", *memberships)
    assert values_of("features", "cmmd") == ("cmmd",)
    assert values_beside("precision-tf1") == memberships
    assert values_beside("fid-hrnet") == ("fid-hrnet",)
    assert values_beside("semantic_recall@1%") == recall


def test_values_of_a_package_that_cannot_be_imported_have_no_definition(tmp_path, monkeypatch):
    install_broken(tmp_path, monkeypatch, "theirs")
    assert find_definition("theirs-tf1") is None and problem_of("miou") == ""
    assert "their-package 1.0" in problem_of("theirs-tf1") and problem_of("theirsother") == ""
    with pytest.raises(ValueError, match="no_such_module.*pip uninstall their-package"):
        lookup("theirs-tf1")


def test_a_value_that_nothing_defines_has_no_bounds_and_no_version():
    assert bounds_of("gone") == (-math.inf, math.inf) and definition_version("gone") is None
    with pytest.raises(ValueError, match="unknown metric 'gone'; .*known: fid-tf1"):
        lookup("gone")


@pytest.mark.parametrize(
    ("entry", "attribute", "problem"),
    [
        ("theirs", "OTHER_NAME", "got metric other with definitions of theirs; rename them"),
        ("theirs", "FOREIGN", "got metric theirs with definitions of theirs, miou"),
        ("theirs", "NOTHING", "with definitions of nothing"),
        ("theirs", "NO_METRIC", "expected a gcdp_bench.metrics.metric.Metric, got SimpleNamespace"),
        ("theirs", "TWO", "expected a function of features, .*let its arguments be the .* needs"),
        ("theirs", "MISSING", "AttributeError.*pip uninstall their-package"),
        ("miou", "SEVERAL", "'miou' is a name of gcdp-bench itself"),
    ],
)
def test_a_malformed_metric_is_refused(tmp_path, monkeypatch, entry, attribute, problem):
    module = f"metric_of_tests_{attribute.lower()}"
    install(
        tmp_path / "a",
        monkeypatch,
        group=METRICS,
        entries={entry: f"{module}:{attribute}"},
        module=module,
        code=METRIC,
    )
    with pytest.raises(ValueError, match=rf"(?s)package their-package 1.0 .*{entry}.*{problem}"):
        installed_metrics()
    assert lookup("fid-tf1") == DEFINITIONS["fid-tf1"]  # other metrics are as they were


def test_values_have_the_name_of_their_metric_and_endings(tmp_path, monkeypatch):
    install(
        tmp_path / "a",
        monkeypatch,
        group=METRICS,
        entries={"theirs": "metric_of_tests:SEVERAL"},
        module="metric_of_tests",
        code=METRIC,
    )
    for value in ("theirs", "theirs-tf1", "theirs@1%", "theirs_mean"):
        assert find_definition(value) is not None
    assert find_definition("theirs-clean") is None


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        ("1.0", "a list of MetricValue, got float"),
        ("[1.0]", "a list of MetricValue, got float in it"),
        ("(v for v in [VALUE])", "a list of MetricValue, got generator"),
        ("[replace(VALUE, metric='width')]", "values of spread, got width; add its definition"),
        ("[replace(VALUE, class_name=3)]", 'a class name or "all", got 3'),
        ("[replace(VALUE, value='1')]", "finite numbers or NaN of spread, got '1'"),
        ("[replace(VALUE, value=float('inf'))]", "finite numbers or NaN of spread, got inf"),
        ("[replace(VALUE, ci_low=None)]", "finite numbers or NaN of spread, got None"),
        ("[replace(VALUE, num_samples=2.5)]", "a whole number of samples of spread, got 2.5"),
        ("1 / 0", "values, got ZeroDivisionError: .* .<string>, line 1.; correct the package, or"),
    ],
)
def test_what_is_no_value_names_metric_and_package(tmp_path, monkeypatch, returned, problem):
    install_spread(tmp_path / "a", monkeypatch)
    (spread,) = installed_metrics()
    names = {"replace": replace, "VALUE": MetricValue("spread", "all", 1.0, 2)}
    broken = replace(spread, fn=lambda features: eval(returned, names))
    with pytest.raises(ValueError, match=f"metric spread .package their-package 1.0.: .*{problem}"):
        with blamed(broken):
            check_values(broken.fn(None), broken)
    assert len(check_values((replace(names["VALUE"], value=math.nan),), spread)) == 1


def test_a_failure_of_a_metric_of_the_benchmark_is_not_wrapped():
    with pytest.raises(ZeroDivisionError), blamed(MINE[0]):
        divmod(1, 0)
