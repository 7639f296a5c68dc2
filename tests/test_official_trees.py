"""From a dataset's official tree to a report, as its owner would: train, sweep, report, score.

The presets are the real ones; `--set` makes their networks narrow and training one step long.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gcdp_bench.datasets.cityscapes import CLASS_NAMES as CITY_CLASSES
from gcdp_bench.datasets.faces import ATTRIBUTE_NAMES
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL
from gcdp_bench.results.table import read_rows
from tests.gcdp_bench.cli.test_cli import fails, run
from tests.gcdp_bench.datasets.trees import CLASSES, write_celeba, write_cityscapes

pytestmark = pytest.mark.slow

NARROW = {
    "segmenter": ("segmenter.network.", "width=4", "first_channels=4", "head_channels=8"),
    "clip": ("clip.", "width=16", "layers=1", "head_width=8", "embed_dim=8"),
    "attributes": ("",),
    "reference": (
        "stage.unet.",
        "dim=4",
        "groups=2",
        "dim_mults=[1,1]",
        "num_blocks=[1,1]",
        "attention_heads=1",
        "attention_head_dim=4",
    ),
}
NUM = 4  # samples of a point
IN_RANGE = {
    "semantic_recall": (0, 1),
    "miou": (0, 1),
    "fid-hrnet": (0, np.inf),
    "clip-x100": (-100, 100),
    "fsd_generated": (0, np.inf),
    "attribute_recall": (0, 1),
}


@dataclass(frozen=True)
class Place:
    """A tree, and what was made from it."""

    dataset: str
    tree: Path
    extractors: tuple[str, ...]
    made: Path

    @property
    def data(self) -> list:
        return ["--dataset", self.dataset, "--data-root", self.tree]

    @property
    def options(self) -> list:
        """The extractors, for the command line."""
        return [part for kind in self.extractors for part in (f"--{kind}", self.made / kind)]

    @property
    def cache(self) -> Path:
        """Of the user who made it."""
        return self.made / "cache"

    def rows(self, protocol: str) -> pd.DataFrame:
        return read_rows(self.made / protocol)

    def samples(self, protocol: str) -> Path:
        (folder,) = (self.made / protocol / "points" / self.dataset / "reference").iterdir()
        return folder


def ok(*arguments) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def use(place: Place) -> Place:
    """Train everything, then sweep by both protocols, with a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GCDP_CACHE", str(place.cache))
        _use(place)
    return place


def _use(place: Place) -> None:
    for model in (*place.extractors, "reference"):
        prefix, *changes = NARROW[model]
        keys = ["steps=1", "batch_size=2", *(prefix + change for change in changes)]
        settings = [part for key in keys for part in ("--set", key)]
        ok("train", model, *place.data, "--out", place.made / model, *settings)
    for protocol in ("heldout", "paper-like"):
        ok(
            "sweep",
            *place.data,
            *place.options,
            "--models",
            "reference",
            "--guidance",
            1,
            "--num-samples",
            NUM,
            "--steps",
            2,
            "--sr-steps",
            2,
            "--protocol",
            protocol,
            "--weights",
            f"reference={place.made / 'reference'}",
            "--results",
            place.made / protocol,
        )


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GCDP_DATA", "CITYSCAPES_DATASET"):
            patch.delenv(name, raising=False)
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))  # without runs/
        yield


@pytest.fixture(scope="module")
def city(tmp_path_factory, environment):
    root = tmp_path_factory.mktemp("city")
    tree = write_cityscapes(root / "cityscapes", {"train": 24, "val": 8})
    return use(Place("cityscapes", tree, ("segmenter", "clip"), root / "made"))


@pytest.fixture(scope="module")
def faces(tmp_path_factory, environment):
    root = tmp_path_factory.mktemp("faces")
    tree = write_celeba(root / "celeba", num_train=24, num_test=8)
    return use(Place("celeba-25", tree, ("segmenter", "clip", "attributes"), root / "made"))


@pytest.fixture(params=["city", "faces"])
def place(request):
    return request.getfixturevalue(request.param)


def test_every_number_is_there_and_in_its_range(place):
    rows = place.rows("heldout")
    assert set(rows["dataset"]) == {place.dataset} and set(rows["split"]) == {"test"}
    totals = rows[rows["class"] == "all"].set_index(["model", "metric"])
    of_captions = ["semantic_recall", "clip-x100"]
    if "attributes" in place.extractors:
        of_captions.append("attribute_recall")
    wanted = {
        "reference": [*of_captions, "miou", "fid-hrnet", "fsd_generated"],
        REAL_OWN: [*of_captions, "miou"],
        REAL_SHUFFLED: of_captions,
        REAL_VS_REAL: ["fid-hrnet", "fsd_generated"],
    }
    for model, metrics in wanted.items():
        for metric in metrics:
            row, (low, high) = totals.loc[model, metric], IN_RANGE[metric]
            assert low <= row["value"] <= high, (model, metric)
            assert row["num_samples"] == NUM, (model, metric)
    assert totals.loc[("reference", "fid-hrnet"), "num_reference"] == 8
    assert totals.loc[(REAL_VS_REAL, "fid-hrnet"), "num_reference"] == 4  # the other half
    assert ("attribute_recall" in set(rows["metric"])) == ("attributes" in place.extractors)


