"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcdp_bench.cli.names import DATASET, FEATURES, SEGMENTER

if TYPE_CHECKING:
    from gcdp_bench.datasets.sizes import SizeChoice
    from gcdp_bench.extractors.bundle import JudgeRequest

JUDGES = "gcdp_bench.judges"
"""Where a command's context keeps the values of `extractor_options`."""

dataset_option = click.option(
    "--dataset",
    type=DATASET,
    required=True,
    metavar="NAME|FOLDER",
    help="Dataset by name (synth-city-25, camvid, ...) or a folder of your own.",
)
data_root_option = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    help="Folder of the dataset's files (else the environment variable GCDP_DATA).",
)
quarantine_option = click.option(
    "--quarantine",
    type=click.Path(path_type=Path),
    help="Leave out the faulty items that `data check --quarantine FILE` listed.",
)


resize_option = click.option(
    "--resize",
    type=click.Choice(["crop", "pad", "stretch"]),
    callback=lambda context, parameter, value: value or "none",
    help="How images of another shape get theirs: cut, with black bars, or squeezed [they are cut "
    "by at most 5 %].",
)


def data_options(function):
    """How a dataset's files are read: `--resize`, `--quarantine` and `--data-root`."""
    return resize_option(quarantine_option(data_root_option(function)))


def size_options(function):
    """At which size a network is trained; `size_choice` reads them."""
    for option in (
        click.option("--width", type=click.IntRange(min=1), help="Width of the images in pixels."),
        click.option(
            "--size",
            metavar="HEIGHTxWIDTH",
            help="Size of the images [the largest of the preset for their shape that every network "
            "passes].",
        ),
    ):
        function = option(function)
    return function


def size_choice(size: str | None, width: int | None) -> SizeChoice:
    """What the values of `size_options` ask for.

    Raises:
        click.UsageError: both are given.
        click.BadParameter: no HEIGHTxWIDTH.
    """
    from gcdp_bench.datasets.sizes import SizeChoice, parse_size

    if size is not None and width is not None:
        raise click.UsageError("--size and --width exclude each other")
    try:
        return SizeChoice(None if size is None else parse_size(size), width)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--size") from error


device_option = click.option(
    "--device", default="cpu", show_default=True, help="Where the model runs: cpu, cuda, cuda:1."
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


def parse_seeds(text: str) -> tuple[int, ...]:
    """`3` is three seeds, 0 to 2; `5,` and `0,7` are the seeds themselves.

    Raises:
        click.BadParameter: not whole numbers from 0 on, a repeated one, or a count below 1.
    """
    if "," not in text:
        (count,) = parse_list(text, int, "--seeds")
        if count < 1:
            raise click.BadParameter(
                f"expected a number of seeds from 1 on, or a list such as 0,7; got {text!r}",
                param_hint="--seeds",
            )
        return tuple(range(count))
    seeds = parse_list(text.removesuffix(","), int, "--seeds")
    if min(seeds) < 0:
        raise click.BadParameter(f"expected seeds from 0 on, got {text!r}", param_hint="--seeds")
    return seeds


def cascade_options(function):
    """How a cascade is sampled: see `gcdp_bench.sampling`."""
    for option in (
        click.option(
            "--sr-guidance",
            type=float,
            default=1.0,
            show_default=True,
            help="Guidance of the super-resolution stage.",
        ),
        click.option(
            "--sr-steps",
            type=click.IntRange(min=1),
            help="Steps of the super-resolution stage [--steps].",
        ),
        click.option("--steps", type=int, default=100, show_default=True, help="Sampling steps."),
    ):
        function = option(function)
    return function


def sampling_options(function):
    """How generators are sampled: `cascade_options`, and those of other models."""
    solver = click.option(
        "--solver",
        type=click.Choice(["dpm-solver++", "ddim"]),
        default="dpm-solver++",
        show_default=True,
        help="Of ldm.",
    )
    return cascade_options(solver(function))


def _judging(*names: str, **settings):
    """An option whose value `judge_request` reads from the command's context."""

    def keep(context: click.Context, parameter: click.Parameter, value):
        context.meta.setdefault(JUDGES, {})[parameter.name] = value

    return click.option(*names, expose_value=False, callback=keep, **settings)


def extractor_options(function):
    """Which networks judge; `judge_request` reads them."""
    path = click.Path(path_type=Path)
    for option in (
        _judging(
            "--device",
            default="cpu",
            show_default=True,
            help="Where generators and the standard judges run: cpu, cuda, cuda:1.",
        ),
        _judging(
            "--attributes",
            type=path,
            help="Run folder of a trained attribute classifier, for faces [the dataset's].",
        ),
        _judging("--dinov2", type=path, help="DINOv2 folder (features dinov2)."),
        _judging("--inception", type=path, help="Inception-v3 weights (features tf1, ...)."),
        _judging(
            "--features",
            type=FEATURES,
            metavar="LIST",
            help="Features to compare distributions in, comma-separated, the first one for FID: "
            "hrnet, tf1, clean, torch, dinov2, cmmd [hrnet, or tf1 if standard].",
        ),
        _judging("--clip", type=path, help="CLIP weights or run folder."),
        _judging(
            "--segmenter",
            "segmenters",
            type=SEGMENTER,
            multiple=True,
            metavar="FOLDER|FILE|NAME",
            help="Run folder of a trained segmenter; or hrnet-w48-cityscapes or its checkpoint, "
            "@native or @1024x2048 appended. Several: the first one judges, the others too.",
        ),
        _judging(
            "--extractors",
            type=click.Choice(["shipped", "standard"]),
            default="shipped",
            show_default=True,
            help="Judges: the small shipped ones, or the field's standard ones.",
        ),
    ):
        function = option(function)
    return function


def device_of(context: click.Context) -> str:
    """The device that the command's `extractor_options` name."""
    return context.meta[JUDGES]["device"]


def judge_request(context: click.Context, dataset: str, *, attributed: bool) -> JudgeRequest:
    """The judges that the command's `extractor_options` name.

    Attribute recall is measured where the dataset has attributes; a missing classifier is said and
    the other metrics are measured.

    Args:
        context: of the command.
        dataset: name or folder.
        attributed: whether its images have attributes.

    Raises:
        click.BadParameter: `--features` repeats a name or is empty.
        ValueError: it has an unknown one, or a classifier is given for a dataset without
            attributes.
    """
    from gcdp_bench.extractors.bundle import JudgeRequest
    from gcdp_bench.extractors.weights import find_judge

    given = context.meta[JUDGES]
    attributes, features, segmenters = (
        given[name] for name in ("attributes", "features", "segmenters")
    )
    if attributes is not None and not attributed:
        raise ValueError(
            f"--attributes: {dataset} has no attributes to judge; leave the option out, or for "
            "celeba add CelebAMask-HQ-attribute-anno.txt to its folder"
        )
    if attributed and attributes is None:
        try:
            attributes = find_judge("attributes", dataset, None)
        except FileNotFoundError as error:
            click.echo(f"Attribute recall is not measured: {error}", err=True)
    return JudgeRequest(
        dataset=dataset,
        kind=given["extractors"],
        segmenter=segmenters[0] if segmenters else None,
        other_segmenters=segmenters[1:],
        clip=given["clip"],
        features=None if features is None else parse_list(features, str, "--features"),
        inception=given["inception"],
        dinov2=given["dinov2"],
        use_attributes=attributes is not None,
        attributes=attributes,
        device=device_of(context),
    )


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
