"""`gcdp-bench cache list` and `cache clear`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from gcdp_bench.cli.groups import FullHelp

if TYPE_CHECKING:
    from gcdp_bench.io.cache import Entry


@click.group(name="cache", cls=FullHelp)
def command() -> None:
    """List or clear the files that are cached for later runs; all can be made again.

    They lie in $GCDP_CACHE, else in the platform's folder for caches, and take at most
    $GCDP_CACHE_LIMIT [10 GB]; the least recently used entries are removed first.
    """


@command.command(name="list")
def list_command() -> None:
    """List every entry, the least recently used first: size, last use, kind, name."""
    from gcdp_bench.io.cache import UserCache

    cache = UserCache()
    entries = cache.entries()
    for entry in entries:
        used = datetime.fromtimestamp(entry.used_sec).strftime("%Y-%m-%d %H:%M")
        click.echo(f"{megabytes([entry]):>12s}  {used}  {entry.kind:15s} {entry.path.name}")
    click.echo(
        f"{len(entries)} entries, {megabytes(entries)} of at most {cache.limit / 1e6:.1f} MB, in "
        f"{cache.home}"
    )


@command.command(name="clear")
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
def clear_command(kinds: tuple[str, ...]) -> None:
    """Remove the entries of KINDs (statistics, celeba-layouts) [all]."""
    from gcdp_bench.io.cache import UserCache

    cache = UserCache()
    removed = cache.clear(kinds)
    click.echo(f"{len(removed)} entries removed, {megabytes(removed)}, from {cache.home}")


def megabytes(entries: Sequence[Entry]) -> str:
    """Total size of entries."""
    return f"{sum(entry.num_bytes for entry in entries) / 1e6:.1f} MB"
