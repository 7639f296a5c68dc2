"""`gcdp-bench sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from gcdp_bench.cli.options import (
    data_root_option,
    dataset_option,
    device_of,
    extractor_options,
    judge_request,
    parse_list,
    parse_seeds,
    parse_weights,
    quarantine_option,
    sampling_options,
)


@click.command(name="sweep")
@dataset_option
@click.option(
    "--task",
    type=click.Choice(["text-to-image", "image-layout"]),
    default="text-to-image",
    show_default=True,
    help="Compare images of captions, or pairs of image and layout (Table 1).",
)
@click.option(
    "--models",
    help="Generators [reference,imagen; image-layout: reference-unconditional,gansformer,"
    "dataset-ddpm,semantic-palette].",
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
@click.option(
    "--seeds",
    default="1",
    show_default=True,
    metavar="N|LIST",
    help="How many sampling seeds (0 to N-1), or a list such as 0,7 of them.",
)
@click.option(
    "--protocol",
    type=click.Choice(["heldout", "paper-like"]),
    default="heldout",
    show_default=True,
    help="Captions and reference: unseen test data, or as far as known the paper's.",
)
@click.option("--num-samples", default=500, show_default=True, help="Captions per point.")
@click.option("--batch-size", default=16, show_default=True, help="Samples drawn at once.")
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results/local"),
    show_default=True,
    help="Folder of tables and samples; points already in it are not measured again.",
)
@click.option(
    "--weights",
    multiple=True,
    metavar="MODEL=FOLDER",
    help="Trained model to use instead of runs/MODEL/DATASET or the shipped one.",
)
@click.option(
    "--mix-subsets",
    is_flag=True,
    help="Accept models that were trained on another subset of the dataset.",
)
@click.option("--demo", is_flag=True, help="Mark the rows as a demonstration, not a result.")
@sampling_options
@extractor_options
@quarantine_option
@data_root_option
@click.pass_context
def command(
    context: click.Context,
    dataset: str,
    task: str,
    models: str | None,
    guidance: str | None,
    truncation: str | None,
    until_saturation: bool,
    seeds: str,
    protocol: str,
    num_samples: int,
    batch_size: int,
    results: Path,
    weights: tuple[str, ...],
    mix_subsets: bool,
    demo: bool,
    steps: int,
    sr_steps: int | None,
    sr_guidance: float | None,
    solver: Literal["dpm-solver++", "ddim"],
    quarantine: Path | None,
    data_root: Path | None,
) -> None:
    """Sample and score MODELS over guidance scales and seeds; write tidy tables."""
    if guidance is not None and until_saturation:
        raise click.UsageError("--guidance and --until-saturation exclude each other")
    scales = None if guidance is None else parse_list(guidance, float, "--guidance")
    psis = None if truncation is None else parse_list(truncation, float, "--truncation")
    model_names = None if models is None else parse_list(models, str, "--models")
    seed_values = parse_seeds(seeds)
    folders = parse_weights(weights)

    from gcdp_bench.catalog import check_dataset, has_attributes
    from gcdp_bench.cli.display import Display, print_summary
    from gcdp_bench.extractors.bundle import load_extractors
    from gcdp_bench.measure import Places
    from gcdp_bench.protocols import GUIDANCE, TRUNCATION
    from gcdp_bench.report.table_1 import readable_table_1, table_1
    from gcdp_bench.sampling import SamplingConfig
    from gcdp_bench.sweep import SweepConfig, run_sweep
    from gcdp_bench.tables import readable, summary_table

    check_dataset(dataset)
    config = SweepConfig(
        dataset=dataset,
        task=task,
        models=model_names,
        guidance=None if until_saturation else scales or GUIDANCE.values,
        truncation=psis or TRUNCATION.values,
        seeds=seed_values,
        num_samples=num_samples,
        protocol=protocol,
        sampling=SamplingConfig(
            steps=steps,
            sr_steps=sr_steps or steps,
            sr_guidance=sr_guidance,
            solver=solver,
            device=device_of(context),
        ),
        batch_size=batch_size,
        mix_subsets=mix_subsets,
        demo=demo,
    )
    request = judge_request(context, dataset, attributed=has_attributes(dataset, data_root))
    judges = load_extractors(request)
    places = Places(results=results, data_root=data_root, quarantine=quarantine, weights=folders)
    rows = run_sweep(config, places, judges, progress=Display())
    if task == "image-layout":
        print_summary(readable_table_1(table_1(rows)))
    else:
        print_summary(readable(summary_table(rows)))
    table = " --table 1" if task == "image-layout" else ""
    click.echo(f"rows: {results / 'results.parquet'} (and .csv); draw them: "
               f"gcdp-bench report {results}{table}")  # fmt: skip
