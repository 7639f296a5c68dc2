"""The example package: installed in a folder of its own, swept, reported and explained."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.results.table import read_rows

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "examples" / "plugin"
CODE = {"generator": "blobs", "dataset": "shapes", "metric": None}
"""What a guide adds -> module of the package that it shows whole; None: code of its own."""
GUIDES = {what: ROOT / "docs/how-to" / f"add-a-{what}.md" for what in CODE}
NO_PLUGIN = "import sys; assert not [n for n in sys.modules if n.startswith('gcdp_example')]"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder in which the package is installed."""
    root = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(PLUGIN, root / "source")  # a build leaves files in it
    options = ["--no-build-isolation", "--no-deps", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options]
    subprocess.run([*command, "--target", root / "installed", source], check=True)
    return root / "installed"


@pytest.fixture
def run(installed, tmp_path):
    """Runs commands where the package is installed; `after` is run in the same interpreter."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)]),
        "GCDP_CACHE": str(tmp_path / "cache"),
    }

    def call(*commands, after=""):
        words = [list(map(str, command)) for command in commands]
        code = (
            "import sys\nfrom gcdp_bench.cli import main\n"
            f"for words in {words!r}:\n"
            "    sys.argv = ['gcdp-bench', *words]\n"
            "    try:\n        main()\n    except SystemExit as end:\n        assert not end.code\n"
            f"{after}"
        )
        command = [sys.executable, "-c", code]
        found = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    return call


@pytest.fixture
def module(monkeypatch):
    """Modules of the package, from its source."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    return pytest.importorskip


@pytest.mark.slow
def test_all_three_are_swept_reported_and_explained(run, tmp_path):
    """The commands of README.md, with two steps of training and six samples."""
    more = {
        "train": ["--set", "steps=2", "--set", "warmup_steps=1"],
        "sweep": ["--num-samples", "6"],
    }
    printed = {}
    for line in re.findall("^gcdp-bench (.*)$", (PLUGIN / "README.md").read_text(), re.M):
        words = line.replace("blobs", "blobs,again=gcdp_example.blobs:Blobs").split()
        printed[words[0]] = run([*words, *more.get(words[0], [])])
    assert list(printed) == ["train", "sweep", "report", "evaluate"]
    rows = read_rows(tmp_path / "results" / "local")
    points = rows[rows["source"] == "generated"]
    assert set(points["model"]) == {"blobs", "again"} and set(points["dataset"]) == {"shapes"}
    vendi = points[points["metric"] == "vendi"].set_index("model")["value"]
    assert vendi["blobs"] == vendi["again"] and 1.0 < vendi["blobs"] < 6.0
    assert "Vendi score" in printed["report"] and "eigenvalues" in printed["evaluate"]


def test_the_doctor_trains_at_the_size_of_the_generator(run, monkeypatch):
    monkeypatch.delenv("GCDP_RUNS", raising=False)
    lines = run(["doctor", "--for", "shapes", "--models", "blobs"]).splitlines()
    trainings = [line for line in lines if line.startswith("gcdp-bench train")]
    assert trainings == [
        f"gcdp-bench train {name} --dataset shapes --size 32x32 --if-needed"
        for name in ("segmenter", "clip")
    ]


def test_commands_that_do_not_name_it_do_not_import_it(run, toy, tmp_path):
    helps = [[*verb, "--help"] for verb in ([], ["sweep"], ["train"], ["evaluate"])]
    sample = ["sample", "reference", "--weights", toy.reference, "--dataset", toy.data]
    sample += ["--num-samples", "2", "--steps", "2", "--out", "out"]
    printed = run(*helps, sample, after=NO_PLUGIN)
    assert printed.count("Usage: ") == len(helps)


def test_the_dataset_is_the_same_on_every_read(module):
    shapes = module("gcdp_example.shapes")
    first, again = (shapes.Shapes("val", (24, 48)) for _ in range(2))
    seen = set()
    for index in range(len(first)):
        one, two = first[index], again[index]
        assert (one.image == two.image).all() and (one.layout == two.layout).all()
        assert first.caption_classes(one.caption) == set(one.layout.unique().tolist())
        seen |= first.caption_classes(one.caption)
    assert seen == {0, 1, 2}


def test_samples_do_not_depend_on_their_batch(module):
    from gcdp_bench.core.members import as_generator
    from gcdp_bench.core.sampling_config import SamplingConfig

    blobs = as_generator(module("gcdp_example.blobs").Blobs(SamplingConfig()), "blobs")
    captions, seeds = ["balls", "meadows and boxes"], [3, 4]
    both = blobs.sample(captions, guidance=1.0, seeds=seeds)
    for index in range(2):
        alone = blobs.sample([captions[index]], guidance=1.0, seeds=[seeds[index]])
        assert (alone.images[0] == both.images[index]).all()
    assert set(both.layouts[1].unique().tolist()) == {0, 2}


@given(st.integers(1, 12), st.integers(0, 1000))
def test_the_vendi_score_counts_different_images(num, seed):
    sys.path.insert(0, str(PLUGIN))
    try:
        from gcdp_example.vendi import vendi_score
    finally:
        sys.path.remove(str(PLUGIN))
    vector = np.random.default_rng(seed).normal(size=16).astype(np.float32)
    assert vendi_score(np.tile(vector, (num, 1))) == pytest.approx(1.0)
    lengths = np.linspace(0.5, 2.0, num)[:, None]
    orthogonal = np.linalg.qr(np.random.default_rng(seed).normal(size=(16, 16)))[0][:num]
    assert vendi_score((orthogonal * lengths).astype(np.float32)) == pytest.approx(num)


@pytest.mark.parametrize("what", CODE)
def test_guides_show_whole_code_that_runs(what, module, capsys):
    blocks = re.findall(r"^ *```python\n(.*?)^ *```", GUIDES[what].read_text(), re.DOTALL | re.M)
    if CODE[what] is not None:
        assert blocks[0] == (PLUGIN / "gcdp_example" / f"{CODE[what]}.py").read_text()
    module(f"gcdp_example.{CODE[what] or 'vendi'}")  # from here on the package can be imported
    for block in blocks:
        exec(compile(dedent(block), GUIDES[what].name, "exec"), {"__name__": "guide"})
    assert ("unlabeled" in capsys.readouterr().out) == (what == "generator")


def test_the_metric_of_the_guide_is_one():
    from gcdp_bench.metrics.lookup import check_values

    names = {"__name__": "guide"}
    exec(re.findall(r"```python\n(.*?)```", GUIDES["metric"].read_text(), re.DOTALL)[0], names)
    spread = names["SPREAD"]
    (value,) = check_values(spread.fn(np.array([[0.0, 2.0], [2.0, 2.0]])), spread)
    assert (value.value, value.num_samples) == (0.5, 2)


@pytest.mark.parametrize("what", ["generator", "dataset"])
def test_guides_show_entry_points_of_the_package(what):
    (block,) = re.findall(r"^```toml\n(.*?)^```", GUIDES[what].read_text(), re.DOTALL | re.M)
    assert block in (PLUGIN / "pyproject.toml").read_text()
