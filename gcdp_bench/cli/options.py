"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

dataset_option = click.option(
    "--dataset",
    required=True,
    metavar="NAME|FOLDER",
    help="Dataset by name (synth-city-25, camvid, ...) or a folder of your own.",
)
data_root_option = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    help="Folder of the dataset's files (else the environment variable GCDP_DATA).",
)


def parse_list(text: str, kind, name: str) -> tuple:
    """Comma-separated values.

    Raises:
        click.BadParameter: a part cannot be converted, a value repeats, or there is none.
    """
    try:
        values = tuple(kind(part.strip()) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"expected comma-separated values, got {text!r}", param_hint=name)\
            from error  # fmt: skip
    if len(set(values)) != len(values):
        raise click.BadParameter(f"expected different values, got {text!r}", param_hint=name)
    return values
