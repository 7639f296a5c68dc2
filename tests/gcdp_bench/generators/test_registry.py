"""Generators of packages and of given code: found by name, imported when they are used."""

import pickle
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.core import plugins
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.generators.registry import (
    GENERATORS,
    check_generator,
    check_training,
    find_generators,
    generator_names,
    generator_spec,
    trained_parts,
)
from gcdp_bench.generators.sample import load_generator
from gcdp_bench.generators.spec import check_code, load_code
from gcdp_bench.training.networks import Code
from tests.packages import install

CODE = '''
from pathlib import Path

import torch

from gcdp_bench.core.types import TRUNCATION, Batch, Generator
from gcdp_bench.generators.registry import GeneratorSpec


class Grey(Generator):
    """Grey images.

    Nothing else.
    """

    name, trained_on, digest = "grey", "stripes", "grey-1"
    class_names, image_size = ("sky", "road", "car"), (16, 16)
    parameter, makes_layouts = TRUNCATION, True

    def __init__(self, sampling):
        self.settings = {"steps": sampling.steps}

    def sample(self, captions, *, guidance, seeds):
        images = torch.full((len(captions), 3, 16, 16), 127, dtype=torch.uint8)
        layouts = torch.zeros(len(captions), 16, 16, dtype=torch.uint8)
        return Batch(tuple(map(str, seeds)), images, layouts, tuple(captions))


class Bare:
    name = "bare"

    def __init__(self, sampling):
        pass


def two(sampling, more):
    return Grey(sampling)


def nothing():
    return None


NUMBER = 3
SPEC = GeneratorSpec(
    name="other", summary="from a folder", load=lambda name, folder, sampling: Grey(sampling),
    files=("grey.bin",),
)
'''


@pytest.fixture(autouse=True)
def own_path(monkeypatch):
    """Folders of given code leave the path again."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Entry points of one module, which the test may not have imported yet."""

    def put(module, **entries):
        install(
            tmp_path / module,
            monkeypatch,
            group=plugins.GENERATORS,
            entries={name: f"{module}:{attribute}" for name, attribute in entries.items()},
            module=module,
            code=CODE,
        )

    return put


def test_a_class_is_a_generator(package, toy):
    package("grey_things", grey="Grey")
    assert generator_names() == (*GENERATORS, "grey")
    check_generator("grey")
    assert "grey_things" not in sys.modules
    spec = generator_spec("grey")
    assert (spec.name, spec.summary, spec.param) == ("grey", "Grey images.", "truncation")
    assert spec.makes_layouts and spec.reads_captions and spec.training is None
    run = find_generators(["grey"], {}, toy.identity)["grey"]
    assert str(run) == "grey: made by grey_things:Grey" and run.weights is None
    generator, digest = load_generator(run, SamplingConfig(steps=7))
    assert generator.settings == {"steps": 7}
    assert load_generator(run, SamplingConfig(steps=8))[1] != digest
    assert trained_parts(run) == []


def test_an_entry_may_read_its_weights_from_a_folder(package, toy, tmp_path):
    package("spec_things", mine="SPEC")
    assert generator_spec("mine").name == "mine"
    with pytest.raises(FileNotFoundError, match="no trained mine for .*give one with --weights"):
        find_generators(["mine"], {}, toy.identity)
    (tmp_path / "grey.bin").touch()
    run = find_generators(["mine"], {"mine": tmp_path}, toy.identity)["mine"]
    assert load_generator(run, SamplingConfig())[0].name == "grey" and run.weights == tmp_path


def test_faults_of_a_package_are_named(package, toy):
    package(
        "faulty_things", two="two", nothing="nothing", number="NUMBER", bare="Bare", gone="Gone"
    )
    where = r"package their-package 1.0 \(entry point {0} = faulty_things:{1}, .*"
    for name, attribute in (("two", "two"), ("nothing", "nothing"), ("number", "NUMBER")):
        expected = where.format(name, attribute) + "called with the SamplingConfig alone"
        with pytest.raises(ValueError, match=expected):
            generator_spec(name)
    with pytest.raises(ValueError, match=where.format("gone", "Gone") + "pip uninstall"):
        generator_spec("gone")
    run = find_generators(["bare"], {}, toy.identity)["bare"]
    with pytest.raises(ValueError, match="faulty_things:Bare: .* lacks trained_on, digest, .*samp"):
        load_generator(run, SamplingConfig())


def test_names_are_taken_once_and_unknown_ones_get_those_of_packages(package):
    package("clashing_things", reference="Grey", grey="Grey")
    with pytest.raises(ValueError, match="their-package .*'reference' is a name of gcdp-bench"):
        check_generator("reference")
    with pytest.raises(ValueError, match="'reference' is a name of gcdp-bench itself"):
        generator_spec("reference")
    check_generator("imagen")
    with pytest.raises(ValueError, match="did you mean 'grey'.*known: reference, .*, grey"):
        check_generator("greyy")
    with pytest.raises(ValueError, match="grey: expected a network that gcdp-bench trains, but"):
        check_training("grey", "tiny")
    with pytest.raises(ValueError, match="unknown model to train 'greyy'.*did you mean 'grey'"):
        check_training("greyy", "tiny")


