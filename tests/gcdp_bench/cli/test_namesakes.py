"""Two datasets of one name in the command line: their networks do not answer for each other."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.core.config import read_json, write_json
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import IDENTITY, DatasetIdentity, identity_record
from gcdp_bench.results.costs import read_costs
from gcdp_bench.results.table import read_rows
from tests.gcdp_bench.analysis.test_variants import ablated
from tests.toy import NAMES

FAST = ["--steps", "2", "--sr-steps", "2"]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def works(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments):
    result = run(*arguments)
    assert result.exit_code == 1 and "Traceback" not in result.output, result.output
    return result.output


@dataclass(frozen=True)
class World:
    """A dataset with runs, and two others of its name: of other classes, of other images."""

    own: Path
    classes: Path
    images: Path
    identity: DatasetIdentity  # of `own`

    @property
    def data(self) -> str:
        """Name of `own` in rows of the others."""
        return f"stripes@{self.identity.digest}"


@pytest.fixture
def world(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own, classes, images = (tmp_path / name / "stripes" for name in ("own", "classes", "images"))
    for data in (own, classes, images):
        shutil.copytree(toy.data, data)
    for file in classes.glob("*/classes.json"):
        table = json.loads(file.read_text())
        table["classes"] = ["lane" if name == NAMES[0] else name for name in NAMES]
        file.write_text(json.dumps(table))
    for file in [*images.glob("train/*/000.png")]:
        file.rename(file.with_stem("new"))
    captions = images / "train" / "captions.jsonl"
    captions.write_text(captions.read_text().replace('"000"', '"new"'))
    identity = dataset_identity(str(own))
    for network in ("segmenter", "clip", "reference", "imagen"):
        folder = shutil.copytree(getattr(toy, network), tmp_path / "runs" / network / "stripes")
        for config in folder.rglob("config.json"):
            write_json(config, read_json(config) | {IDENTITY: identity_record(identity)})
    ablated(tmp_path / "runs/reference/stripes", tmp_path / "linear", name="linear")
    return World(own, classes, images, identity)


def commands(data):
    """Every command that takes trained networks of a dataset, and which it takes."""
    few = ["--dataset", data, *FAST]
    image = data / "test" / "images" / "000.png"
    return {
        "sweep": (["sweep", *few, "--num-samples", 4, "--guidance", 1], ["reference", "imagen"]),
        "sample": (["sample", "reference", *few, "--out", "o"], ["reference"]),
        "outpaint": (
            ["outpaint", *few, "--image", image, "--caption", "a road", "--out", "o"],
            ["reference"],
        ),
        "score": (["evaluate", data / "test", "--dataset", data], ["segmenter", "clip"]),
        "memorisation": (["memorisation", data / "test", "--dataset", data], ["segmenter", "clip"]),
        "features": (
            ["analyze", "features", "--dataset", data, "--num-images", 4, "--clusters", 2],
            ["reference", "imagen"],
        ),
        "outpainting": (["analyze", "outpainting", *few, "--num-samples", 4], ["reference"]),
        "schedules": (
            ["analyze", "schedules", *few, "--num-samples", 2, "runs/reference/stripes", "linear"],
            ["segmenter", "clip"],
        ),
        "doctor": (["doctor", "--for", data], ["segmenter", "clip", "reference", "imagen"]),
    }


NAMED = sorted(commands(Path()))
EXTRACTORS = ["--segmenter", "runs/segmenter/stripes", "--clip", "runs/clip/stripes"]
WEIGHTS = [
    "--weights",
    "reference=runs/reference/stripes",
    "--weights",
    "imagen=runs/imagen/stripes",
]


@pytest.mark.parametrize("of", ["classes", "images"])
@pytest.mark.parametrize("name", NAMED)
def test_a_run_of_other_data_is_refused_with_the_remedy(world, name, of):
    data = getattr(world, of)
    arguments, networks = commands(data)[name]
    if (name, of) == ("schedules", "classes"):  # its folders are given, and refused by themselves
        assert "stripes: expected the classes of stripes" in refused(*arguments)
        return
    output = run(*arguments).output if name == "doctor" else refused(*arguments)
    for network in networks:
        assert f"runs/{network}/stripes was trained on other data called stripes" in output
        assert f"gcdp-bench train {network} --dataset {data}" in output
        option = f"--{network} " if network in ("segmenter", "clip") else f"--weights {network}="
        assert f"{option}runs/{network}/stripes" in output
    assert ("differing: " in output) == (of == "classes")
    assert ("training images with digest" in output) == (of == "images")


SLOW = ("sweep", "schedules", "memorisation", "outpainting")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in NAMED],
)
def test_a_run_of_the_same_data_is_found_wherever_they_lie(world, name, tmp_path):
    moved = shutil.move(world.own, tmp_path / "deep" / "below" / "stripes")
    arguments, networks = commands(moved)[name]
    output = run(*arguments).output
    for network in networks:
        assert f"no trained {network}" not in output and "other data" not in output


@pytest.mark.slow
def test_given_generators_of_other_data_are_told_apart_in_rows_and_costs(world, tmp_path):
    point = ["--dataset", world.images, "--guidance", 1, "--num-samples", 4, *FAST, *EXTRACTORS]
    output = works("sweep", *point, "--results", "r", *WEIGHTS)
    for network in ("reference", "imagen", "segmenter", "clip"):
        (line,) = [line for line in output.splitlines() if line.startswith(f"{network}: ")]
        assert (
            f"trained on stripes (other data called stripes: 6 training images with digest "
            f"{world.identity.digest} in {world.own}" in line
        )
    rows = read_rows(tmp_path / "r")
    assert set(rows["dataset"]) == {"stripes"}
    generated = rows["model"].isin(["reference", "imagen"])
    assert set(rows[generated]["trained_on"]) == {world.data}
    assert set(rows[~generated]["trained_on"]) == {"none"}
    scored = rows[rows["metric"].isin(["semantic_recall", "clip-x100"])]
    assert scored["extractor"].str.contains(world.data, regex=False).all()
    assert set(read_costs(tmp_path / "r")["trained_on"]) == {world.data}
    own = ["--dataset", world.own, *point[2:]]
    works("sweep", *own, "--results", "own")
    rows = read_rows(tmp_path / "own")
    assert set(rows["trained_on"]) == {"none", "stripes"}
    assert not rows["extractor"].str.contains("@").any()
    output = refused("sweep", *own, "--results", "r")
    assert f"{Path('r')}: holds rows" in output and "choose another --results" in output


@pytest.mark.slow
def test_given_extractors_of_other_data_are_told_apart_by_evaluate(world, tmp_path):
    samples = world.images / "test"
    works("evaluate", samples, "--dataset", world.images, *EXTRACTORS, "--out", "s.csv")
    rows = pd.read_csv(tmp_path / "s.csv")
    scored = rows[rows["metric"].isin(["semantic_recall", "clip-x100"])]
    assert scored["extractor"].str.contains(world.data, regex=False).all()
    output = refused("evaluate", world.classes / "test", "--dataset", world.classes, *EXTRACTORS)
    assert "do not fit images of stripes" in output


def test_a_training_on_other_data_leaves_the_run_alone(world, tmp_path):
    before = read_json(tmp_path / "runs/segmenter/stripes/config.json")
    works(
        "train", "segmenter", "--dataset", world.images, "--set", "steps=2", "--set", "batch_size=2"
    )
    assert read_json(tmp_path / "runs/segmenter/stripes/config.json") == before
    digest = dataset_identity(str(world.images)).digest
    trained = f"runs/segmenter/stripes-{digest}"
    samples = world.images / "test"
    output = run(
        "evaluate", samples, "--dataset", world.images, "--clip", "runs/clip/stripes"
    ).output
    assert f"segmenter: {trained}, 2 steps, trained on stripes\n" in output


@pytest.mark.slow
def test_a_sweep_without_a_dataset(world, undrawn, tmp_path, monkeypatch):
    monkeypatch.setenv("GCDP_DATA", str(world.own.parent))
    results = tmp_path / "results" / "local"
    output = works("sweep", "--guidance", 1, "--num-samples", 4, *FAST)
    assert f"dataset: {world.own}" in output.splitlines()[0]
    assert "segmenter: runs/segmenter/stripes, " in output
    assert set(read_rows(results)["dataset"]) == {"stripes"}
    assert "results/local" in works("report").splitlines()[0]
    assert (results / "report.html").exists() or list(results.glob("**/*.html"))


@pytest.mark.parametrize("given", [True, False])
def test_bare_pretrained_stands_for_extractors_of_an_analysis_too(tmp_path, monkeypatch, given):
    prompted = {}

    def extractor_request(*arguments, pretrained=False, **options):
        prompted["pretrained"] = pretrained
        raise ValueError("enough")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gcdp_bench.cli.analyze_models.extractor_request", extractor_request)
    weights = ["--weights", "pretrained"] if given else []
    output = refused("analyze", "outpainting", "--dataset", "synth-city-25", *weights)
    assert "reference: pretrained " in output and "enough" in output
    assert prompted == {"pretrained": given}
