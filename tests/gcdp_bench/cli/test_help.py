"""Help, options and output of every verb."""

import os
import subprocess
import sys

import pytest

from gcdp_bench.cli import VERBS
from tests.gcdp_bench.cli.test_cli import run


def test_help_lists_every_verb():
    output = " ".join(run("--help").output.split())
    for verb, summary in VERBS.items():
        assert verb in output and summary.split(":")[0] in output


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_without_torch(verb):
    code = (
        f"import sys; sys.argv = ['gcdp-bench', '{verb}', '--help']\n"
        "from gcdp_bench.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, None)\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "Usage: gcdp-bench" in result.stdout


@pytest.mark.parametrize(
    "command", ["weights list", "data list", "evaluate --explain all", "--help"]
)
def test_output_that_nobody_reads_to_its_end_ends_quietly(command):
    reader, writer = os.pipe()
    os.close(reader)
    code = "from gcdp_bench.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, *command.split()],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert result.returncode in (0, 1) and result.stderr == ""


def test_the_options_of_every_verb():
    """Frozen, so that a changed option is a decision."""
    import importlib

    options = {
        verb: sorted(
            option
            for parameter in importlib.import_module(f"gcdp_bench.cli.{verb}").command.params
            for option in parameter.opts
        )
        for verb in VERBS
    }
    shared = [
        "--attributes",
        "--clip",
        "--data-root",
        "--dataset",
        "--device",
        "--dinov2",
        "--extractors",
        "--features",
        "--inception",
        "--exclude",
        "--resize",
        "--segmenter",
    ]
    steps = ["--compile", "--png-level", "--solver", "--sr-guidance", "--sr-steps", "--steps"]
    assert options == {
        "train": sorted(
            [
                "model",
                "--dataset",
                "--stage",
                "--preset",
                "--set",
                "--out",
                "--resume",
                "--dry-run",
                "--if-needed",
                "--exclude",
                "--data-root",
                "--resize",
                "--size",
                "--width",
            ]
        ),
        "outpaint": sorted(
            [
                "--dataset",
                "--layout",
                "--image",
                "--mask",
                "--caption",
                "--captions",
                "--out",
                "--model",
                "--weights",
                "--guidance",
                "--resampling",
                "--resize",
                "--seed",
                "--batch-size",
                "--device",
                "--steps",
                "--sr-steps",
                "--sr-guidance",
            ]
        ),
        "sample": sorted(
            [
                "model",
                "--dataset",
                "--out",
                "--split",
                "--guidance",
                "--seed",
                "--truncation",
                "--num-samples",
                "--batch-size",
                "--weights",
                "--device",
                "--exclude",
                "--data-root",
                "--resize",
                *steps,
            ]
        ),
        "evaluate": sorted(
            ["folder", "--split", "--out", "--explain", "--strict", "--count-denied", *shared]
        ),
        "sweep": sorted(
            [
                "--models",
                "--guidance",
                "--until-saturation",
                "--seeds",
                "--protocol",
                "--num-samples",
                "--batch-size",
                "--results",
                "--weights",
                "--demo",
                "--dry-run",
                "--truncation",
                "--allow-subsets",
                "--task",
                "--cluster",
                "--cpus-per-task",
                "--gpus-per-task",
                "--shard-size",
                "--strict",
                "--count-denied",
                *shared,
                *steps,
            ]
        ),
        "report": ["--allow-subsets", "--only", "--pdf", "--strict", "--table", "results"],
        "compare": sorted(["a", "b", "--dataset", "--classes", "--out"]),
        "data": [],  # a group of verbs
        "analyze": [],  # a group of verbs
        "memorisation": sorted(["folder", "--train-split", "--unseen-split", "--out", *shared]),
        "verify": [],
        "weights": [],  # a group of verbs
        "cache": [],  # a group of verbs
        "doctor": sorted(
            {*shared, "--for", "--force", "--models", "--preset", "--script"}
            - {"--dataset", "--exclude", "--resize"}
        ),
    }
