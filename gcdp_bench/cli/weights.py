"""`gcdp-bench weights list`, `weights add` and `weights verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcdp_bench.cli.groups import FullHelp
from gcdp_bench.cli.names import WEIGHTS

if TYPE_CHECKING:
    from gcdp_bench.diagnostics.weights import Published


@click.group(name="weights", cls=FullHelp)
def command() -> None:
    """List, add and verify published weights."""


@command.command(name="list")
def list_command() -> None:
    """List every weight: purpose, licence, size, digest, place, and how to get it."""
    from gcdp_bench.diagnostics.weights import published_weights, trained_weights

    for entry in published_weights():
        _print_published(entry)
    click.echo("trained networks (first digits of the SHA-256 of model.safetensors)")
    for network in trained_weights():
        size = network.num_bytes / 1e6
        click.echo(f"  {network.origin:8s} {network.digest}  {size:8.1f} MB  {network.folder}")


@command.command(name="verify")
@click.argument("names", type=WEIGHTS, nargs=-1, metavar="[NAME]...")
@click.pass_context
def verify_command(context: click.Context, names: tuple[str, ...]) -> None:
    """Hash weights in the store again [all that are there]; exit code 1 on a mismatch."""
    from gcdp_bench.cli.display import Display
    from gcdp_bench.extractors.registry import weights_home
    from gcdp_bench.extractors.store import verify_weights

    checks = verify_weights(names, Display())
    for check in checks:
        click.echo(f"{check.name:22s} {STATES[check.state]:28s} {check.detail}")
    if not checks:
        click.echo(f"no weights in {weights_home()}; see `gcdp-bench weights list`")
    if any(check.state == "mismatch" for check in checks):
        context.exit(1)


@command.command(name="add")
@click.argument("name", type=WEIGHTS, metavar="NAME")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--download", is_flag=True, help="Fetch it through the library that owns it.")
@click.option(
    "--replace", is_flag=True, help="Accept other weights than those that were added first."
)
def add_command(name: str, path: Path | None, download: bool, replace: bool) -> None:
    """Check the weights NAME, from PATH or downloaded, and copy them into the store."""
    from gcdp_bench.cli.display import Display
    from gcdp_bench.extractors.download import fetch_from_owner
    from gcdp_bench.extractors.registry import stored_path
    from gcdp_bench.extractors.store import add_weights, download_weights

    if (path is None) != download:
        raise click.UsageError("expected either PATH or --download")
    if path is None:
        digests = download_weights(
            name, fetch=fetch_from_owner, replace=replace, progress=Display()
        )
    else:
        digests = add_weights(name, path, replace=replace, progress=Display())
    for file, digest in digests.items():
        click.echo(f"{digest}  {file}")
    click.echo(f"{name}: in {stored_path(name)}")


STATES = {
    "published": "as published",
    "recorded": "as when it was first added",
    "unknown": "nothing to compare with",
    "mismatch": "MISMATCH",
}


def _print_published(entry: Published) -> None:
    spec = entry.spec
    known = "not published"
    if spec.sha256 is not None:
        known = spec.sha256 if len(spec.sha256) == 64 else f"{spec.sha256}... (published digits)"
    if entry.recorded:
        known += f"; added first as {entry.recorded}"
    state = f"present, {entry.num_bytes} bytes" if entry.present else "missing"
    click.echo(f"{spec.name}: {state}")
    for label, text in (
        ("for", spec.purpose),
        ("licence", spec.licence),
        ("size", f"about {spec.about_mb} MB"),
        ("sha256", known),
        ("looked in", str(entry.path)),
        ("page", spec.page),
        ("get it", spec.how),
        ("then", f"gcdp-bench weights add {spec.name} PATH"),
    ):
        click.echo(f"  {label:10s} {text}")
