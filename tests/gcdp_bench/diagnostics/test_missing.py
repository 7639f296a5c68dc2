"""What is missing is said at once, by every command in the same words, with a script that works."""

import re
import shlex
import subprocess

import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.cli.evaluation_options import EvaluationOptions
from gcdp_bench.cli.needs import wanted_by
from gcdp_bench.core.types import GUIDANCE, TRUNCATION
from gcdp_bench.diagnostics.missing import DATA, missing_for, script
from gcdp_bench.generators.registry import GENERATORS
from gcdp_bench.sweep.estimate import duration
from gcdp_bench.training.networks import Code


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine with neither data nor weights."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GCDP_DATA", raising=False)
    monkeypatch.delenv("CITYSCAPES_DATASET", raising=False)
    monkeypatch.setenv("GCDP_WEIGHTS", str(tmp_path / "store"))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def commands(text):
    return [line for line in text.splitlines() if line.startswith("gcdp-bench ")]


def test_sweep_doctor_and_report_name_the_same(bare):
    doctor = run("doctor", "--for", "celeba-25").output
    listed = [line for line in doctor.splitlines() if line.startswith("- ")]
    remedy = "`gcdp-bench doctor --for celeba-25 --script make.sh`, then `sh make.sh`"
    assert [line.split()[1] for line in listed] == [
        "celeba-25",
        "segmenter",
        "clip",
        "attributes",
        "reference",
        "imagen",
    ]
    dry = run("sweep", "--dataset", "celeba-25", "--dry-run")
    refused = run("sweep", "--dataset", "celeba-25")
    assert dry.exit_code == 0 and refused.exit_code == 1
    for output in (doctor, dry.output, refused.output):
        assert remedy in output
        assert [line for line in output.splitlines() if line.startswith("- ")] == listed
    assert commands(doctor) == commands(dry.output)


def test_the_script_trains_in_order_and_ends_with_the_sweep(bare):
    result = run(
        "doctor",
        "--for",
        "celeba-25",
        "--models",
        "ldm,lafite",
        "--script",
        "make.sh",
        "--extractors",
        "standard",
    )
    assert "script: make.sh" in result.output
    text = (bare / "make.sh").read_text()
    assert "to make all of it" not in result.output
    assert commands(text) == [
        *(
            f"gcdp-bench weights verify {name} >/dev/null 2>&1 || "
            f"gcdp-bench weights add {name} --download"
            for name in ("clip-vit-l-14-336", "inception-v3")
        ),
        "gcdp-bench train segmenter --dataset celeba-100 --if-needed",
        "gcdp-bench train attributes --dataset celeba-100 --if-needed",
        "gcdp-bench train autoencoder --dataset celeba-25 --if-needed",
        "gcdp-bench train lafite-clip --dataset celeba-25 --if-needed",
        "gcdp-bench train ldm --dataset celeba-25 --if-needed",
        "gcdp-bench train lafite --dataset celeba-25 --if-needed",
        "gcdp-bench sweep --dataset celeba-25 --models ldm,lafite --extractors standard",
    ]
    assert subprocess.run(["sh", "-n", "make.sh"], cwd=bare).returncode == 0
    ran = subprocess.run(["sh", "make.sh"], cwd=bare, capture_output=True, text=True)
    assert ran.returncode != 0 and "GCDP_DATA: folder of the data" in ran.stderr


def test_a_file_is_not_overwritten_without_a_word(bare):
    (bare / "make.sh").write_text("mine")
    command = ("doctor", "--for", "celeba-25", "--script", "make.sh")
    refused = run(*command)
    assert refused.exit_code == 1 and "overwrite it with --force" in refused.output
    assert (bare / "make.sh").read_text() == "mine"
    assert run(*command, "--force").exit_code == 0
    assert (bare / "make.sh").read_text().startswith("#!/bin/sh")


@pytest.mark.parametrize("preset", ["tiny", "small", "paper-celeba", "paper-cityscapes"])
@pytest.mark.parametrize("dataset", ["celeba-25", "cityscapes", "camvid", "synth-face-50"])
def test_every_command_of_a_script_is_accepted(bare, monkeypatch, dataset, preset):
    monkeypatch.setattr("gcdp_bench.training.runs.PROJECT", bare)
    models = [name for name in GENERATORS if preset in GENERATORS[name].presets]
    wanted = wanted_by(
        dataset, dict.fromkeys(models), EvaluationOptions(), data_root=None, preset=preset
    )
    missing = missing_for(dataset, wanted)
    assert {one.name for one in missing} >= {*models, "segmenter", "clip"}
    assert ("t5-large" in {one.name for one in missing}) == preset.startswith("paper-")
    for command in commands(script(missing, "")):
        words = shlex.split(command)[1:]
        if words[0] == "train":
            result = run(*words, "--dry-run")
            assert result.exit_code == 0, (command, result.output)


def test_a_training_names_all_that_it_lacks_at_once(bare):
    result = run("train", "ldm", "--dataset", "celeba-25", "--preset", "paper-celeba")
    assert result.exit_code == 1
    listed = [line.split()[1] for line in result.output.splitlines() if line.startswith("- ")]
    assert listed == ["celeba-25", "t5-large", "autoencoder"]
    assert "--for celeba-25 --models ldm --preset paper-celeba --script" in result.output


def test_report_without_results_says_what_a_sweep_lacks(bare, monkeypatch):
    assert "`gcdp-bench sweep --dataset synth-city-25`" in run("report").output
    monkeypatch.setattr("gcdp_bench.training.runs.PROJECT", bare)
    output = run("report").output
    assert "synth-city-25: 4 missing:" in output and "doctor --for synth-city-25" in output


