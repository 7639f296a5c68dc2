"""Analyses from the command line, with toy models."""

import pandas as pd
import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.table import merge_rows
from tests.gcdp_bench.report.test_recall import point
from tests.gcdp_bench.results.test_schema import record


def run(*arguments):
    return CliRunner().invoke(main, ["analyze", *map(str, arguments)])


@pytest.fixture
def features(toy, tmp_path):
    return (
        "features",
        "--dataset",
        toy.data,
        "--num-images",
        4,
        "--timesteps",
        "10,50",
        "--steps",
        5,
        "--clusters",
        3,
        "--weights",
        f"reference={toy.reference}",
        "--weights",
        f"imagen={toy.imagen}",
        "--out",
        tmp_path / "out",
    )


@pytest.mark.slow
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
        (("--weights", f"ldm={toy.imagen}"), 1, "expected weights of reference, imagen, got 'ldm="),
    ):
        result = run(*features, *arguments)
        assert result.exit_code == code and message in result.output, result.output


@pytest.fixture
def results(tmp_path):
    """Rows of two models with recall of five classes and two attributes."""
    names = ("road", "sky", "car", "bus", "bike")
    lines = []
    for model, recalls in (("reference", (0.9, 0.8, 0.7, 0.6, 0.5)), ("imagen", (0.5,) * 5)):
        own = {"model": model, "config_hash": model}
        lines += point(model, 2.0, 5.0, dict(zip(names, recalls, strict=True)))
        lines += [
            record(metric="attribute_recall", value=value, **own, **{"class": name})
            for name, value in (("smiling", recalls[0]), ("eyeglasses", 0.3))
        ]
    folder = tmp_path / "results"
    merge_rows(folder, to_frame(lines))
    shares = pd.DataFrame(
        {
            "dataset": "d",
            "class": names,
            "pixel_share": [0.5, 0.2, 0.15, 0.1, 0],
            "image_share": 0.5,
        }
    )
    shares.to_parquet(folder / "classes.parquet")
    return folder


def test_classes(results):
    result = run("classes", results)
    assert result.exit_code == 0, result.output
    assert "reference      rank correlation of recall and frequency +1.00" in result.output
    folder = results / "analysis" / "classes-d"
    table = pd.read_csv(folder / "classes.csv")
    assert len(table) == 10 and table["pixel_share"].max() == 0.5
    assert pd.read_csv(folder / "correlations.csv")["model"].tolist() == ["reference", "imagen"]
    for name in ("class-recall", "recall-frequency"):
        assert (folder / f"{name}.png").stat().st_size > 1000


def test_attributes(results, tmp_path):
    result = run("attributes", results, "--dataset", "d", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "reference      mean recall of 2 attributes 60.0 %" in result.output
    table = pd.read_csv(tmp_path / "out" / "attributes.csv")
    assert set(table["class"]) == {"smiling", "eyeglasses"}
    assert (tmp_path / "out" / "attributes.png").stat().st_size > 1000


@pytest.mark.parametrize("analysis", ["classes", "attributes"])
def test_mistakes_of_tables(analysis, results, tmp_path):
    result = run(analysis, results, "--dataset", "e")
    assert result.exit_code == 1 and "expected rows of e, found d" in result.output
    result = run(analysis, tmp_path / "nothing")
    assert result.exit_code == 1 and "run `gcdp-bench sweep` first" in result.output


@pytest.mark.slow
def test_outpainting(toy, tmp_path):
    arguments = (
        "outpainting",
        "--dataset",
        toy.data,
        "--num-samples",
        4,
        "--steps",
        2,
        "--sr-steps",
        2,
        "--out",
        tmp_path / "out",
        *toy.extractors(),
    )
    result = run(*arguments, "--weights", toy.reference)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out" / "outpainting.csv")
    assert set(table["direction"]) == {"layout-to-image", "image-to-layout"}
    assert (tmp_path / "out" / "outpainting.png").stat().st_size > 1000
    miou = table[(table["metric"] == "miou") & (table["source"] == "reference")]
    assert f"{100 * miou.iloc[1]['value']:.2f} %  [" in result.output
    assert "ALARM: " in result.output
    result = run(*arguments, "--weights", toy.imagen, "--model", "imagen")
    assert result.exit_code == 1 and "outpainting needs a model" in result.output


def test_scarcity_needs_two_fractions(results, tmp_path):
    result = run("scarcity", results)
    assert result.exit_code == 1 and "such as synth-city-25, found models of d" in result.output
    result = run("scarcity")
    assert result.exit_code == 2 and "Missing argument 'RESULTS...'" in result.output
