"""`gcdp-bench analyze ...`: the analyses of the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcdp_bench.cli.names import generator_option
from gcdp_bench.cli.options import (
    cascade_options,
    data_options,
    dataset_option,
    device_of,
    extractor_options,
    judge_request,
    parse_list,
    parse_weights,
)
from gcdp_bench.cli.stores import STORED_RESULTS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FOLDER = click.Path(path_type=Path, file_okay=False)
LOCAL = Path("results") / "local"


@click.group(name="analyze")
def command() -> None:
    """Run an analysis of the paper: a table and a figure."""


@command.command(name="features")
@dataset_option
@generator_option("--model", "reference", "Cascade to look into.")
@generator_option("--against", "imagen", "Cascade beside it.")
@click.option("--split", default="test", show_default=True, help="Whose images are taken.")
@click.option("--num-images", default=48, show_default=True, help="Images.")
@click.option(
    "--timesteps", default="100,300,500,800", show_default=True, help="t, comma-separated."
)
@click.option("--blocks", help="Of the decoder, comma-separated: middle, up.0, ..., final [all].")
@click.option("--clusters", default=10, show_default=True, help="Of k-means.")
@click.option("--steps", default=50, show_default=True, help="Sampling steps for layouts.")
@click.option("--seed", default=0, show_default=True, help="Of noise and k-means.")
@click.option(
    "--weights", multiple=True, metavar="MODEL=FOLDER", help="Trained models; may be repeated."
)
@click.option(
    "--out", type=FOLDER, help="Folder to write to [results/local/analysis/features-DATASET]."
)
@data_options
def features_command(
    dataset: str,
    model: str,
    against: str,
    split: str,
    num_images: int,
    timesteps: str,
    blocks: str | None,
    clusters: int,
    steps: int,
    seed: int,
    weights: tuple[str, ...],
    out: Path | None,
    resize: str,
    quarantine: Path | None,
    data_root: Path | None,
) -> None:
    """Cluster two models' internal features and hold them against the true layouts (Figure 8)."""
    from gcdp_bench.analyze.draw_features import draw_agreement, draw_clusters
    from gcdp_bench.analyze.features import FeatureRequest, analyze_features
    from gcdp_bench.analyze.models import load_cascades
    from gcdp_bench.catalog import open_dataset
    from gcdp_bench.cli.display import Display
    from gcdp_bench.files import output_folder
    from reference_model.features import block_names

    if model == against:
        raise click.UsageError("--model and --against: expected two different models")
    wanted = parse_list(timesteps, int, "--timesteps")
    models = load_cascades((model, against), dataset, parse_weights(weights))
    source = open_dataset(dataset, split, size=models[0].image_size, data_root=data_root,
                          quarantine=quarantine, resize=resize)  # fmt: skip
    request = FeatureRequest(
        timesteps=wanted,
        blocks=block_names(models[0].stages[0].network)
        if blocks is None
        else parse_list(blocks, str, "--blocks"),
        num_images=num_images,
        num_clusters=clusters,
        steps=steps,
        seed=seed,
    )
    folder = output_folder(_folder(out, "features", dataset))
    found = analyze_features(models, source, request, progress=Display())
    pictures = {
        f"clusters-{block}": partial(draw_clusters, found, block, source.class_names)
        for block in request.blocks
    }
    _write(
        folder,
        {"features": found.table},
        {"agreement": lambda: draw_agreement(found.table), **pictures},
    )


results_argument = click.argument("results", type=STORED_RESULTS, default=LOCAL)
rows_dataset_option = click.option(
    "--dataset", metavar="NAME", help="Only this dataset, where results hold several."
)
table_option = click.option(
    "--out", type=FOLDER, help="Folder to write to [RESULTS/analysis/NAME-DATASET]."
)


@command.command(name="classes")
@results_argument
@rows_dataset_option
@table_option
def classes_command(results: Path, dataset: str | None, out: Path | None) -> None:
    """Recall of each class beside its share of the data, from a sweep's RESULTS (Figures 6b, 6c).

    Every model at the parameter value with the lowest FID.
    """
    from gcdp_bench.analyze.classes import class_table, frequency_correlations
    from gcdp_bench.analyze.draw_classes import draw_frequency
    from gcdp_bench.analyze.results import read_dataset, read_proportions
    from gcdp_bench.report.recall import draw_recall

    rows = read_dataset(results, dataset)
    proportions = read_proportions(results, rows)
    table = class_table(rows, proportions)
    correlations = frequency_correlations(table)
    _write(
        _folder(out, "classes", rows["dataset"].iloc[0], results),
        {"classes": table, "correlations": correlations},
        {
            "class-recall": lambda: draw_recall(rows, proportions),
            "recall-frequency": lambda: draw_frequency(table, correlations),
        },
    )
    for line in correlations.itertuples():
        click.echo(f"{line.model:14s} rank correlation of recall and frequency "
                   f"{line.spearman:+.2f} [{line.ci_low:+.2f}, {line.ci_high:+.2f}], "
                   f"{line.num_classes} classes")  # fmt: skip


