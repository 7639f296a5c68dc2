"""`gcdp-bench analyze features|outpainting|schedules`: analyses of trained models."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from gcdp_bench.cli.alarms import raise_alarms
from gcdp_bench.cli.analysis_files import folder_of, write_analysis
from gcdp_bench.cli.evaluation_options import (
    EvaluationOptions,
    evaluation_options,
    extractor_request,
)
from gcdp_bench.cli.names import generator_option
from gcdp_bench.cli.options import (
    announce,
    cascade_options,
    data_options,
    dataset_option,
    parse_list,
    parse_weights,
    weights_option,
)

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(name="features")
@dataset_option
@generator_option("--model", "reference", "Cascade whose features are analysed.")
@generator_option("--against", "imagen", "Cascade to compare with.")
@click.option("--split", default="test", show_default=True, help="Split of the images.")
@click.option("--num-images", type=int, help="Images [48, or all of a split that has fewer].")
@click.option(
    "--timesteps",
    default="100,300,500,800",
    show_default=True,
    help="Timesteps t, comma-separated.",
)
@click.option("--blocks", help="Decoder blocks, comma-separated: middle, up.0, ..., final [all].")
@click.option("--clusters", default=10, show_default=True, help="Number of k-means clusters.")
@click.option("--steps", default=50, show_default=True, help="Sampling steps for layouts.")
@click.option("--seed", default=0, show_default=True, help="Seed of noise and k-means.")
@weights_option("MODEL=PATH|pretrained")
@click.option(
    "--out", type=FOLDER, help="Folder to write to [results/local/analysis/features-DATASET]."
)
@data_options
def features_command(
    dataset: str,
    model: str,
    against: str,
    split: str,
    num_images: int | None,
    timesteps: str,
    blocks: str | None,
    clusters: int,
    steps: int,
    seed: int,
    weights: tuple[str, ...],
    out: Path | None,
    resize: str,
    exclude: Path | None,
    data_root: Path | None,
) -> None:
    """Cluster two models' internal features and compare them with the true layouts (Figure 8)."""
    from gcdp_bench.analysis.draw_features import draw_agreement, draw_clusters
    from gcdp_bench.analysis.features import FeatureRequest, analyze_features
    from gcdp_bench.analysis.models import load_cascades
    from gcdp_bench.cli.display import Display, say_size
    from gcdp_bench.cli.needs import taken_samples
    from gcdp_bench.datasets.identities import dataset_identity
    from gcdp_bench.datasets.registry import open_dataset
    from gcdp_bench.generators.registry import generator_spec
    from gcdp_bench.io.atomic import output_folder
    from gcdp_bench.training.runs import find_runs
    from reference_model.features import block_names

    if model == against:
        raise click.UsageError("--model and --against: expected two different models")
    wanted = parse_list(timesteps, int, "--timesteps")
    specs = [generator_spec(name) for name in (model, against)]
    given = parse_weights(weights, (model, against))
    num = taken_samples(
        "analyze features", dataset, split, num_images, data_root=data_root, exclude=exclude
    )
    identity = dataset_identity(dataset, data_root=data_root)
    runs = find_runs(specs, given, identity)
    announce(*runs.values())
    models = load_cascades(list(runs.values()))
    source = open_dataset(
        dataset,
        split,
        size=models[0].image_size,
        data_root=data_root,
        exclude=exclude,
        resize=resize,
    )
    say_size(source)
    request = FeatureRequest(
        timesteps=wanted,
        blocks=block_names(models[0].stages[0].network)
        if blocks is None
        else parse_list(blocks, str, "--blocks"),
        num_images=num,
        num_clusters=clusters,
        steps=steps,
        seed=seed,
    )
    folder = output_folder(folder_of(out, "features", source.name))
    found = analyze_features(models, source, request, progress=Display())
    pictures = {
        f"clusters-{block}": partial(draw_clusters, found, block, source.class_names)
        for block in request.blocks
    }
    write_analysis(
        folder,
        {"features": found.table},
        {"agreement": lambda: draw_agreement(found.table), **pictures},
    )