def test_classes_are_prompted_by_their_names(city, faces):
    def prompted(place, metric):
        rows = place.rows("heldout")
        rows = rows[(rows["metric"] == metric) & (rows["model"] == REAL_OWN)]
        return set(rows[rows["num_samples"] > 0]["class"]) - {"all"}

    named = {CITY_CLASSES[index] for index in CLASSES} - {"unlabeled"}
    assert prompted(city, "semantic_recall") == named and len(named) == 7
    assert prompted(city, "iou") == set(CITY_CLASSES)  # a trained segmenter tells "unlabeled" apart
    assert prompted(faces, "semantic_recall") == {"hat"}
    assert prompted(faces, "attribute_recall") == {"Male", "Wearing_Hat"} <= set(ATTRIBUTE_NAMES)


def test_the_protocol_of_the_paper(city, faces):
    for place, split, num in ((city, "all", 32), (faces, "test", 8)):
        rows = place.rows("paper-like")
        assert set(rows["split"]) == {split} and set(rows["protocol"]) == {"paper-like"}
        fid = rows[(rows["metric"] == "fid-hrnet") & (rows["model"] == "reference")]
        assert fid["num_reference"].tolist() == [num]
    chosen = {
        protocol: [
            json.loads(line)["caption"].split("caption ")[1][0]
            for line in (faces.samples(protocol) / "captions.jsonl").read_text().splitlines()
        ]
        for protocol in ("heldout", "paper-like")
    }
    assert chosen["paper-like"] == ["0"] * NUM and len(set(chosen["heldout"])) > 1


@pytest.mark.parametrize(
    ("name", "protocol", "split"),
    [
        ("city", "heldout", "test"),
        ("city", "paper-like", "all"),
        ("faces", "heldout", "test"),
        ("faces", "paper-like", "test-first"),
    ],
)
def test_scoring_the_samples_gives_the_numbers_of_the_sweep(
    name, protocol, split, request, tmp_path
):
    place = request.getfixturevalue(name)
    folder = shutil.copytree(place.samples(protocol), tmp_path / "samples")
    ok(
        "evaluate",
        folder,
        *place.data,
        *place.options,
        "--split",
        split,
        "--out",
        tmp_path / "s.csv",
    )
    scores = pd.read_csv(tmp_path / "s.csv")
    scores = scores[~scores["metric"].str.startswith("alarm:")].set_index(["metric", "class"])
    rows = place.rows(protocol)
    rows = rows[rows["model"] == "reference"].set_index(["metric", "class"])
    rows = rows.drop("semantic_recall_of_ceiling", level="metric")
    assert set(rows.index) == set(scores.index)
    expected = rows.loc[scores.index]
    # Another order of the real images adds their features in another order.
    np.testing.assert_allclose(scores["value"], expected["value"], rtol=1e-6, atol=1e-6)
    assert scores["num_samples"].tolist() == expected["num_samples"].tolist()


def test_the_report(place):
    results = place.made / "heldout"
    output = ok("report", results)
    assert "real-own" in output and place.dataset in output
    page = (results / "report.html").read_text()
    assert ("attribute recall" in page) == ("attributes" in place.extractors)
    for figure in ("fid-semantic-recall", "fid-clip", "class-recall", "samples"):
        assert (results / "figures" / place.dataset / f"{figure}.png").stat().st_size > 1000
    summary = pd.read_csv(results / "tables" / "summary.csv")
    assert set(summary["model"]) == {"reference", REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL}


class TestFacesWithoutAttributes:
    """The file of attributes, and the network that evaluates them, may each be missing."""

    @pytest.fixture
    def samples(self, faces, tmp_path):
        return shutil.copytree(faces.samples("heldout"), tmp_path / "samples")

    def test_no_classifier_is_said(self, faces, samples):
        output = ok("evaluate", samples, *faces.data, *faces.options[:4])
        assert "Attribute recall is not measured: no trained attributes for celeba-25" in output
        assert "attribute_recall" not in output and "semantic_recall" in output

    def test_no_file_is_no_attributes(self, faces, samples, tmp_path):
        tree = shutil.copytree(faces.tree, tmp_path / "celeba")
        (tree / "CelebAMask-HQ-attribute-anno.txt").unlink()
        data = ["--dataset", faces.dataset, "--data-root", tree]
        output = ok("evaluate", samples, *data, *faces.options[:4])
        assert "ttribute" not in output
        for arguments in (
            ["evaluate", samples, *data, *faces.options],
            ["train", "attributes", *data, "--out", tmp_path / "run"],
        ):
            assert "CelebAMask-HQ-attribute-anno.txt" in fails(*arguments)


def test_layouts_of_faces_are_merged_once_and_nothing_is_written_beside_them(faces):
    folder = faces.tree / "CelebAMask-HQ-mask-anno"
    ids = {path.stem for path in (faces.tree / "CelebA-HQ-img").iterdir()}
    merged = {path.stem for path in (faces.cache / "celeba-layouts").glob("*/*.png")}
    assert len(ids) == 32 and {"2014", "2021"} <= merged < ids  # 25 % of train, val and test
    assert len(merged) == 6 + 1 + 8
    assert {path.name for path in folder.iterdir()} == {"0", "1"}
