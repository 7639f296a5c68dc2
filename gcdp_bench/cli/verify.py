"""`gcdp-bench verify`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gcdp_bench.diagnostics.verify import Outcome


@click.command(name="verify")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Compute every golden number that needs no weights; exit code 1 if one is not met."""
    from gcdp_bench.cli.display import Display
    from gcdp_bench.diagnostics.verify import golden_checks, run_checks

    checks = golden_checks()
    display, outcomes = Display(), []
    display.start("verify", len(checks), unit="check")
    for outcome in run_checks(checks):
        outcomes.append(outcome)
        display.advance()
    display.finish()
    _print_outcomes(outcomes)
    failed = [outcome for outcome in outcomes if not outcome.ok]
    seconds = sum(outcome.seconds for outcome in outcomes)
    click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} numbers met, {seconds:.1f} s")
    for outcome in failed:
        reason = outcome.error or (
            f"expected {outcome.check.expected:.12g} within {outcome.check.tolerance:g}, got "
            f"{outcome.got:.12g}"
        )
        click.echo(f"not met: {outcome.check.name}: {reason} (source: {outcome.check.source})")
    ctx.exit(1 if failed else 0)


def _print_outcomes(outcomes: Sequence[Outcome]) -> None:
    """One line per check: name, expected, got, |difference|, tolerance, ok, source."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    table = Table(box=SIMPLE_HEAD)
    table.add_column("number")
    for name in ("expected", "got", "|difference|", "tolerance"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("ok")
    table.add_column("source")
    for outcome in outcomes:
        check = outcome.check
        table.add_row(
            Text(check.name),
            f"{check.expected:.9g}",
            f"{outcome.got:.9g}",
            f"{outcome.difference:.1e}",
            f"{check.tolerance:.1e}",
            Text("yes") if outcome.ok else Text("NO", style="bold red"),
            Text(check.source),
        )
    console.print(table)
