"""`gcdp-bench sweep`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcdp_bench.cli.alarms import raise_alarms, strict_option
from gcdp_bench.cli.evaluation_options import (
    EvaluationOptions,
    evaluation_options,
    extractor_request,
)
from gcdp_bench.cli.names import MODELS
from gcdp_bench.cli.needs import show_missing, typed_choices, typed_command, wanted_by
from gcdp_bench.cli.options import (
    announce,
    count_denied_option,
    data_options,
    dataset_or_default,
    optional_dataset_option,
    parse_list,
    parse_models,
    parse_seeds,
    parse_weights,
    png_option,
    sampling_options,
    seeds_option,
    weights_option,
)
from gcdp_bench.cli.stores import STORED

if TYPE_CHECKING:
    from gcdp_bench.core.sampling_config import Precision, Sampler, Solver


@click.command(name="sweep")
@optional_dataset_option
@click.option(
    "--task",
    type=click.Choice(["text-to-image", "image-layout"]),
    default="text-to-image",
    show_default=True,
    help="Compare images of captions, or images and layouts without captions (Table 1).",
)
@click.option(
    "--models",
    type=MODELS,
    metavar="LIST",
    help="Generators by name, or as NAME=module:factory or NAME=path/to/file.py:factory "
    "[reference,imagen; image-layout: "
    "reference-unconditional,gansformer,dataset-ddpm,semantic-palette].",
)
@click.option(
    "--guidance",
    help="Guidance scales, comma-separated; 1 is none [1,2,4,8].",
)
@click.option(
    "--truncation",
    metavar="LIST",
    help="Truncation psi of GANs, comma-separated; 1 is none [1,0.9,0.8,0.7,0.6,0.5].",
)
@click.option(
    "--until-saturation",
    is_flag=True,
    help="Raise guidance from 1 until Semantic Recall stops gaining.",
)
@seeds_option
@click.option(
    "--protocol",
    type=click.Choice(["heldout", "paper-like"]),
    default="heldout",
    show_default=True,
    help="Captions and real images: the test split, or the paper's as far as it is known.",
)
@click.option(
    "--num-samples", type=int, help="Captions per point [500, or all of a split that has fewer]."
)
@click.option(
    "--batch-size",
    default=16,
    show_default=True,
    help="Samples per batch on a GPU; a CPU always takes 8.",
)
@click.option(
    "--cluster",
    metavar="local|auto|HOST:PORT",
    help="Share the work among the workers of a Ray cluster: `local` starts one on this machine "
    "for this command, `auto` joins the one that runs here, HOST:PORT the one with that head.",
)
@click.option(
    "--cpus-per-task",
    type=click.FloatRange(min=0.0, min_open=True),
    help="Processors, and threads, of a worker [1].",
)
@click.option(
    "--gpus-per-task",
    type=float,
    help="GPUs of a worker; 0.5 lets two share one [1 if --device cuda].",
)
@click.option(
    "--shard-size", default=1024, show_default=True, help="Captions of one job of a worker."
)
@click.option(
    "--results",
    type=STORED,
    default=Path("results/local"),
    show_default=True,
    help="Folder, or URL such as s3://BUCKET/FOLDER, of tables and samples; finished points in it "
    "are skipped.",
)
@weights_option("MODEL=PATH|pretrained")
@click.option(
    "--allow-subsets",
    is_flag=True,
    help="Accept models that were trained on another subset of the dataset.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print expected points, seconds and bytes, the missing parts and the shell script that "
    "makes them; stop.",
)
@click.option("--demo", is_flag=True, help="Mark the rows as a demonstration, not a result.")
@strict_option
@png_option
@sampling_options
@evaluation_options
@count_denied_option
@data_options
@click.pass_context
def command(
    context: click.Context,
    dataset: str | None,
    task: str,
    models: str | None,
    guidance: str | None,
    truncation: str | None,
    until_saturation: bool,
    seeds: str,
    protocol: str,
    num_samples: int | None,
    batch_size: int,
    cluster: str | None,
    cpus_per_task: float | None,
    gpus_per_task: float | None,
    shard_size: int,
    png_level: int,
    results: Path,
    weights: tuple[str, ...],
    allow_subsets: bool,
    dry_run: bool,
    demo: bool,
    strict: bool,
    steps: int,
    sr_steps: int | None,
    sr_guidance: float | None,
    sampler: Sampler | None,
    guidance_interval: str,
    solver: Solver | None,
    precision: Precision,
    compile: bool,
    evaluation: EvaluationOptions,
    count_denied: bool,
    resize: str,
    exclude: Path | None,
    data_root: Path | None,
) -> None:
    """Sample and evaluate models over guidance scales and seeds; write tidy tables."""
    if guidance is not None and until_saturation:
        raise click.UsageError("--guidance and --until-saturation exclude each other")
    scales = None if guidance is None else parse_list(guidance, float, "--guidance")
    psis = None if truncation is None else parse_list(truncation, float, "--truncation")
    model_names, code = (None, {}) if models is None else parse_models(models)
    seed_values = parse_seeds(seeds)
    if cluster is None and (cpus_per_task is not None or gpus_per_task is not None):
        raise click.UsageError("--cpus-per-task and --gpus-per-task belong to --cluster")

    from gcdp_bench.datasets.registry import check_dataset, has_attributes, protocol_split
    from gcdp_bench.generators.registry import GENERATORS, TASKS

    given = parse_weights(weights, model_names or TASKS[task], others=tuple(GENERATORS), code=code)

    from gcdp_bench.cli.display import Display, print_summary
    from gcdp_bench.core.sampling_config import SamplingConfig, parse_interval
    from gcdp_bench.core.types import GUIDANCE, TRUNCATION
    from gcdp_bench.datasets.manage import choose_samples
    from gcdp_bench.datasets.proportions import unnamed_note
    from gcdp_bench.diagnostics.missing import missing_for, refuse, too_few
    from gcdp_bench.extractors.bundle import load_extractors
    from gcdp_bench.results.alarms import alarms_of
    from gcdp_bench.results.object_store import store_of
    from gcdp_bench.results.summary import readable, summary_table
    from gcdp_bench.sweep import Paths, SweepConfig, find_generators, pinned, run_sweep
    from gcdp_bench.sweep.expected import expected
    from gcdp_bench.sweep.generators import check_models
    from gcdp_bench.training.runs import PRETRAINED

    dataset = dataset_or_default(dataset, data_root)
    check_dataset(dataset)
    samples = choose_samples(
        "sweep",
        dataset,
        protocol_split(dataset, protocol),
        num_samples,
        data_root=data_root,
        exclude=exclude,
    )
    if samples.note:
        click.echo(samples.note, err=True)
    config = SweepConfig(
        dataset=dataset,
        task=task,
        models=model_names,
        guidance=None if until_saturation else scales or GUIDANCE.values,
        truncation=psis or TRUNCATION.values,
        seeds=seed_values,
        num_samples=samples.num,
        protocol=protocol,
        sampling=SamplingConfig(
            steps=steps,
            sr_steps=sr_steps or steps,
            sr_guidance=sr_guidance,
            sampler=sampler,
            guidance_interval=parse_interval(guidance_interval),
            solver=solver,
            precision=precision,
            compile=compile,
            device=evaluation.device,
        ),
        batch_size=batch_size,
        shard_size=shard_size,
        png_level=png_level,
        allow_subsets=allow_subsets,
        demo=demo,
    )
    paths = Paths(
        results=results,
        data_root=data_root,
        exclude=exclude,
        resize=resize,
        count_denied=count_denied,
        weights=tuple(given.items()),
    )
    check_models(config, given)
    wanted = wanted_by(
        dataset,
        {name: given.get(name) for name in config.model_names},
        evaluation,
        data_root=data_root,
        pretrained=PRETRAINED in weights,
    )
    missing = missing_for(dataset, wanted, data_root=data_root)
    if dry_run:
        click.echo(str(expected(config, paths)))
        goal = typed_command(context, "dry_run", *(["num_samples"] if samples.fault else []))
        goal += f" --num-samples {samples.there}" if samples.fault else ""
        show_missing(context, [*too_few(samples), *missing], dataset, goal, None)
        return
    if samples.fault and not missing:
        raise ValueError(samples.fault)
    missing = [*too_few(samples), *missing]
    refuse(dataset, missing, typed_choices(context))
    runs = find_generators(config, paths)
    announce(*runs.values())
    paths = pinned(paths, runs)
    request = extractor_request(
        evaluation,
        dataset,
        attributed=has_attributes(dataset, data_root),
        data_root=data_root,
        pretrained=PRETRAINED in weights,
        elsewhere=cluster is not None,
    )
    display = Display()
    store = store_of(results)
    if store is not None:
        store.check()
    say = partial(click.echo, err=True)
    if cluster is None:
        rows = run_sweep(config, paths, load_extractors(request), progress=display, say=say)
    else:
        from gcdp_bench.sweep.cluster import run_on_cluster
        from gcdp_bench.sweep.worker import Resources

        if gpus_per_task is None:
            gpus_per_task = 1.0 if config.sampling.device.startswith("cuda") else 0.0
        resources = Resources(num_cpus=cpus_per_task or 1.0, num_gpus=gpus_per_task)
        rows = run_on_cluster(cluster, config, paths, request, resources, progress=display, say=say)
    if task == "image-layout":
        from gcdp_bench.report.table_1 import readable_table_1, table_1

        print_summary(readable_table_1(table_1(rows)))
    else:
        print_summary(readable(summary_table(rows)))
    named = rows.loc[
        rows["metric"].eq("semantic_recall")
        & rows["class"].eq("all")
        & rows["num_samples"].le(samples.num),
        "num_samples",
    ]
    if len(named):
        click.echo(unnamed_note(samples.num - int(named.max()), samples.num))
    table = " --table 1" if task == "image-layout" else ""
    place = results if store is None else store.url
    click.echo(
        f"rows: {place}/results.parquet (and .csv); draw them: gcdp-bench report {place}{table}"
    )
    raise_alarms(context, alarms_of(results, rows)["sentence"], strict=strict)
