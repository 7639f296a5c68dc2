"""The parts that a command needs, from its options."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gcdp_bench.cli.evaluation_options import EvaluationOptions

if TYPE_CHECKING:
    from gcdp_bench.diagnostics.missing import Missing, Wanted

EVALUATORS = {field.name for field in fields(EvaluationOptions)} - {"device"}
"""Options that choose the networks that evaluate."""


def wanted_by(
    dataset: str,
    generators: Mapping[str, Any],
    evaluation: EvaluationOptions,
    *,
    data_root: Path | None,
    pretrained: bool = False,
    preset: str = "tiny",
) -> Wanted:
    """The parts that a sweep of a dataset needs.

    Args:
        dataset: name or folder.
        generators: name -> weights as given, see `runs.find_run`.
        evaluation: options of the networks that evaluate.
        data_root: `--data-root`.
        pretrained: whether networks that are not given are those that ship.
        preset: of what is to be trained.
    """
    from gcdp_bench.datasets.identity import family
    from gcdp_bench.diagnostics.missing import Wanted, usual_evaluators
    from gcdp_bench.extractors.names import DEFAULT_FEATURES, FID_PROTOCOLS, HRNET, split_resize
    from gcdp_bench.training.runs import PRETRAINED, as_weights

    usual = PRETRAINED if pretrained else None
    kind = evaluation.extractors
    trained: dict[str, Any] = {}
    published: dict[str, Any] = {}
    own = HRNET if kind == "standard" and family(dataset) == "cityscapes" else None
    for given in evaluation.segmenters or (own,):
        name, _ = (None, "") if given is None else split_resize(given)
        if name == HRNET:
            published[HRNET] = None
        elif name is None or not Path(name).is_file():
            trained["segmenter"] = as_weights(name) or usual
    clip = evaluation.clip
    if kind == "standard":
        published["clip-vit-l-14-336"] = clip
    else:
        trained["clip"] = clip or usual
    text = evaluation.features
    features = DEFAULT_FEATURES[kind] if text is None else tuple(p.strip() for p in text.split(","))
    if set(features) & set(FID_PROTOCOLS):
        published["inception-v3"] = evaluation.inception
    if "dinov2" in features:
        published["dinov2-vit-l-14"] = evaluation.dinov2
    if "attributes" in usual_evaluators(dataset, data_root):
        trained["attributes"] = evaluation.attributes or usual
    return Wanted(
        generators=tuple(generators.items()),
        evaluators=tuple(trained.items()),
        published=tuple(published.items()),
        preset=preset,
    )


def typed_command(context: click.Context, *without: str) -> str:
    """The command as it was typed, without some of its options."""
    words = _typed(context, lambda name: name not in without)
    return shlex.join(["gcdp-bench", str(context.info_name), *words])


def typed_choices(context: click.Context) -> str:
    """The options that chose generators and evaluating networks, as they were typed."""
    chosen = {"models", "preset", *EVALUATORS}
    return shlex.join(_typed(context, lambda name: name in chosen))


def sweep_choices(context: click.Context) -> str:
    """The same for a sweep, which trains nothing."""
    chosen = {"models", *EVALUATORS}
    return shlex.join(_typed(context, lambda name: name in chosen))


def _typed(context: click.Context, wanted: Callable[[str], bool]) -> list[str]:
    words: list[str] = []
    for parameter in context.command.params:
        name = str(parameter.name)
        if context.get_parameter_source(name) != ParameterSource.COMMANDLINE or not wanted(name):
            continue
        value = context.params[name]
        for one in value if isinstance(value, tuple) else [value]:
            words += parameter.opts[:1] if one is True else [parameter.opts[0], str(one)]
    return words


def show_missing(
    context: click.Context,
    missing: list[Missing],
    dataset: str,
    goal: str,
    path: Path | None,
    *,
    force: bool = False,
) -> None:
    """Print the list and the script, or write the script.

    Args:
        context: of the command.
        missing: see `missing.missing_for`.
        dataset: as it was given.
        goal: the command that can be run then.
        path: of the script; None: it is printed.
        force: overwrite the file.

    Raises:
        FileExistsError: there is a file at `path`, and `force` is off.
    """
    from gcdp_bench.diagnostics.missing import items, listing, script
    from gcdp_bench.io.atomic import replacing

    if path is None:
        click.echo(listing(missing, dataset, typed_choices(context)))
        if missing:
            click.echo("\n" + script(missing, goal).rstrip())
        return
    if path.exists() and not force:
        raise FileExistsError(
            f"{path}: expected a new file, found one; choose another name, or overwrite it with "
            "--force"
        )
    click.echo(items(missing, dataset))
    with replacing(path) as temporary:
        temporary.write_text(script(missing, goal), encoding="utf-8")
    click.echo(f"script: {path}; look at it, then run it: sh {shlex.quote(str(path))}")


def taken_samples(
    command: str,
    dataset: str,
    split: str,
    given: int | None,
    *,
    data_root: Path | None,
    exclude: Path | None = None,
) -> int:
    """See `manage.choose_samples`; fewer than usual are said on stderr.

    Raises:
        ValueError: the split has fewer than are given.
    """
    from gcdp_bench.datasets.manage import choose_samples

    chosen = choose_samples(command, dataset, split, given, data_root=data_root, exclude=exclude)
    if chosen.fault:
        raise ValueError(chosen.fault)
    if chosen.note:
        click.echo(chosen.note, err=True)
    return chosen.num
