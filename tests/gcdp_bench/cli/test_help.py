"""Help, options and output of every verb."""

import importlib
import logging
import os
import subprocess
import sys

import pytest

from gcdp_bench.cli import PACKAGES, VERBS
from gcdp_bench.cli.groups import summary
from tests.commands import ended, in_forks
from tests.gcdp_bench.cli.test_cli import run
from tests.once import build_once


def test_help_lists_every_verb_with_the_summary_of_its_own_help():
    output = " ".join(run("--help").output.split())
    for verb, text in VERBS.items():
        assert f"{verb} {text}" in output
        assert summary(importlib.import_module(f"gcdp_bench.cli.{verb}").command) == text


@pytest.mark.parametrize("group", ["analyze", "cache", "data", "weights"])
def test_groups_list_whole_summaries(group):
    output = " ".join(run(group, "--help").output.split())
    commands = importlib.import_module(f"gcdp_bench.cli.{group}").command.commands
    for name, command in commands.items():
        assert f"{name} {summary(command)}" in output


def test_code_is_named_in_both_forms():
    for verb in ("sweep", "sample"):
        output = " ".join(run(verb, "--help").output.split())
        assert "NAME=module:factory or NAME=path/to/file.py:factory" in output


@pytest.mark.parametrize("verbose", [False, True])
def test_verbose_logs_what_this_project_does_alone(verbose):
    levels = {name: logging.getLogger(name).level for name in PACKAGES}
    try:
        run(*(["-v"] if verbose else []), "cache", "list")
        own, others = (
            logging.getLogger(name).isEnabledFor(logging.INFO)
            for name in ("gcdp_bench.report.fonts", "fontTools.subset")
        )
        assert own == verbose and not others
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="module")
def helps(tmp_path_factory):
    """Verb -> how its help ended."""

    def show(folder):
        light = "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
        in_forks(folder, [[verb, "--help"] for verb in VERBS], after=light)

    folder = build_once(tmp_path_factory, "helps", show)
    return {verb: ended(folder, index) for index, verb in enumerate(VERBS)}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_without_torch(verb, helps):
    assert helps[verb].code == 0, helps[verb]
    assert f"Usage: gcdp-bench {verb}" in helps[verb].stdout


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
    steps = [
        "--compile",
        "--guidance-interval",
        "--png-level",
        "--precision",
        "--sampler",
        "--solver",
        "--sr-guidance",
        "--sr-steps",
        "--steps",
    ]
    assert options == {
        "train": sorted(
            [
                "model",
                "--dataset",
                "--compile",
                "--workers",
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
