"""`gcdp-bench analyze ...`: the analyses of the paper."""

from __future__ import annotations

from pathlib import Path

import click

from gcdp_bench.cli.alarms import say_alarms
from gcdp_bench.cli.analysis_files import LOCAL, folder_of, write_analysis
from gcdp_bench.cli.analyze_models import (
    features_command,
    outpainting_command,
    schedules_command,
)
from gcdp_bench.cli.analyze_samplers import samplers_command
from gcdp_bench.cli.groups import FullHelp
from gcdp_bench.cli.options import results_or_default
from gcdp_bench.cli.stores import STORED_RESULTS, require_results

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(name="analyze", cls=FullHelp)
def command() -> None:
    """Run an analysis of the paper: a table and a figure."""


for _command in (features_command, outpainting_command, schedules_command, samplers_command):
    command.add_command(_command)


results_argument = click.argument("results", type=STORED_RESULTS, required=False)
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
@click.pass_context
def classes_command(
    context: click.Context, results: Path | None, dataset: str | None, out: Path | None
) -> None:
    """Recall of each class beside its share of the data, from a sweep's RESULTS (Figures 6b, 6c).

    Every model at the parameter value with the lowest FID.
    """
    if results is not None:
        require_results(results)

    from gcdp_bench.analysis.classes import (
        class_table,
        correlation_text,
        frequency_correlations,
    )
    from gcdp_bench.analysis.draw_classes import draw_frequency
    from gcdp_bench.analysis.results import read_dataset, read_proportions
    from gcdp_bench.report.recall import draw_recall

    results = results_or_default(results)
    rows = read_dataset(results, dataset)
    proportions = read_proportions(results, rows)
    table = class_table(rows, proportions)
    correlations = frequency_correlations(table)
    write_analysis(
        folder_of(out, "classes", rows["dataset"].iloc[0], results),
        {"classes": table, "correlations": correlations},
        {
            "class-recall": lambda: draw_recall(rows, proportions),
            "recall-frequency": lambda: draw_frequency(table, correlations),
        },
    )
    for _, line in correlations.iterrows():
        click.echo(
            f"{line['model']:14s} rank correlation of recall and frequency "
            f"{correlation_text(line)}, {line['num_classes']} classes"
        )
    say_alarms(context, [(results, rows)])


@command.command(name="attributes")
@results_argument
@rows_dataset_option
@table_option
@click.pass_context
def attributes_command(
    context: click.Context, results: Path | None, dataset: str | None, out: Path | None
) -> None:
    """Recall of each attribute that captions name, from a sweep's RESULTS (Figure 1).

    Every model at the parameter value with the lowest FID.
    """
    if results is not None:
        require_results(results)

    from gcdp_bench.analysis.draw_attributes import draw_attributes
    from gcdp_bench.analysis.named import named_values
    from gcdp_bench.analysis.results import read_dataset

    results = results_or_default(results)
    rows = read_dataset(results, dataset)
    table = named_values(rows, "attribute_recall")
    write_analysis(
        folder_of(out, "attributes", rows["dataset"].iloc[0], results),
        {"attributes": table},
        {"attributes": lambda: draw_attributes(table)},
    )
    for model, part in table.groupby("model", sort=False):
        click.echo(
            f"{model:14s} mean recall of {len(part)} attributes {100 * part['value'].mean():.1f} %"
        )
    say_alarms(context, [(results, rows)])


@command.command(name="scarcity")
@click.argument("results", nargs=-1, required=True, type=STORED_RESULTS)
@click.option(
    "--model",
    default="reference",
    show_default=True,
    help="Model that the others are compared with.",
)
@click.option("--out", type=FOLDER, help="Folder to write to [results/local/analysis/scarcity].")
@click.pass_context
def scarcity_command(
    context: click.Context, results: tuple[Path, ...], model: str, out: Path | None
) -> None:
    """Every metric and the models' gaps against the share of training data.

    RESULTS are folders of sweeps, one per fraction, as of synth-city-25, -50 and -100. Every model
    at the parameter value with the lowest FID.
    """
    for folder in results:
        require_results(folder)

    from gcdp_bench.analysis.draw_scarcity import draw_scarcity
    from gcdp_bench.analysis.results import read_dataset
    from gcdp_bench.analysis.scarcity import analyze_scarcity

    found = analyze_scarcity(results, model)
    write_analysis(
        LOCAL / "analysis" / "scarcity" if out is None else out,
        {"scarcity": found.values, "gaps": found.gaps},
        {"scarcity": lambda: draw_scarcity(found)},
    )
    say_alarms(context, [(folder, read_dataset(folder, None)) for folder in results])
