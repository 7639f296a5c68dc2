"""How commands print alarms."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd

EXIT_CODE = 3

strict_option = click.option(
    "--strict", is_flag=True, help=f"Exit with code {EXIT_CODE} if an alarm is raised."
)


def say_alarms(context: click.Context, tables: Collection[tuple[Path, pd.DataFrame]]) -> None:
    """Say the alarms that concern rows of results folders; see `alarms.sentences_of`."""
    from gcdp_bench.results.alarms import sentences_of

    raise_alarms(context, sentences_of(tables), strict=False)


def raise_alarms(context: click.Context, sentences: Iterable[str], *, strict: bool) -> None:
    """Say alarms on stderr; the last thing that a command does.

    Args:
        context: of the command.
        sentences: reason and remedy of each alarm.
        strict: leave with `EXIT_CODE` if there is one.
    """
    sentences = list(dict.fromkeys(sentences))
    for sentence in sentences:
        click.secho(f"ALARM: {sentence}", fg="red", err=True)
    if sentences and strict:
        context.exit(EXIT_CODE)
