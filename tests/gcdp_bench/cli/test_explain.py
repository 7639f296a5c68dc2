"""`score --explain` needs neither samples nor a dataset."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.metrics.registry import DEFINITIONS
from tests.packages import install_spread


def explain(metric):
    return CliRunner().invoke(main, ["evaluate", "--explain", metric])


def test_a_metric_is_explained_without_a_folder():
    result = explain("fid-tf1")
    assert result.exit_code == 0, result.output
    for part in (
        "fid-tf1: Fréchet distance, Inception-v3",
        "lower is better",
        "1706.08500",
        "TF1",
        "real images",
        "random halves",
        "squashed to a square",
    ):
        assert part in result.output
    assert max(map(len, result.output.splitlines())) <= 100


@pytest.mark.parametrize("metric", DEFINITIONS)
def test_nothing_of_a_definition_is_lost_in_print(metric):
    definition = DEFINITIONS[metric]
    printed = " ".join(explain(metric).output.split())
    for text in (definition.formula, definition.source, definition.interval, *definition.traps):
        assert " ".join(text.split()) in printed


def test_all_metrics_are_listed():
    result = explain("all")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.output.splitlines()] == list(DEFINITIONS)
    assert "fsd_generated" in result.output and "↓ Fréchet Segmentation Distance" in result.output


def test_a_metric_of_an_installed_package_is_explained_and_listed(tmp_path, monkeypatch):
    install_spread(tmp_path / "a", monkeypatch)
    assert "Spread of features" in explain("spread").output
    assert "Noise spreads too." in explain("spread").output
    last = explain("all").output.splitlines()[-1]
    assert last.split()[:3] == ["spread", "package", "their-package"]


def test_an_unknown_metric_is_a_mistake_of_usage():
    result = explain("fid")
    assert result.exit_code == 2
    assert "did you mean fid-tf1" in result.output and "Traceback" not in result.output


def test_it_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['gcdp-bench', 'score', '--explain', 'miou']\n"
        "from gcdp_bench.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, None)\n"
        "assert not {'torch', 'pandas'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "Mean intersection over union" in result.stdout