@command.command(name="attributes")
@results_argument
@rows_dataset_option
@table_option
def attributes_command(results: Path, dataset: str | None, out: Path | None) -> None:
    """Recall of each attribute that captions ask for, from a sweep's RESULTS (Figure 1).

    Every model at the parameter value with the lowest FID.
    """
    from gcdp_bench.analyze.draw_attributes import draw_attributes
    from gcdp_bench.analyze.named import named_values
    from gcdp_bench.analyze.results import read_dataset

    rows = read_dataset(results, dataset)
    table = named_values(rows, "attribute_recall")
    _write(
        _folder(out, "attributes", rows["dataset"].iloc[0], results),
        {"attributes": table},
        {"attributes": lambda: draw_attributes(table)},
    )
    for model, part in table.groupby("model", sort=False):
        click.echo(f"{model:14s} mean recall of {len(part)} attributes "
                   f"{100 * part['value'].mean():.1f} %")  # fmt: skip


@command.command(name="scarcity")
@click.argument("results", nargs=-1, required=True, type=STORED_RESULTS)
@click.option("--model", default="reference", show_default=True, help="Whose gaps are taken.")
@click.option("--out", type=FOLDER, help="Folder to write to [results/local/analysis/scarcity].")
def scarcity_command(results: tuple[Path, ...], model: str, out: Path | None) -> None:
    """Every metric and the models' gaps against the share of training data.

    RESULTS are folders of sweeps, one per fraction, as of synth-city-25, -50 and -100. Every model
    at the parameter value with the lowest FID.
    """
    from gcdp_bench.analyze.draw_scarcity import draw_scarcity
    from gcdp_bench.analyze.scarcity import analyze_scarcity

    found = analyze_scarcity(results, model)
    _write(
        LOCAL / "analysis" / "scarcity" if out is None else out,
        {"scarcity": found.values, "gaps": found.gaps},
        {"scarcity": lambda: draw_scarcity(found)},
    )


@command.command(name="outpainting")
@dataset_option
@generator_option("--model", "reference", "That draws both.")
@click.option("--weights", type=FOLDER, help="Folder of the trained model.")
@click.option("--split", default="test", show_default=True, help="Whose pairs are taken.")
@click.option("--num-samples", default=100, show_default=True, help="Pairs.")
@click.option("--guidance", type=float, default=2.0, show_default=True, help="1 is none.")
@click.option(
    "--image-resampling", type=click.IntRange(1), default=5, show_default=True,
    help="Steps n of RePaint from layout to image.",
)  # fmt: skip
@click.option(
    "--layout-resampling", type=click.IntRange(1), default=1, show_default=True,
    help="Steps n from image to layout.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Sampling seed.")
