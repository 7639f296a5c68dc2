"""`gcdp-bench report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="report")
@click.argument("results", type=click.Path(path_type=Path), default=Path("results/local"))
def command(results: Path) -> None:
    """Draw tables, figures and a page from RESULTS [results/local]."""
    from gcdp_bench.cli.display import print_summary
    from gcdp_bench.report import build_report
    from gcdp_bench.tables import readable

    report = build_report(results)
    print_summary(readable(report.summary))
    click.echo(f"tables:  {results / 'tables'} (CSV)")
    click.echo(f"figures: {results / 'figures'} (PNG and PDF)")
    click.echo(f"page:    {report.page}")
