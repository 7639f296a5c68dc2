"""`gcdp-bench doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from gcdp_bench.cli.options import data_root_option

MARKS = {True: "ok", False: "no", None: "--"}


@click.command(name="doctor")
@data_root_option
def command(data_root: Path | None) -> None:
    """Show versions, devices, weights and datasets, what can be run, and what mends the rest."""
    from gcdp_bench.doctor import examine

    for section in examine(data_root):
        click.echo(section.title)
        width = max(len(line.name) for line in section.lines)
        for line in section.lines:
            click.echo(f"  {MARKS[line.ok]}  {line.name:{width}s}  {line.detail}")