@click.option("--batch-size", default=16, show_default=True, help="Pairs drawn at once.")
@click.option(
    "--out", type=FOLDER, help="Folder to write to [results/local/analysis/outpainting-DATASET]."
)
@cascade_options
@extractor_options
@data_options
@click.pass_context
def outpainting_command(
    context: click.Context,
    dataset: str,
    model: str,
    weights: Path | None,
    split: str,
    num_samples: int,
    guidance: float,
    image_resampling: int,
    layout_resampling: int,
    seed: int,
    batch_size: int,
    out: Path | None,
    steps: int,
    sr_steps: int | None,
    sr_guidance: float | None,
    resize: str,
    quarantine: Path | None,
    data_root: Path | None,
) -> None:
    """Draw images of true layouts and layouts of real images, and score both (Figure 9).

    The segmenter that judges stands beside the model as a reference.
    """
    from gcdp_bench.analyze.draw_outpainting import draw_outpainting
    from gcdp_bench.analyze.outpainting import OutpaintingRequest, analyze_outpainting
    from gcdp_bench.catalog import open_dataset
    from gcdp_bench.cli.display import Display
    from gcdp_bench.datasets.shuffled import shuffled
    from gcdp_bench.extractors.bundle import load_extractors
    from gcdp_bench.files import output_folder
    from gcdp_bench.outpaint import outpainter
    from gcdp_bench.protocols import AttributedDataset
    from gcdp_bench.sample import load_generator
    from gcdp_bench.sampling import SamplingConfig

    sampling = SamplingConfig(
        steps=steps, sr_steps=sr_steps or steps, sr_guidance=sr_guidance, device=device_of(context)
    )
    generator, digest = load_generator(model, dataset, weights, sampling)
    cascade = outpainter(generator)
    source = shuffled(
        open_dataset(dataset, split, size=cascade.image_size, data_root=data_root,
                     quarantine=quarantine, resize=resize)
    )  # fmt: skip
    judges = load_extractors(
        judge_request(context, dataset, attributed=isinstance(source, AttributedDataset))
    )
    judges.check(source)
    request = OutpaintingRequest(
        num_samples=num_samples,
        weights=digest,
        guidance=guidance,
        image_resampling=image_resampling,
        layout_resampling=layout_resampling,
        seed=seed,
        batch_size=batch_size,
    )
    folder = output_folder(_folder(out, "outpainting", dataset))
    found = analyze_outpainting(cascade, source, judges, request, folder, progress=Display())
    _write(
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
    for line in shown.itertuples():
        click.echo(f"{line.direction:16s} {line.source:28s} {line.metric:10s} {line.value:8.3f} "
                   f"[{line.ci_low:.3f}, {line.ci_high:.3f}]")  # fmt: skip


@command.command(name="schedules")
@click.argument("folders", nargs=-1, required=True, type=FOLDER, metavar="FOLDER...")
@dataset_option
@click.option("--split", default="test", show_default=True, help="Whose captions are asked for.")
@click.option("--num-samples", default=100, show_default=True, help="Samples of each.")
@click.option("--guidance", type=float, default=2.0, show_default=True, help="1 is none.")
@click.option("--seed", default=0, show_default=True, help="Sampling seed.")
@click.option("--batch-size", default=16, show_default=True, help="Samples drawn at once.")
@click.option(
    "--out", type=FOLDER, help="Folder to write to [results/local/analysis/schedules-DATASET]."
)
@cascade_options
@extractor_options
@data_options
@click.pass_context
def schedules_command(
    context: click.Context,
    folders: tuple[Path, ...],
    dataset: str,
    split: str,
    num_samples: int,
    guidance: float,
    seed: int,
    batch_size: int,
    out: Path | None,
    steps: int,
    sr_steps: int | None,
    sr_guidance: float | None,
    resize: str,
    quarantine: Path | None,
    data_root: Path | None,
) -> None:
    """Compare label schedules: scores, and whether layout or image is settled first.

    FOLDERs are trained reference cascades whose base stages differ in their label schedule.
    """
    from gcdp_bench.analyze.contenders import check_dataset, load_contenders
    from gcdp_bench.analyze.draw_schedules import draw_schedules
    from gcdp_bench.analyze.schedules import ScheduleRequest, analyze_schedules, summary_lines
    from gcdp_bench.catalog import open_dataset
    from gcdp_bench.cli.display import Display
    from gcdp_bench.datasets.shuffled import shuffled
    from gcdp_bench.extractors.bundle import load_extractors
    from gcdp_bench.files import output_folder
    from gcdp_bench.protocols import AttributedDataset
    from gcdp_bench.sampling import SamplingConfig

    sampling = SamplingConfig(
        steps=steps, sr_steps=sr_steps or steps, sr_guidance=sr_guidance, device=device_of(context)
    )
    contenders = load_contenders(folders, dataset, sampling)
    source = shuffled(
        open_dataset(dataset, split, size=contenders[0].cascade.image_size, data_root=data_root,
                     quarantine=quarantine, resize=resize)
    )  # fmt: skip
    check_dataset(contenders, source)
    judges = load_extractors(
        judge_request(context, dataset, attributed=isinstance(source, AttributedDataset))
    )
    judges.check(source)
    request = ScheduleRequest(
        num_samples=num_samples, guidance=guidance, seed=seed, batch_size=batch_size
    )
    folder = output_folder(_folder(out, "schedules", dataset))
    found = analyze_schedules(contenders, source, judges, request, folder, progress=Display())
    _write(
        folder,
        {"scores": found.scores, "order": found.order, "settled": found.settled,
         "levels": found.levels},
        {"schedules": lambda: draw_schedules(found)},
    )  # fmt: skip
    for line in summary_lines(found):
        click.echo(line)


def _write(
    folder: Path, tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Callable[[], Figure]]
) -> None:
    """Tables as CSV, figures as PNG and PDF, sent if the folder is in a store; says where."""
    from gcdp_bench.files import output_folder, replacing
    from gcdp_bench.report.style import save, theme
    from gcdp_bench.storage import send

    output_folder(folder)
    for name, table in tables.items():
        with replacing(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    with theme():
        for name, draw in figures.items():
            save(draw(), folder / name)
    send(folder)
    names = [*(f"{name}.csv" for name in tables), *(f"{name}.png" for name in figures)]
    click.echo(f"{folder}: {', '.join(names)} (PDF beside each figure)")


def _folder(out: Path | None, analysis: str, dataset: str, results: Path = LOCAL) -> Path:
    return results / "analysis" / f"{analysis}-{Path(dataset).name}" if out is None else out
