"""`gcdp-bench doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from gcdp_bench.cli.evaluation_options import EvaluationOptions, evaluation_options
from gcdp_bench.cli.names import DATASET, MODELS
from gcdp_bench.cli.options import data_root_option

MARKS = {True: "ok", False: "no", None: "--"}


@click.command(name="doctor")
@click.option(
    "--for",
    "dataset",
    type=DATASET,
    metavar="NAME|FOLDER",
    help="List the parts that a sweep of this dataset lacks, and the commands that make them.",
)
@click.option(
    "--models", type=MODELS, metavar="LIST", help="With --for: generators [reference,imagen]."
)
@click.option(
    "--preset",
    default="tiny",
    show_default=True,
    help="With --for: preset of the networks to train.",
)
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --for: write the commands as a shell script.",
)
@click.option("--force", is_flag=True, help="With --script: overwrite FILE.")
@evaluation_options
@data_root_option
@click.pass_context
def command(
    context: click.Context,
    dataset: str | None,
    models: str | None,
    preset: str,
    script: Path | None,
    force: bool,
    evaluation: EvaluationOptions,
    data_root: Path | None,
) -> None:
    """Show versions, devices, weights, datasets, what can run, and how to fix what is missing.

    \b
    gcdp-bench doctor --for celeba-25 --script make.sh
    """
    from gcdp_bench.core.device import check_device

    check_device(evaluation.device)
    if dataset is not None:
        _for(context, dataset, models, preset, script, evaluation, data_root, force=force)
        return
    if models is not None or script is not None:
        raise click.UsageError("--models and --script belong to --for")

    from gcdp_bench.diagnostics.doctor import examine

    for section in examine(data_root):
        click.echo(section.title)
        width = max(len(line.name) for line in section.lines)
        for line in section.lines:
            click.echo(f"  {MARKS[line.ok]}  {line.name:{width}s}  {line.detail}")


def _for(
    context: click.Context,
    dataset: str,
    models: str | None,
    preset: str,
    script: Path | None,
    evaluation: EvaluationOptions,
    data_root: Path | None,
    *,
    force: bool,
) -> None:
    """List the parts that a sweep of a dataset lacks."""
    from gcdp_bench.cli.needs import show_missing, sweep_choices, taken_samples, wanted_by
    from gcdp_bench.cli.options import parse_models
    from gcdp_bench.diagnostics.missing import missing_for, sweep_command
    from gcdp_bench.generators.registry import TASKS, check_training, generator_spec

    names, code = parse_models(models or ",".join(TASKS["text-to-image"]))
    for name in names:
        if generator_spec(name, code.get(name)).training is not None:
            check_training(name, preset)
    wanted = wanted_by(
        dataset,
        {name: code.get(name) for name in names},
        evaluation,
        data_root=data_root,
        preset=preset,
    )
    missing = missing_for(dataset, wanted, data_root=data_root)
    taken_samples("sweep", dataset, "test", None, data_root=data_root)
    goal = " ".join(filter(None, [sweep_command(dataset), sweep_choices(context)]))
    show_missing(context, missing, dataset, goal, script, force=force)
