"""Command lines and options that documents, messages and comments show exist."""

import re
import shlex
from collections.abc import Iterator
from functools import cache

import click
import pytest

from gcdp_bench.cli import VERBS, main
from tests.documents import COMMAND, OPTION, ROOT, SOURCES, command_of, is_prose, messages, texts


def problem_of(line: str) -> str:
    """Why a command line would be refused before a value is looked at; "" if it would not."""
    line = re.sub(r"\.\.\.|…|[\[\]]", " ", line).strip().rstrip(".,:")
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.replace("'", "").replace('"', "").split()
    try:
        command, rest = command_of(words)
    except KeyError as error:
        return f"no command {error}"
    if isinstance(command, click.Group):
        return ""
    try:
        command.make_parser(click.Context(command)).parse_args([*rest])
    except click.UsageError as error:
        return error.format_message()
    return ""


@cache
def command_lines() -> dict[str, str]:
    """Every command line that is shown -> where."""
    found: dict[str, str] = {}
    for where, text in texts():
        if where.endswith(".md") or is_prose(where, text):
            for line in COMMAND.findall(text):
                words = line.split()
                if words and (words[0] in VERBS or where.endswith(".md")):
                    found.setdefault(line.strip(), where)
    return found


def test_every_command_line_that_is_shown_parses():
    assert len(command_lines()) > 80
    wrong = {
        line: (where, problem)
        for line, where in command_lines().items()
        if (problem := problem_of(line))
    }
    assert not wrong


@pytest.mark.parametrize(
    "line",
    ["train reference --datset x", "swep", "sweep --guidance", "analyze scarceness", "doctor x"],
)
def test_a_wrong_line_would_be_noticed(line):
    assert problem_of(line) or line == "doctor x"


FOREIGN = {
    "accelerate launch": ("--cpu", "--num_processes"),
    "torchrun": ("--nproc-per-node", "--nnodes", "--rdzv-backend", "--rdzv-id", "--rdzv-endpoint"),
    "sbatch, srun": (
        "--job-name",
        "--nodes",
        "--ntasks",
        "--ntasks-per-node",
        "--gpus-per-node",
        "--time",
        "--requeue",
        "--exclude",
        "--overlap",
    ),
    "ray": (
        "--head",
        "--num-cpus",
        "--num-gpus",
        "--disable-usage-stats",
        "--block",
        "--port",
        "--address",
        "--node-ip-address",
    ),
    "tensorboard, pip, hf, git": (
        "--logdir",
        "--force-reinstall",
        "--yes",
        "--no-deps",
        "--local-dir",
        "--abbrev",
    ),
}
"""Options of other programs that are shown."""


@cache
def known_options() -> frozenset[str]:
    """Options of every command, and of the scripts in benchmarks/."""

    def walk(command: click.Command) -> Iterator[str]:
        for parameter in command.params:
            yield from (option for option in (*parameter.opts, *parameter.secondary_opts))
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                yield from walk(inner)

    scripts = (
        text for path in SOURCES for text in messages(path) if re.fullmatch(r"--[a-z-]+", text)
    )
    return frozenset((*walk(main), *scripts, "--help"))


def test_every_option_that_is_named_exists():
    foreign = {option for options in FOREIGN.values() for option in options}
    wrong = {
        option: where
        for where, text in texts()
        for option in OPTION.findall(text)
        if option not in known_options() and option not in foreign
    }
    assert not wrong


def test_comments_and_docstrings_name_existing_commands():
    wrong = {}
    for path in SOURCES:
        for verb, inner in re.findall(r"`gcdp-bench ([a-z]+)(?: ([a-z]+))?", path.read_text()):
            try:
                command_of([verb, *([inner] if inner else [])])
            except KeyError as error:
                wrong[f"{verb} {inner}"] = f"{path.relative_to(ROOT)}: no command {error}"
    assert not wrong
