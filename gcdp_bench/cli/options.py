"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcdp_bench.cli.names import DATASET, DEVICE
from gcdp_bench.core.sampling_config import PRECISIONS, SAMPLERS, SOLVERS, parse_interval

if TYPE_CHECKING:
    from gcdp_bench.datasets.sizes import SizeChoice
    from gcdp_bench.training.runs import Weights

dataset_option = click.option(
    "--dataset",
    type=DATASET,
    required=True,
    metavar="NAME|FOLDER",
    help="Dataset by name (synth-city-25, camvid, ...) or a folder of your own.",
)
optional_dataset_option = click.option(
    "--dataset",
    type=DATASET,
    metavar="NAME|FOLDER",
    help="Dataset by name (synth-city-25, camvid, ...) or a folder of your own [the only one in "
    "the data root, else synth-city-25].",
)
data_root_option = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    help="Folder of the dataset's files [the environment variable GCDP_DATA].",
)
exclude_option = click.option(
    "--exclude",
    type=click.Path(path_type=Path),
    help="Leave out the faulty items that `data check --faulty FILE` listed.",
)
resize_option = click.option(
    "--resize",
    type=click.Choice(["crop", "pad", "stretch"]),
    callback=lambda context, parameter, value: value or "none",
    help="Fit images of another shape: crop, pad with black bars or stretch [crop at most 5 %].",
)


count_denied_option = click.option(
    "--count-denied",
    is_flag=True,
    help='Count denied classes ("no cars") as prompted.',
)


def data_options(function):
    """Options of a dataset's files: `--resize`, `--exclude` and `--data-root`."""
    return resize_option(exclude_option(data_root_option(function)))


def size_options(function):
    """Options of the size of the images; `size_choice` reads them."""
    for option in (
        click.option("--width", type=click.IntRange(min=1), help="Width of the images in pixels."),
        click.option(
            "--size",
            metavar="HEIGHTxWIDTH",
            help="Size of the images [the preset's largest size of their shape that every network "
            "accepts].",
        ),
    ):
        function = option(function)
    return function


