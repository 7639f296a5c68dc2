"""Whatever the benchmark writes can be explained, completely, without a heavy import."""

import dataclasses
import subprocess
import sys

import pytest

from gcdp_bench.metrics.lookup import lookup
from gcdp_bench.metrics.registry import DEFINITIONS

SHOWN = ("changes", "percent", "column", "curve", "worst", "controls")
"""Fields that are empty for most metrics."""


def value_is_share(definition):
    return definition.unit.startswith("share, 0 to 1")


@pytest.mark.parametrize("metric", DEFINITIONS)
def test_every_definition_is_complete(metric):
    definition = lookup(metric)
    for field in dataclasses.fields(definition):
        value = getattr(definition, field.name)
        if field.name in SHOWN:
            continue
        if field.name == "higher_is_better":
            assert value in (True, False, None)
        elif field.name == "bounds":
            assert value[0] < value[1] and (value == (0, 1)) == value_is_share(definition)
        elif field.name == "traps":
            assert value and all(trap.endswith(".") for trap in value)
        else:
            assert value == value.strip() and value, field.name
    assert len(definition.formula) < 320


def test_titles_tell_metrics_apart():
    titles = [definition.title for definition in DEFINITIONS.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("prompted", "hint"),
    [
        ("fid", "did you mean fid-tf1, fid-clean, fid-torch, fid-hrnet?"),
        ("semantic_recal", "did you mean semantic_recall"),
        ("miuo", "did you mean miou"),
        ("?", "known: fid-tf1"),
    ],
)
def test_unknown_names_get_help(prompted, hint):
    with pytest.raises(
        ValueError, match=f"unknown metric '{prompted.replace('?', '[?]')}'"
    ) as error:
        lookup(prompted)
    assert hint in str(error.value)


def test_explaining_imports_nothing_heavy():
    code = (
        "import sys; from gcdp_bench.metrics.lookup import lookup; lookup('fid-tf1')\n"
        "assert not {'torch', 'scipy', 'pandas'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
