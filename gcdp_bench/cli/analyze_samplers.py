"""`gcdp-bench analyze samplers`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from gcdp_bench.cli.analysis_files import folder_of, write_analysis
from gcdp_bench.cli.evaluation_options import (
    EvaluationOptions,
    evaluation_options,
    extractor_request,
)
from gcdp_bench.cli.names import generator_option
from gcdp_bench.cli.options import (
    announce,
    data_options,
    dataset_option,
    parse_list,
    parse_seeds,
    parse_weights,
    seeds_option,
    sr_guidance_option,
    weights_option,
)
from gcdp_bench.core.sampling_config import SAMPLERS, parse_interval


@click.command(name="samplers")
@dataset_option
@generator_option("--model", "reference", "Cascade to sample: reference or imagen.")
@weights_option()
@click.option("--split", default="val", show_default=True, help="Split of the captions.")
@click.option(
    "--num-samples", type=int, help="Samples per point [500, or all of a split that has fewer]."
)
@click.option(
    "--samplers",
    default=",".join(SAMPLERS),
    show_default=True,
    help="Samplers of the image, comma-separated.",
)
@click.option(
    "--steps",
    default="8,16,25,50,100",
    show_default=True,
    help="Sampling steps, comma-separated.",
)
@click.option(
    "--guidance-intervals",
    default="none,0.3:5",
    show_default=True,
    metavar="LIST",
    help="Noise levels LOW:HIGH at which guidance acts, comma-separated; none: every level.",
)
@click.option(
    "--precisions",
    default="float32",
    show_default=True,
    help="float32, bf16 or both, comma-separated; bf16 needs a device with units for it.",
)
@click.option(
    "--baseline-steps",
    default=100,
    show_default=True,
    help="Ancestral steps that every point is compared with.",
)
@click.option(
    "--sr-steps",
    type=click.IntRange(min=1),
    help="Steps of the super-resolution stage at every point [those of the base stage].",
)
@click.option(
    "--guidance", type=float, default=2.0, show_default=True, help="Guidance scale; 1 is none."
)
@sr_guidance_option
@seeds_option
@click.option("--batch-size", default=16, show_default=True, help="Samples per batch.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to [results/local/analysis/samplers-DATASET].",
)
@evaluation_options
@data_options
def samplers_command(
    dataset: str,
    model: str,
    weights: tuple[str, ...],
    split: str,
    num_samples: int | None,
    samplers: str,
    steps: str,
    guidance_intervals: str,
    precisions: str,
    baseline_steps: int,
    sr_steps: int | None,
    guidance: float,
    sr_guidance: float,
    seeds: str,
    batch_size: int,
    out: Path | None,
    evaluation: EvaluationOptions,
    resize: str,
    exclude: Path | None,
    data_root: Path | None,
) -> None:
    """Compare samplers of a cascade's images: quality against time, over steps.

    A point is non-inferior to the baseline where the upper end of its FID difference is at most
    5 % of the baseline's FID, and the lower end of its recall difference at least -1 point.
    Choose on the validation split.
    """
    from gcdp_bench.analysis.draw_samplers import draw_samplers
    from gcdp_bench.analysis.sampler_points import SamplerRequest
    from gcdp_bench.analysis.samplers import analyze_samplers, as_cascade, summary_lines
    from gcdp_bench.cli.display import Display, say_size
    from gcdp_bench.cli.needs import taken_samples
    from gcdp_bench.core.types import AttributedDataset
    from gcdp_bench.datasets.registry import open_dataset
    from gcdp_bench.datasets.shuffled import shuffled
    from gcdp_bench.extractors.bundle import load_extractors
    from gcdp_bench.generators.sample import check_resize, find_generator, load_generator
    from gcdp_bench.io.atomic import output_folder
    from gcdp_bench.training.runs import PRETRAINED

    names: Any = parse_list(samplers, str, "--samplers")
    given_precisions: Any = parse_list(precisions, str, "--precisions")
    num = taken_samples(
        "analyze samplers", dataset, split, num_samples, data_root=data_root, exclude=exclude
    )
    request = SamplerRequest(
        num_samples=num,
        samplers=names,
        intervals=tuple(map(parse_interval, guidance_intervals.split(","))),
        steps=parse_list(steps, int, "--steps"),
        precisions=given_precisions,
        baseline_steps=baseline_steps,
        sr_steps=sr_steps,
        guidance=guidance,
        sr_guidance=sr_guidance,
        seeds=parse_seeds(seeds),
        batch_size=batch_size,
        device=evaluation.device,
    )
    given = parse_weights(weights, [model]).get(model)
    run = find_generator(model, dataset, given, data_root=data_root)
    announce(run)
    generator, _ = load_generator(run, request.config(request.points[0]))
    as_cascade(generator, request)
    source = shuffled(
        open_dataset(
            dataset,
            split,
            size=generator.image_size,
            data_root=data_root,
            exclude=exclude,
            resize=resize,
        )
    )
    say_size(source)
    check_resize(run, source)
    extractors = load_extractors(
        extractor_request(
            evaluation,
            dataset,
            attributed=isinstance(source, AttributedDataset),
            data_root=data_root,
            pretrained=PRETRAINED in weights,
        )
    )
    extractors.check(source)
    folder = output_folder(folder_of(out, "samplers", source.name))
    table = analyze_samplers(
        partial(load_generator, run),
        model,
        source,
        extractors,
        request,
        folder,
        progress=Display(),
    )
    write_analysis(folder, {"samplers": table}, {"samplers": lambda: draw_samplers(table)})
    for line in summary_lines(table):
        click.echo(line)
