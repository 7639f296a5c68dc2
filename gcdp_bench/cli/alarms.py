"""What commands say of alarms."""

from __future__ import annotations

from collections.abc import Iterable

import click

EXIT_CODE = 3

strict_option = click.option(
    "--strict", is_flag=True, help=f"Exit with code {EXIT_CODE} if an alarm is raised."
)


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
