"""Analyses from the command line, with toy models."""

import pandas as pd
import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main


def run(*arguments):
    return CliRunner().invoke(main, ["analyze", *map(str, arguments)])


@pytest.fixture
def features(toy, tmp_path):
    return ("features", "--dataset", toy.data, "--num-images", 4, "--timesteps", "10,50",
            "--steps", 5, "--clusters", 3, "--weights", f"reference={toy.reference}",
            "--weights", f"imagen={toy.imagen}", "--out", tmp_path / "out")  # fmt: skip


def test_features(features, tmp_path):
    result = run(*features)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out" / "features.csv")
    assert set(table["model"]) == {"reference", "imagen"}
    assert set(table["block"]) == {"middle", "up.0", "up.1", "final"}
    assert set(table["t"]) == {10, 50} and set(table["metric"]) == {"ari", "nmi", "probe_miou"}
    for name in ("agreement", "clusters-middle", "clusters-final"):
        assert (tmp_path / "out" / f"{name}.png").stat().st_size > 1000
        assert (tmp_path / "out" / f"{name}.pdf").exists()


def test_mistakes_of_features(features, toy):
    for arguments, code, message in (
        (("--against", "reference"), 2, "expected two different models"),
        (("--timesteps", "10,10"), 2, "expected different values"),
        (("--against", "imagin"), 1, "imagin"),
        (("--blocks", "up.9"), 1, "expected some of middle, up.0, up.1, final, got up.9"),
        (("--weights", f"ldm={toy.imagen}"), 1, "expected folders of reference, imagen, got ldm"),
    ):
        result = run(*features, *arguments)
        assert result.exit_code == code and message in result.output, result.output