def size_choice(size: str | None, width: int | None) -> SizeChoice:
    """The choice that the values of `size_options` make.

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
    "--device",
    type=DEVICE,
    default="cpu",
    show_default=True,
    help="Where networks run: cpu, cuda, cuda:1.",
)


def weights_option(metavar: str = "PATH|pretrained"):
    """Option of the trained generators; `parse_weights` reads it."""
    return click.option(
        "--weights",
        multiple=True,
        metavar=metavar,
        help="Folder of a trained model, or `pretrained` [the dataset's run in runs/].",
    )


def parse_list(text: str, kind, name: str) -> tuple:
    """Comma-separated values.

    Raises:
        click.BadParameter: a part cannot be converted, repeats, or there is none.
    """
    try:
        values = tuple(kind(part.strip()) for part in text.split(","))
    except ValueError as error:
        raise click.BadParameter(
            f"expected comma-separated values, got {text!r}", param_hint=name
        ) from error
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


seeds_option = click.option(
    "--seeds",
    default="1",
    show_default=True,
    metavar="N|LIST",
    help="Number of sampling seeds (0 to N-1), or a list such as 0,7.",
)
sr_guidance_option = click.option(
    "--sr-guidance",
    type=float,
    default=1.0,
    show_default=True,
    help="Guidance of the super-resolution stage.",
)


def cascade_options(function):
    """Sampling options of a cascade; see `gcdp_bench.core.sampling_config`."""
    for option in (
        sr_guidance_option,
        click.option(
            "--sr-steps",
            type=click.IntRange(min=1),
            help="Steps of the super-resolution stage [--steps].",
        ),
        click.option("--steps", type=int, default=100, show_default=True, help="Sampling steps."),
    ):
        function = option(function)
    return function


class NoiseInterval(click.ParamType):
    """LOW:HIGH of noise levels, or none, as it was given; `parse_interval` reads it."""

    name = "LOW:HIGH"

    def convert(self, value: str, param, ctx) -> str:
        """The text, checked."""
        try:
            parse_interval(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


def sampling_options(function):
    """Sampling options of every generator: `cascade_options`, and those of other models."""
    sampler = click.option(
        "--sampler",
        type=click.Choice(SAMPLERS),
        help="Sampler of the images of a diffusion model; layouts are drawn alike with each "
        "[ancestral; LDM: dpm-solver++].",
    )
    solver = click.option(
        "--solver",
        type=click.Choice(SOLVERS),
        help="Sampler of LDM alone [--sampler].",
    )
    interval = click.option(
        "--guidance-interval",
        type=NoiseInterval(),
        default="none",
        show_default=True,
        help="Noise levels sigma in (LOW, HIGH] at which guidance acts, such as 0.3:5; at the "
        "others it is 1 and saves a pass; none: at every level (reference and imagen only).",
    )
    compiled = click.option(
        "--compile",
        is_flag=True,
        help="Compile the networks before the first batch: minutes on a CPU, for samples in about "
        "four fifths of the time; worth it above some hundred images.",
    )
    precision = click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default="float32",
        show_default=True,
        help="Arithmetic of the sampling networks; bf16 needs a device with units for it.",
    )
    return cascade_options(sampler(interval(solver(precision(compiled(function))))))


def png_option(function):
    """`--png-level`."""
    return click.option(
        "--png-level",
        type=click.IntRange(0, 9),
        default=1,
        show_default=True,
        help="Compression of PNG files: 1 is fast, 9 small; the pixels are the same.",
    )(function)


def dataset_or_default(given: str | None, data_root: Path | None) -> str:
    """`--dataset`, else the default, which is printed.

    Raises:
        ValueError: there are several to choose from.
    """
    from gcdp_bench.datasets.defaults import default_dataset

    if given is not None:
        return given
    name, line = default_dataset(data_root)
    click.echo(line)
    return name


def results_or_default(given: Path | None) -> Path:
    """RESULTS, else the default, which is printed.

    Raises:
        ValueError: there are several to choose from.
    """
    from gcdp_bench.datasets.defaults import default_results

    if given is not None:
        return given
    folder, line = default_results()
    click.echo(line)
    return folder


def announce(*networks: object) -> None:
    """Print the networks that are used, one per line: path, steps trained, dataset."""
    for network in networks:
        click.echo(str(network), err=True)


def parse_models(text: str) -> tuple[tuple[str, ...], dict[str, Weights]]:
    """Names of generators, and the code of those that are given as code, see `spec.FORMS`.

    Args:
        text: comma-separated, see `names.MODELS`.

    Raises:
        click.BadParameter: a name repeats.
    """
    from gcdp_bench.training.networks import Code

    parts = [part.partition("=") for part in parse_list(text, str, "--models")]
    names = parse_list(",".join(name for name, _, _ in parts), str, "--models")
    return names, {name: Code(place) for name, equals, place in parts if equals}


def parse_weights(
    texts: Sequence[str],
    models: Sequence[str],
    *,
    others: Sequence[str] = (),
    code: Mapping[str, Weights] | None = None,
) -> dict[str, Weights]:
    """Weights by model, of MODEL=PATH, MODEL=pretrained, or `pretrained` for all of `models`.

    Where there is but one model, PATH alone is its weights.

    Args:
        texts: of the option.
        models: that take part.
        others: that may be named although they take no part.
        code: of models that have no weights, see `parse_models`; part of the result.

    Raises:
        click.BadParameter: another form.
        ValueError: another model, or one that is given twice.
    """
    from gcdp_bench.generators.registry import NETWORKS
    from gcdp_bench.training.runs import PRETRAINED, as_weights

    code = code or {}
    parsed: dict[str, Weights] = {}
    for text in texts:
        model, separator, path = text.partition("=")
        if not separator or (len(models) == 1 and model not in (*models, *NETWORKS)):
            if text != PRETRAINED and len(models) != 1:
                raise click.BadParameter(
                    f"expected MODEL=PATH, MODEL=pretrained or pretrained, got {text!r}",
                    param_hint="--weights",
                )
            named = [name for name in models if text != PRETRAINED or name not in code]
            path = text
        else:
            named = [model]
        for name in named:
            if name not in (*models, *others):
                expected = f"expected weights of {', '.join(models)}"
                raise ValueError(f"--weights: {expected}, got {text!r}")
            if name in code:
                raise ValueError(
                    f"--weights: {name}: expected code or weights, got both; leave the "
                    "option out: given code loads its own"
                )
            if name in parsed:
                raise ValueError(f"--weights: expected those of {name} once, got {text!r} too")
            parsed[name] = as_weights(path)
    return {**parsed, **code}
