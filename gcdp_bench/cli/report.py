"""`gcdp-bench report`."""

from __future__ import annotations

from pathlib import Path

import click

from gcdp_bench.cli.alarms import raise_alarms, strict_option
from gcdp_bench.cli.names import CONDITION
from gcdp_bench.cli.options import results_or_default
from gcdp_bench.cli.stores import STORED_RESULTS, require_results


@click.command(name="report")
@click.argument("results", type=STORED_RESULTS, required=False)
@click.option(
    "--only",
    type=CONDITION,
    multiple=True,
    metavar="FIELD=VALUE",
    help="Use these rows alone, e.g. --only num_samples=200; may be repeated.",
)
@click.option(
    "--allow-subsets",
    is_flag=True,
    help="Show models that were trained on different subsets together, each with its subset.",
)
@click.option(
    "--table",
    type=click.Choice(["1"]),
    help="Write and print this table of the paper alone: CSV, Markdown, LaTeX.",
)
@click.option(
    "--pdf",
    is_flag=True,
    help="Write each figure as PDF too, for a paper; one that is there is always written again.",
)
@strict_option
@click.pass_context
def command(
    context: click.Context,
    results: Path | None,
    only: tuple[str, ...],
    allow_subsets: bool,
    table: str | None,
    pdf: bool,
    strict: bool,
) -> None:
    """Draw tables, figures and a page from results.

    RESULTS is a folder of `sweep`; if it is not given, the only one in results/, else
    results/local.

    Exit code 2: rows that were measured differently do not go into one table; the field in which
    they differ is named.
    """
    if results is not None:
        require_results(results)

    from gcdp_bench.cli.display import print_summary
    from gcdp_bench.report import build_report, build_table_1
    from gcdp_bench.results.compatibility import UnlikeRowsError
    from gcdp_bench.results.object_store import send, store_of
    from gcdp_bench.results.summary import readable

    results = results_or_default(results)
    if not (results / "results.parquet").is_file():
        raise FileNotFoundError(_no_results(results))
    try:
        if table is not None:
            text, files = build_table_1(results, only=only, allow_subsets=allow_subsets)
            click.echo(text)
            click.echo(f"tables:  {', '.join(map(str, files))}")
            send(results, "tables")
            return
        report = build_report(results, only=only, allow_subsets=allow_subsets, pdf=pdf)
    except UnlikeRowsError as error:
        click.echo(f"Error: {error}", err=True)
        context.exit(2)
    print_summary(readable(report.summary))
    for warning in report.warnings:
        click.echo(f"Warning: {warning}", err=True)
    click.echo(f"tables:  {results / 'tables'} (CSV)")
    kinds = "PNG and PDF" if pdf else "PNG; with --pdf also PDF"
    click.echo(f"figures: {results / 'figures'} ({kinds})")
    click.echo(f"page:    {report.page}")
    store = store_of(results)
    if store is not None:
        send(results, "tables", "figures", "report.html")
        click.echo(f"sent to: {store.url}")
    raise_alarms(context, report.alarms["sentence"], strict=strict)


def _no_results(results: Path) -> str:
    """The command to run first, with the parts that it lacks."""
    from gcdp_bench.cli.evaluation_options import EvaluationOptions
    from gcdp_bench.cli.needs import wanted_by
    from gcdp_bench.datasets.defaults import default_dataset
    from gcdp_bench.diagnostics.missing import listing, missing_for, sweep_command
    from gcdp_bench.generators.registry import TASKS

    text = f"{results}: expected the results of a sweep, found none; run "
    try:
        dataset, _ = default_dataset(None)
    except ValueError as error:
        return f"{text}`gcdp-bench sweep` first ({error})"
    wanted = wanted_by(
        dataset, dict.fromkeys(TASKS["text-to-image"]), EvaluationOptions(), data_root=None
    )
    missing = missing_for(dataset, wanted)
    needs = f"\n{listing(missing, dataset)}" if missing else ""
    return f"{text}`gcdp-bench sweep` first, for example `{sweep_command(dataset)}`{needs}"