def test_code_is_found_again_in_another_process(tmp_path, toy):
    file = tmp_path / "own model.py"
    file.write_text(CODE)
    code = Code(f"{file}:Grey")
    run = find_generators(["mine"], {"mine": code}, toy.identity)["mine"]
    assert run.network == "mine" and str(run) == f"mine: made by {file}:Grey"
    weights = pickle.loads(pickle.dumps(run.weights))
    assert find_generators(["mine"], {"mine": weights}, toy.identity)["mine"] == run
    assert load_generator(run, SamplingConfig())[0].digest == "grey-1"
    expected = "own model.py has no missing; it has Grey, Bare$"
    with pytest.raises(ValueError, match=expected):
        find_generators(["mine"], {"mine": replace(code, place=f"{file}:missing")}, toy.identity)


OUTSIDE = """
import os
import sys
import torch
sys.path = [path for path in sys.path if path and path != {here!r}]
from gcdp_bench.generators.registry import generator_spec
from gcdp_bench.training.networks import Code
for place in {places!r}:
    if not os.fork():  # each of them finds what lies beside it alone
        print(generator_spec("mine", Code(place)).summary, flush=True)
        os._exit(0)
    os.wait()
"""


def test_code_finds_what_lies_beside_it(tmp_path):
    """As the installed command runs: the working directory is not on the path."""
    places = {
        "sub/own.py:Own": "Own.",
        "grey_module:Grey": "Grey images.",
        "sub.with_name:Own": "Own.",
    }
    (tmp_path / "sub").mkdir()
    (tmp_path / "grey_module.py").write_text(CODE)
    (tmp_path / "sub" / "beside.py").write_text(CODE)
    for name, package in (("own", ""), ("with_name", "sub.")):
        own = f"from {package}beside import Grey\nclass Own(Grey):\n    'Own.'\n"
        (tmp_path / "sub" / f"{name}.py").write_text(own)
    code = OUTSIDE.format(here=str(tmp_path), places=list(places))
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert found.stdout.splitlines() == list(places.values()), found.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=diffusers:owner/name", "the scheme 'diffusers' is reserved for a later release"),
        ("a=folder:samples", "the scheme 'folder' is reserved"),
        ("a=module", "expected NAME=module:factory or NAME=path/to/file.py:factory, got a=module"),
        ("a=module:", "expected NAME=module:factory"),
        ("a/b=module:x", "expected letters, digits, .* got 'a/b'"),
        ("reference=module:x", "reference is a generator already; choose another name"),
        ("a=nowhere_at_all:x", "a=nowhere_at_all:x: .*ModuleNotFoundError.*or give NAME=module:f"),
        ("a=nowhere.py:x", "a=nowhere.py:x: expected a file nowhere.py, found none"),
        ("a=broken.py:x", r"ZeroDivisionError: .* \(broken.py, line 1\); correct it, or"),
        ("a=empty.py:x", "a=empty.py:x: empty.py has no x; it defines no class and no function"),
        ("a=math:x", "a=math:x: math has no x; it"),
        ("own.py:Noise", "NAME=module:factory or .* with a name of .*; give mine=own.py:Noise"),
        ("a=math:pi,a=math:e", "expected different values"),
        ("a=math:pi --weights a=x", "a: expected code or weights, got both; leave the option out"),
        (
            "a=shutil:copy",
            "called with the SamplingConfig alone; got <function copy",
        ),
        ("a=math:pi", "a=math:pi: expected a generator's class or a function"),
    ],
)
def test_what_stands_for_no_code_is_refused(text, message, tmp_path, monkeypatch, toy):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "empty.py").touch()
    command = ["sweep", "--dataset", str(toy.data), *toy.extractors(), "--models", *text.split()]
    result = CliRunner().invoke(main, command)
    assert result.exit_code != 0 and re.search(message, " ".join(result.output.split()))


@pytest.mark.parametrize(
    "command",
    [
        ["train", "a=own.py:Own"],
        ["analyze", "outpainting", "--dataset", "synth-city-25", "--model", "a=own.py:Own"],
        ["outpaint", "--dataset", "synth-city-25", "--model", "own.py:Own"],
    ],
)
def test_commands_that_take_no_code_name_those_that_do(command):
    result = CliRunner().invoke(main, command)
    expected = (
        r"expected a generator by name, got (a=)?own.py:Own; given code .* `gcdp-bench sweep`"
    )
    assert result.exit_code != 0 and re.search(expected, " ".join(result.output.split()))


def test_samples_carry_the_given_name(tmp_path, toy):
    (tmp_path / "grey.py").write_text(CODE)
    model = f"mine={tmp_path / 'grey.py'}:Grey"
    sample = ["sample", model, "--dataset", str(toy.data), "--num-samples", "2"]
    result = CliRunner().invoke(main, [*sample, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "out" / "layouts").iterdir())) == 2
    assert '"model": "mine"' in (tmp_path / "out" / "samples.json").read_text()


def test_files_of_similar_names_are_different_code(tmp_path):
    for number, name in enumerate(("a_b.py", "a-b.py")):
        (tmp_path / name).write_text(f"def make(sampling): return {number}\n")
    made = [load_code("mine", Code(f"{tmp_path / name}:make")) for name in ("a_b.py", "a-b.py")]
    assert [make(None) for make in made] == [0, 1]


@pytest.mark.parametrize("name", ["real-own", "real-ceiling", "control-noise", "none", "control"])
def test_names_of_real_images_and_controls_are_taken(name, package):
    with pytest.raises(ValueError, match=f"{name}: expected a name of its own"):
        check_code(name, Code("m:f"))
    package("grey_things", **{name: "Grey"})
    with pytest.raises(ValueError, match=f"{name}: expected a name of its own"):
        check_generator(name)


def test_code_that_ends_the_process_is_refused(tmp_path):
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(ValueError, match="expected code to import, got SystemExit"):
        load_code("mine", Code(f"{tmp_path / 'ends.py'}:make"))