@click.command(name="outpainting")
@dataset_option
@generator_option("--model", "reference", "Generator of images and layouts.")
@weights_option()
@click.option("--split", default="test", show_default=True, help="Split of the samples.")
@click.option("--num-samples", type=int, help="Samples [100, or all of a split that has fewer].")
@click.option(
    "--guidance", type=float, default=2.0, show_default=True, help="Guidance scale; 1 is none."
)
@click.option(
    "--image-resampling",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Resampling steps n of RePaint from layout to image.",
)
@click.option(
    "--layout-resampling",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Resampling steps n from image to layout.",
)
@click.option("--seed", default=0, show_default=True, help="Sampling seed.")
@click.option("--batch-size", default=16, show_default=True, help="Samples per batch.")
@click.option(
    "--out", type=FOLDER, help="Folder to write to [results/local/analysis/outpainting-DATASET]."
)
@cascade_options
@evaluation_options
@data_options
@click.pass_context
def outpainting_command(
    context: click.Context,
    dataset: str,
    model: str,
    weights: tuple[str, ...],
    split: str,
    num_samples: int | None,
    guidance: float,
    image_resampling: int,
    layout_resampling: int,
    seed: int,
    batch_size: int,
    out: Path | None,
    steps: int,
    sr_steps: int | None,
    sr_guidance: float | None,
    evaluation: EvaluationOptions,
    resize: str,
    exclude: Path | None,
    data_root: Path | None,
) -> None:
    """Sample images of true layouts and layouts of real images; evaluate both (Figure 9).

    The table also has the evaluating segmenter, as a reference.
    """
    from gcdp_bench.analysis.draw_outpainting import draw_outpainting
    from gcdp_bench.analysis.outpainting import OutpaintingRequest, analyze_outpainting
    from gcdp_bench.cli.display import Display, say_size
    from gcdp_bench.cli.needs import taken_samples
    from gcdp_bench.core.sampling_config import SamplingConfig
    from gcdp_bench.core.types import AttributedDataset
    from gcdp_bench.datasets.registry import open_dataset
    from gcdp_bench.datasets.shuffled import shuffled
    from gcdp_bench.extractors.bundle import load_extractors
    from gcdp_bench.generators.outpaint import outpainter
    from gcdp_bench.generators.sample import find_generator, load_generator
    from gcdp_bench.io.atomic import output_folder
    from gcdp_bench.training.runs import PRETRAINED

    sampling = SamplingConfig(
        steps=steps, sr_steps=sr_steps or steps, sr_guidance=sr_guidance, device=evaluation.device
    )
    given = parse_weights(weights, [model]).get(model)
    num = taken_samples(
        "analyze outpainting", dataset, split, num_samples, data_root=data_root, exclude=exclude
    )
    found_run = find_generator(model, dataset, given, data_root=data_root)
    announce(found_run)
    generator, digest = load_generator(found_run, sampling)
    cascade = outpainter(generator)
    source = shuffled(
        open_dataset(
            dataset,
            split,
            size=cascade.image_size,
            data_root=data_root,
            exclude=exclude,
            resize=resize,
        )
    )
    extractors = load_extractors(
        extractor_request(
            evaluation,
            dataset,
            attributed=isinstance(source, AttributedDataset),
            data_root=data_root,
            pretrained=PRETRAINED in weights,
        )
    )
    say_size(source)
    extractors.check(source)
    request = OutpaintingRequest(
        num_samples=num,
        weights=digest,
        guidance=guidance,
        image_resampling=image_resampling,
        layout_resampling=layout_resampling,
        seed=seed,
        batch_size=batch_size,
    )
    folder = output_folder(folder_of(out, "outpainting", source.name))
    found = analyze_outpainting(cascade, source, extractors, request, folder, progress=Display())
    write_analysis(
        folder,
        {"outpainting": found.table},
        {"outpainting": lambda: draw_outpainting(found, source.class_names)},
    )
    shown = found.table[
        (found.table["class"] == "all")
        & (
            found.table["metric"].str.startswith(("fid-", "fd-"))
            | (found.table["metric"] == "miou")
        )
    ]
    for line in shown.to_dict("records"):
        click.echo(_outpainting_line(line))
    raise_alarms(context, (alarm.sentence for alarm in found.alarms), strict=False)


