"""Options of the networks that evaluate, as one object."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from gcdp_bench.cli.names import FEATURES, SEGMENTER, TrainedWeights
from gcdp_bench.cli.options import announce, device_option, parse_list

if TYPE_CHECKING:
    from gcdp_bench.extractors.bundle import ExtractorRequest
    from gcdp_bench.training.runs import Weights


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """Values of `evaluation_options`; a field has the name of its option."""

    extractors: Literal["pretrained", "standard"] = "pretrained"
    segmenters: tuple[str, ...] = ()  # the first is primary
    clip: Weights = None
    features: str | None = None  # comma-separated
    inception: Path | None = None
    dinov2: Path | None = None
    attributes: Weights = None
    device: str = "cpu"


def evaluation_options(function):
    """Options of the networks that evaluate; the command takes them as one `evaluation`."""

    @wraps(function)
    def command(*arguments, **options):
        given = {field.name: options.pop(field.name) for field in fields(EvaluationOptions)}
        return function(*arguments, evaluation=EvaluationOptions(**given), **options)

    for option in _OPTIONS:
        command = option(command)
    return command


_PATH = click.Path(path_type=Path)
_OPTIONS = (  # in the reverse order of --help
    device_option,
    click.option(
        "--attributes",
        type=TrainedWeights(),
        help="Run folder of a trained attribute classifier, for faces, or `pretrained` [the "
        "dataset's run].",
    ),
    click.option("--dinov2", type=_PATH, help="DINOv2 folder (features dinov2)."),
    click.option("--inception", type=_PATH, help="Inception-v3 weights (features tf1, ...)."),
    click.option(
        "--features",
        type=FEATURES,
        metavar="LIST",
        help="Features to compare distributions in, comma-separated, the first one for FID: "
        "hrnet, tf1, clean, torch, dinov2, cmmd [hrnet, or tf1 if standard].",
    ),
    click.option(
        "--clip",
        type=TrainedWeights(),
        help="CLIP weights, run folder, or `pretrained` [the dataset's run].",
    ),
    click.option(
        "--segmenter",
        "segmenters",
        type=SEGMENTER,
        multiple=True,
        metavar="FOLDER|FILE|NAME",
        help="Run folder of a trained segmenter, or `pretrained` [the dataset's run]; or "
        "hrnet-w48-cityscapes or its checkpoint, @native or @1024x2048 appended. Repeatable; "
        "the first is primary.",
    ),
    click.option(
        "--extractors",
        type=click.Choice(["pretrained", "standard"]),
        default="pretrained",
        show_default=True,
        help="Extractors: the small pretrained ones, or the field's standard ones.",
    ),
)


def extractor_request(
    evaluation: EvaluationOptions,
    dataset: str,
    *,
    attributed: bool,
    data_root: Path | None,
    pretrained: bool = False,
    elsewhere: bool = False,
) -> ExtractorRequest:
    """The extractors that `evaluation` names; a line of each is printed.

    Attribute recall is measured where the dataset has attributes; a missing classifier is said and
    the other metrics are measured.

    Args:
        evaluation: options of the command.
        dataset: name or folder.
        attributed: whether its images have attributes.
        data_root: `--data-root`.
        pretrained: whether those that are not given are the pretrained ones.
        elsewhere: whether they run on other machines, whose devices are not known here.

    Returns:
        A request that finds the same networks again, in other processes too.

    Raises:
        click.BadParameter: `--features` repeats a name or is empty.
        ValueError: it has an unknown one, this machine lacks the device, a classifier is given for
            a dataset without attributes, or a run is of other data.
        FileNotFoundError: networks are missing.
    """
    from gcdp_bench.core.device import check_device
    from gcdp_bench.datasets.identities import dataset_identity
    from gcdp_bench.extractors.bundle import ExtractorRequest, find_networks
    from gcdp_bench.extractors.trained import ATTRIBUTES
    from gcdp_bench.training.runs import PRETRAINED, find_run

    if not elsewhere:
        check_device(evaluation.device)
    identity = dataset_identity(dataset, data_root=data_root)
    usual = PRETRAINED if pretrained else None
    if evaluation.attributes is not None and not attributed:
        raise ValueError(
            f"--attributes: {dataset} has no attributes to evaluate; leave the option out, or for "
            "celeba add CelebAMask-HQ-attribute-anno.txt to its folder"
        )
    if attributed and evaluation.attributes is None:
        try:
            find_run(ATTRIBUTES, identity, usual)
        except FileNotFoundError as error:
            attributed = False
            click.echo(f"Attribute recall is not measured: {error}", err=True)
    usual_small = usual if evaluation.extractors == "pretrained" else None
    names = evaluation.features
    request = ExtractorRequest(
        dataset=identity,
        kind=evaluation.extractors,
        segmenter=evaluation.segmenters[0] if evaluation.segmenters else usual_small,
        other_segmenters=evaluation.segmenters[1:],
        clip=evaluation.clip or usual_small,
        features=None if names is None else parse_list(names, str, "--features"),
        inception=evaluation.inception,
        dinov2=evaluation.dinov2,
        use_attributes=attributed,
        attributes=(evaluation.attributes or usual) if attributed else None,
        device=evaluation.device,
    )
    networks = find_networks(request)
    announce(networks)
    return networks.pinned(request)
