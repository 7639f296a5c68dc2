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


def sampling_options(function):
    """Steps and guidance of the cascade's stages."""
    for option in (
        click.option(
            "--sr-guidance",
            type=float,
            default=1.0,
            show_default=True,
            help="Guidance of the super-resolution stage.",
        ),
        click.option("--sr-steps", type=int, help="Steps of the super-resolution stage [--steps]."),
        click.option("--steps", type=int, default=100, show_default=True, help="Sampling steps."),
    ):
        function = option(function)
    return function


def extractor_options(function):
    """Which networks judge."""
    path = click.Path(path_type=Path)
    for option in (
        click.option("--inception", type=path, help="Inception-v3 weights (standard)."),
        click.option("--clip", type=path, help="CLIP weights or run folder."),
        click.option("--segmenter", type=path, help="Run folder of a trained segmenter."),
        click.option(
            "--extractors",
            type=click.Choice(["shipped", "standard"]),
            default="shipped",
            show_default=True,
            help="Judges: the small shipped ones, or the field's standard ones.",
        ),
    ):
        function = option(function)
    return function


def parse_weights(pairs: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """MODEL=FOLDER pairs.

    Raises:
        click.BadParameter: a pair has no "=".
    """
    parsed = []
    for pair in pairs:
        model, separator, folder = pair.partition("=")
        if not separator:
            raise click.BadParameter(f"expected MODEL=FOLDER, got {pair!r}", param_hint="--weights")
        parsed.append((model, Path(folder)))
    return tuple(parsed)
