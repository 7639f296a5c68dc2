"""Groups of commands whose help has the whole summary of each command."""

from __future__ import annotations

import inspect

import click


class FullHelp(click.Group):
    """A group that lists the first paragraph of each command's help, uncut."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands."""
        lines = [(name, summary(self.commands[name])) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(lines)


def summary(command: click.Command) -> str:
    """The first paragraph of a command's help, in one line."""
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())
