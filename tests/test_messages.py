"""A message names options that the command which shows it has."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gcdp_bench.cli import main
from tests.documents import COMMAND, OPTION, ROOT, messages

EVALUATING = ("evaluate", "sweep", "memorisation", "analyze outpainting", "analyze schedules")
READ_AT_A_SIZE = ("train", "sample", "analyze features", *EVALUATING)
SHOWN_BY = {
    "gcdp_bench/analysis/variants.py": ("analyze schedules",),
    "gcdp_bench/analysis/results.py": ("analyze attributes", "analyze classes"),
    "gcdp_bench/datasets/celeba/tree.py": ("data check", "data stats", *READ_AT_A_SIZE),
    "gcdp_bench/datasets/check.py": ("data check",),
    "gcdp_bench/datasets/disk.py": ("data check", "data stats", *READ_AT_A_SIZE),
    "gcdp_bench/datasets/framing.py": READ_AT_A_SIZE,
    "gcdp_bench/datasets/opening.py": ("data check", "data stats", *READ_AT_A_SIZE),
    "gcdp_bench/datasets/splitting.py": ("data split",),
    "gcdp_bench/datasets/views.py": READ_AT_A_SIZE,
    "gcdp_bench/evaluation/controls.py": ("evaluate", "sweep"),
    "gcdp_bench/evaluation/size.py": ("evaluate", "memorisation"),
    "gcdp_bench/extractors/bundle.py": EVALUATING,
    "gcdp_bench/extractors/clip.py": EVALUATING,
    "gcdp_bench/extractors/names.py": EVALUATING,
    "gcdp_bench/extractors/segmenter.py": EVALUATING,
    "gcdp_bench/extractors/segmenter_standard.py": EVALUATING,
    "gcdp_bench/generators/sample.py": ("sample",),
    "gcdp_bench/sweep": ("sweep",),
    **{
        f"gcdp_bench/training/{name}.py": ("train",) for name in ("loop", "processes", "run_folder")
    },
    "gcdp_bench/generators/training_sizes.py": ("train",),
}
"""Module, or folder of modules -> commands that show its messages."""

CONTINUED = (" --", "--models ")


def leaves(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Commands by name, those of groups too."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for part in command.list_commands(context):
        inner = command.get_command(context, part)
        assert inner is not None
        yield from leaves(inner, f"{name} {part}".strip())


OPTIONS = {
    name: {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    for name, command in leaves(main)
}


def named(path: Path) -> set[str]:
    """Options that a module's messages name, but for those of other commands and programs.

    Text that is `CONTINUED` is a part of a command line.
    """
    texts = (COMMAND.sub("", text) for text in messages(path) if not text.startswith(CONTINUED))
    texts = (
        text.replace("ray start --head", "").partition("accelerate launch")[0] for text in texts
    )
    return {option for text in texts for option in OPTION.findall(text)}


@pytest.mark.parametrize("place", SHOWN_BY)
def test_commands_have_the_options_that_their_messages_name(place):
    paths = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
    wanted = {option for path in paths for option in named(path)}
    for name in SHOWN_BY[place]:
        assert wanted <= OPTIONS[name], (name, wanted - OPTIONS[name])


def test_modules_of_commands_name_their_own_options():
    shared = {"cli/options.py", "cli/names.py", "cli/needs.py", "cli/__init__.py"}
    for path in sorted((ROOT / "gcdp_bench" / "cli").glob("*.py")):
        verb = path.stem.replace("analyze_models", "analyze").replace("_tables", "")
        own = {option for name in OPTIONS if name.split()[0] == verb for option in OPTIONS[name]}
        if own and f"cli/{path.name}" not in shared:
            assert named(path) <= own, (path.name, named(path) - own)
