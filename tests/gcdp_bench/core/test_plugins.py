"""Entry points of installed packages."""

import re
import sys

import pytest

from gcdp_bench.core import plugins
from tests.packages import install


def test_names_are_listed_without_an_import_and_one_is_loaded(tmp_path, monkeypatch):
    entries = {"theirs": "listed_things:THINGS", "other": "nowhere:THINGS"}
    code = "THINGS = [1, 2]"
    install(
        tmp_path / "a",
        monkeypatch,
        group=plugins.METRICS,
        entries=entries,
        module="listed_things",
        code=code,
    )
    assert {"theirs", "other"} <= set(plugins.named(plugins.METRICS))
    assert "theirs" not in plugins.named(plugins.DATASETS)
    assert "listed_things" not in sys.modules
    assert plugins.load(plugins.METRICS, "theirs") == [1, 2]


@pytest.mark.parametrize(
    "value, problem",
    [
        ("broken_things:MISSING", "AttributeError.*MISSING"),
        ("module_that_is_nowhere:X", "ModuleNotFoundError.*module_that_is_nowhere"),
    ],
)
def test_an_import_that_fails_names_package_entry_point_and_remedy(
    tmp_path, monkeypatch, value, problem
):
    install(
        tmp_path / "a",
        monkeypatch,
        group=plugins.METRICS,
        entries={"theirs": value},
        module="broken_things",
        code="",
    )
    expected = rf"(?s)their-package 1.0.*theirs = {value}.*{problem}.*pip uninstall their-package"
    with pytest.raises(ValueError, match=expected):
        plugins.load(plugins.METRICS, "theirs")


def test_a_name_that_nobody_has_or_that_two_have_or_that_is_built_in(tmp_path, monkeypatch):
    for package in ("one", "two"):
        install(
            tmp_path / package,
            monkeypatch,
            group=plugins.DATASETS,
            entries={"same": "m:x", package: "m:x"},
            module="m",
            code="x = 1",
            package=package,
        )
    with pytest.raises(ValueError, match="found none.*installed: .*one, same, two"):
        plugins.load(plugins.DATASETS, "three")
    with pytest.raises(ValueError, match="package (one|two) .* and package (one|two) .*uninstall"):
        plugins.load(plugins.DATASETS, "same")
    with pytest.raises(ValueError, match="package one .*'one' is a name of gcdp-bench itself"):
        plugins.load(plugins.DATASETS, "one", builtin=["one"])


def test_a_failure_says_where():
    with pytest.raises(ZeroDivisionError) as caught:
        divmod(1, 0)
    assert re.fullmatch(
        r"ZeroDivisionError: .* .test_plugins.py, line \d+.", plugins.failure(caught.value)
    )
    with pytest.raises(SyntaxError) as unreadable:
        compile("def", "their.py", "exec")
    assert plugins.failure(unreadable.value).endswith("(their.py, line 1)")
