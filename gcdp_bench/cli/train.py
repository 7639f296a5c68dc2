"""`gcdp-bench train`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gcdp_bench.cli.options import (
    data_root_option,
    exclude_option,
    optional_dataset_option,
    resize_option,
    size_choice,
    size_options,
)


@click.command(name="train")
@click.argument("model", metavar="MODEL")
@optional_dataset_option
@click.option(
    "--stage",
    type=click.Choice(["base", "sr"]),
    help="Stage of a cascade; default: base, then sr.",
)
@click.option(
    "--preset", default="tiny", show_default=True, help="Size of the network and its training."
)
@size_options
@resize_option
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a setting, e.g. --set steps=1000 or --set stage.unet.dim=64.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Run folder [runs/MODEL/DATASET; GCDP_RUNS names another runs/].",
)
@click.option("--resume", is_flag=True, help="Continue the run in the folder, bit for bit on CPU.")
@click.option(
    "--if-needed",
    is_flag=True,
    help="Do nothing if the training is finished; continue it if it was interrupted.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the resolved configuration and stop; reads no weights, and of images only sizes.",
)
@click.option(
    "--compile",
    "compiled",
    is_flag=True,
    help="Compile the network before the first step: minutes, for long trainings.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Processes that read or render images in the first epoch "
    "[with a GPU one per further core, at most 8; else none].",
)
@exclude_option
@data_root_option
def command(
    model: str,
    dataset: str | None,
    stage: str | None,
    preset: str,
    size: str | None,
    width: int | None,
    resize: str,
    assignments: tuple[str, ...],
    out: Path | None,
    resume: bool,
    if_needed: bool,
    dry_run: bool,
    compiled: bool,
    workers: int | None,
    exclude: Path | None,
    data_root: Path | None,
) -> None:
    """Train a model, or a network that evaluates.

    MODEL is a generator (reference, imagen, ldm, lafite; of pairs without captions:
    reference-unconditional, gansformer, dataset-ddpm, semantic-palette), a network that one is
    built on (autoencoder for ldm, lafite-clip for lafite, ddpm for dataset-ddpm, palette-layouts
    for semantic-palette), or an extractor (segmenter, clip, attributes).
    """
    from gcdp_bench.generators.registry import check_training

    network = check_training(model, preset)
    if stage is not None and not network.stages:
        raise click.UsageError(f"--stage: {model} has no stages")

    from gcdp_bench import train
    from gcdp_bench.cli.display import Display
    from gcdp_bench.core.config import to_dict
    from gcdp_bench.datasets.defaults import default_dataset
    from gcdp_bench.diagnostics.missing import refuse
    from gcdp_bench.training import loop

    if dataset is None:
        dataset, line = default_dataset(data_root)
        if train.is_first_process():
            click.echo(line, err=dry_run)  # what a dry run prints is JSON
    said: set[str] = set()

    def say(line: str) -> None:
        if line and line not in said:
            click.echo(line, err=True)
        said.add(line)

    for name in [stage] if stage else network.stages or [None]:
        request = train.Request(
            model=model,
            dataset=dataset,
            preset=preset,
            stage=name,
            assignments=assignments,
            data_root=data_root,
            exclude=exclude,
            size=size_choice(size, width),
            resize=resize,
        )
        if dry_run:
            resolved = train.resolve(request)
            for note in (*resolved.notes, train.refusal_here(resolved.settings.training)):
                say(note)
            click.echo(json.dumps(to_dict(resolved.settings.tables()), indent=2))
            continue
        refuse(dataset, train.missing(request), _choices(model, preset))
        folder = train.default_out(request, resume=resume) if out is None else out
        if out is not None and name is not None and stage is None:
            folder = out / name
        plan = train.plan(request)
        if train.is_first_process():
            for note in plan.notes():
                say(note)
        loop.train(
            plan.task,
            plan.training,
            folder,
            resume=resume or if_needed,
            progress=Display(),
            part=name or model,
            dataset=plan.dataset,
            source=plan.source,
            num_workers=train.default_workers() if workers is None else workers,
            compiled=compiled,
        )
        if train.is_main_process():
            click.echo(f"{model}: weights and configuration in {folder}")
    if not dry_run:
        train.leave_processes()


def _choices(model: str, preset: str) -> str:
    """Options of the doctor, so that its script makes what this training needs."""
    from gcdp_bench.generators.registry import GENERATORS

    words = f"--models {model}" if model in GENERATORS else ""
    return words if preset == "tiny" else f"{words} --preset {preset}".strip()