def test_nothing_is_missing_for_what_ships(bare):
    assert run("doctor", "--for", "synth-city-25").output == "synth-city-25: nothing is missing\n"


def test_a_stage_that_is_missing_is_said_and_does_not_stop(bare, toy):
    import shutil

    from gcdp_bench.diagnostics.missing import refuse

    shutil.copytree(toy.reference, bare / "half", ignore=shutil.ignore_patterns("sr"))
    wanted = wanted_by(
        str(toy.data), {"reference": bare / "half"}, EvaluationOptions(), data_root=None
    )
    missing = [one for one in missing_for(str(toy.data), wanted) if one.name.startswith("ref")]
    assert [one.name for one in missing] == ["reference, stage sr"]
    assert "--stage sr" in missing[0].commands[0]
    refuse("toy", missing)


def test_what_is_missing_is_trained_at_the_size_of_what_is_there(bare, toy, monkeypatch):
    monkeypatch.setattr("gcdp_bench.training.runs.PROJECT", bare)
    code = "class Dots:\n    image_size = (32, 32)\n    def __init__(self, sampling): ...\n"
    (bare / "dots.py").write_text(code)
    doctor = ("doctor", "--for", "synth-face-25", "--preset", "paper-cityscapes", "--models")
    text = run(*doctor, "mine=dots.py:Dots,imagen").output
    for name, rest in (("segmenter", "100 --preset small"), ("imagen", "25 --preset paper-citysc")):
        assert f"train {name} --dataset synth-face-{rest}" in text
    trainings = [line for line in commands(text) if line.startswith("gcdp-bench train ")]
    assert len(trainings) == 4 and all(" --size 32x32 --if-needed" in line for line in trainings)
    assert "--width" not in text

    def commands_for(generators, **options):
        wanted = wanted_by(str(toy.data), generators, EvaluationOptions(**options), data_root=None)
        return [one.commands[0] for one in missing_for(str(toy.data), wanted)]

    found = commands_for({"reference": toy.reference, "imagen": None})
    assert len(found) == 3 and all(command.endswith(" --size 16x16") for command in found)
    assert commands_for({"reference": None}, clip=toy.clip)[0].endswith(" --size 16x16")
    (bare / "small.py").write_text(code.replace("32, 32", "8, 8"))
    mixed = {"reference": toy.reference, "mine": Code("small.py:Dots")}
    assert not any("--size" in command for command in commands_for(mixed))


def test_the_data_come_first(bare):
    wanted = wanted_by("camvid", dict.fromkeys(GENERATORS), EvaluationOptions(), data_root=None)
    missing = missing_for("camvid", wanted)
    assert missing[0].order == DATA
    assert [one.order for one in missing] == sorted(one.order for one in missing)


class TestEstimate:
    def points(self, output):
        return int(re.findall(r"(\d+) points? of", output)[0])

    def test_points_are_those_of_the_sweep(self, bare):
        dry = ["sweep", "--dataset", "synth-city-25", "--dry-run"]
        assert self.points(run(*dry).output) == 2 * 4
        output = run(*dry, "--models", "imagen,lafite", "--guidance", "1,2,3", "--seeds", 2).output
        assert self.points(output) == (3 + 6) * 2
        output = run(*dry, "--until-saturation").output
        assert self.points(output) == 2 * 11 and "at most 11 points" in output

    def test_seconds_grow_with_samples_and_say_what_they_rest_on(self, bare):
        dry = ["sweep", "--dataset", "synth-city-25", "--models", "reference", "--dry-run"]
        assert "as measured on one thread (docs/explanation/scale.md)" in run(*dry).output
        on_gpu = run(*dry, "--device", "cuda").output
        assert "unknown (nothing of it was measured on cuda)" in on_gpu

    @pytest.mark.slow
    def test_earlier_points_replace_the_table(self, bare, toy):
        more = [
            "--weights",
            f"reference={toy.reference}",
            "--models",
            "reference",
            *toy.extractors(),
        ]
        sweep = [
            "sweep",
            "--dataset",
            toy.data,
            "--results",
            "r",
            "--num-samples",
            4,
            "--guidance",
            "2",
            "--steps",
            3,
            "--sr-steps",
            2,
            *more,
        ]
        assert "docs/explanation/scale.md" in run(*sweep, "--dry-run").output
        result = run(*sweep)
        assert result.exit_code == 0, result.output
        assert "earlier points in r" in run(*sweep, "--dry-run").output

    def test_durations(self):
        assert [duration(s) for s in (5, 119, 120, 7199, 7200)] == [
            "5 s",
            "119 s",
            "2 min",
            "120 min",
            "2 h",
        ]


def test_the_parameter_of_every_generator_is_that_of_its_class():
    from baselines.dataset_ddpm.generator import DatasetDdpm
    from baselines.gansformer.generator import Gansformer
    from baselines.lafite.generator import Lafite
    from baselines.ldm.generator import LatentDiffusion
    from baselines.semantic_palette.generator import SemanticPalette

    classes = {
        "ldm": LatentDiffusion,
        "lafite": Lafite,
        "gansformer": Gansformer,
        "dataset-ddpm": DatasetDdpm,
        "semantic-palette": SemanticPalette,
    }
    for name, spec in GENERATORS.items():
        if name in classes:
            parameter = {None: "none", GUIDANCE: "guidance", TRUNCATION: "truncation"}
            assert spec.param == parameter[classes[name].parameter]
        else:
            assert spec.param == ("guidance" if spec.reads_captions else "none")