def _outpainting_line(line: Mapping[Hashable, Any]) -> str:
    """A value with the interval that belongs to it, as `evaluate` prints it."""
    from gcdp_bench.results.summary import in_units

    numbers = (line[name] for name in ("value", "corrected", "ci_low", "ci_high"))
    value, corrected, low, high = in_units(line["metric"], *numbers)
    interval = "" if line["ci_method"] == "none" else f"[{low}, {high}]"
    if not math.isnan(line["corrected"]):
        interval = f"bias-corrected {corrected} {interval}"
    return (
        f"{line['direction']:16s} {line['source']:28s} {line['metric']:10s} {value:>10s}  "
        f"{interval}"
    )


@click.command(name="schedules")
@click.argument("folders", nargs=-1, required=True, type=FOLDER, metavar="FOLDER...")
@dataset_option
@click.option("--split", default="test", show_default=True, help="Split of the captions.")
@click.option(
    "--num-samples", type=int, help="Samples per cascade [100, or all of a split that has fewer]."
)
@click.option(
    "--guidance", type=float, default=2.0, show_default=True, help="Guidance scale; 1 is none."
)
@click.option("--seed", default=0, show_default=True, help="Sampling seed.")
@click.option("--batch-size", default=16, show_default=True, help="Samples per batch.")
@click.option(
    "--out", type=FOLDER, help="Folder to write to [results/local/analysis/schedules-DATASET]."
)
@cascade_options
@evaluation_options
@data_options
def schedules_command(
    folders: tuple[Path, ...],
    dataset: str,
    split: str,
    num_samples: int | None,
    guidance: float,
    seed: int,
    batch_size: int,
    out: Path | None,
    steps: int,
    sr_steps: int | None,
    sr_guidance: float | None,
    evaluation: EvaluationOptions,
    resize: str,
    exclude: Path | None,
    data_root: Path | None,
) -> None:
    """Compare label schedules: metrics, and whether layout or image converges first.

    FOLDERs are trained reference cascades whose base stages differ in their label schedule.
    """
    from gcdp_bench.analysis.draw_schedules import draw_schedules
    from gcdp_bench.analysis.schedules import ScheduleRequest, analyze_schedules, summary_lines
    from gcdp_bench.analysis.variants import check_dataset, load_variants
    from gcdp_bench.cli.display import Display, say_size
    from gcdp_bench.cli.needs import taken_samples
    from gcdp_bench.core.device import check_device
    from gcdp_bench.core.sampling_config import SamplingConfig
    from gcdp_bench.core.types import AttributedDataset
    from gcdp_bench.datasets.identities import dataset_identity
    from gcdp_bench.datasets.registry import open_dataset
    from gcdp_bench.datasets.shuffled import shuffled
    from gcdp_bench.extractors.bundle import load_extractors
    from gcdp_bench.io.atomic import output_folder

    check_device(evaluation.device)
    sampling = SamplingConfig(
        steps=steps, sr_steps=sr_steps or steps, sr_guidance=sr_guidance, device=evaluation.device
    )
    num = taken_samples(
        "analyze schedules", dataset, split, num_samples, data_root=data_root, exclude=exclude
    )
    identity = dataset_identity(dataset, data_root=data_root)
    variants = load_variants(folders, identity, sampling)
    announce(*(variant.run for variant in variants))
    source = shuffled(
        open_dataset(
            dataset,
            split,
            size=variants[0].cascade.image_size,
            data_root=data_root,
            exclude=exclude,
            resize=resize,
        )
    )
    check_dataset(variants, source)
    extractors = load_extractors(
        extractor_request(
            evaluation,
            dataset,
            attributed=isinstance(source, AttributedDataset),
            data_root=data_root,
        )
    )
    say_size(source)
    extractors.check(source)
    request = ScheduleRequest(num_samples=num, guidance=guidance, seed=seed, batch_size=batch_size)
    folder = output_folder(folder_of(out, "schedules", source.name))
    found = analyze_schedules(variants, source, extractors, request, folder, progress=Display())
    write_analysis(
        folder,
        {
            "scores": found.scores,
            "order": found.order,
            "converged": found.converged,
            "levels": found.levels,
        },
        {"schedules": lambda: draw_schedules(found)},
    )
    for line in summary_lines(found):
        click.echo(line)
