"""The command line: parse, call one library function, print. Each verb is imported when used."""

from __future__ import annotations

import difflib
import importlib
import logging
import sys
from typing import Any

import click

from gcdp_bench.core.cores import share_cores
from gcdp_bench.io.validation import one_line

VERBS = {
    "data": "List, check, measure and prepare datasets.",
    "train": "Train a model, or a network that evaluates.",
    "sample": "Sample images (and layouts) for a dataset's captions; the folder is a dataset.",
    "outpaint": "Sample the unknown part of image and layout: image synthesis, segmentation, "
    "inpainting.",
    "evaluate": "Evaluate a folder of samples against a dataset.",
    "sweep": "Sample and evaluate models over guidance scales and seeds; write tidy tables.",
    "report": "Draw tables, figures and a page from results.",
    "compare": "Compare two points by paired differences on the captions that both sampled.",
    "analyze": "Run an analysis of the paper: a table and a figure.",
    "memorisation": "Find samples that are nearer to a training image than these are to one "
    "another.",
    "verify": "Compute every golden number that needs no weights; exit code 1 if one is not met.",
    "cache": "List or clear the files that are cached for later runs; all can be made again.",
    "weights": "List, add and verify published weights.",
    "doctor": "Show versions, devices, weights, datasets, what can run, and how to fix what is "
    "missing.",
}
OLD_VERBS = {"score": "evaluate"}
OLD_OPTIONS = {"--quarantine": "--exclude", "--mix-subsets": "--allow-subsets"}
OLD_VALUES = {("--extractors", "shipped"): "pretrained"}
"""Names of the last release; they work, and no help shows them."""

PACKAGES = ("gcdp_bench", "reference_model", "baselines")
"""Packages of which `--verbose` logs what they do; others have far more to say."""

EXPECTED_ERRORS = (
    ValueError,
    FileNotFoundError,
    FileExistsError,
    FloatingPointError,
    MemoryError,
    OSError,
)


def _renamed(args: list[str]) -> list[str]:
    """Arguments of a command line, with old names as today's."""
    if not args:
        return args
    verb = OLD_VERBS.get(args[0], args[0])
    options = OLD_OPTIONS | ({"--quarantine": "--faulty"} if args[:2] == ["data", "check"] else {})
    renamed = [verb]
    for arg in args[1:]:
        name, equals, value = arg.partition("=")
        if equals:
            arg = f"{options.get(name, name)}={OLD_VALUES.get((name, value), value)}"
        else:
            arg = OLD_VALUES.get((renamed[-1], arg), options.get(arg, arg))
        renamed.append(arg)
    return renamed


class LazyGroup(click.Group):
    """Group whose verbs live in one module each, so that help needs no heavy import."""

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run the command line; a process that trained with others ends by `processes.end`."""
        share_cores()
        try:
            return super().main(*args, **settings)
        except BaseException as error:
            # imported by what trains, together with accelerate
            processes = sys.modules.get("gcdp_bench.training.processes")
            if "accelerate" in sys.modules and processes is not None and processes.joined():
                processes.end(error)
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Verbs in the order of a workflow."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module."""
        if cmd_name not in VERBS:
            return None
        return importlib.import_module(f"gcdp_bench.cli.{cmd_name}").command

    def resolve_command(self, ctx: click.Context, args: list[str]):
        """Translate old names, and suggest the nearest verb for an unknown one."""
        args = _renamed(args)
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context):
        """Turn the library's errors into one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # who reads the output has enough, as `head` has
            raise
        except EXPECTED_ERRORS as error:
            raise click.ClickException(one_line(str(error))) from error
        except KeyboardInterrupt:
            click.echo("\nInterrupted; rerun the same command to continue.", err=True)
            ctx.exit(130)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gcdp-bench")
@click.option("-v", "--verbose", is_flag=True, help="Log what the library does.")
def main(verbose: bool) -> None:
    """Benchmark text-to-image models on small datasets with semantic layouts.

    \b
    Start here:
      gcdp-bench sweep --dataset synth-city-25 --num-samples 64
      gcdp-bench report
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    for package in PACKAGES if verbose else ():
        logging.getLogger(package).setLevel(logging.INFO)
