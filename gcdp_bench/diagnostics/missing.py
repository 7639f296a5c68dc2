"""Everything that is missing for a command, in one list, and the shell script that makes it.

Commands that need trained networks, the doctor and dry runs ask here, so that all of them name the
same things and the same remedy. Nothing is loaded: files are looked for.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gcdp_bench.core.config import read_table
from gcdp_bench.core.images import Size
from gcdp_bench.datasets.framing import by
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.datasets.manage import NOT_GIVEN, Samples, available_dataset
from gcdp_bench.datasets.registry import dataset_names, dataset_spec, has_attributes, is_folder
from gcdp_bench.extractors.registry import WEIGHTS, find_weights
from gcdp_bench.extractors.trained import EVALUATORS
from gcdp_bench.generators.registry import TEXT_ENCODER, GeneratorSpec, generator_spec
from gcdp_bench.training.networks import Network, train_command
from gcdp_bench.training.runs import Run, Weights, find_run

DATA, PUBLISHED, EVALUATOR, PART, GENERATOR = range(5)
"""Kinds of missing parts, in the order in which a script makes them."""


@dataclass(frozen=True)
class Missing:
    """Something that is needed and not there."""

    order: int  # see `DATA`
    name: str  # "celeba-25", "segmenter", "t5-large"
    purpose: str
    reason: str  # what was looked for, and where
    commands: tuple[str, ...]  # that make it, in their order
    required: bool = True  # without it the command can do nothing

    def __str__(self) -> str:
        return f"{self.name} ({self.purpose}): {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The parts that a command needs beside its dataset's files."""

    parts: tuple[tuple[Network, Weights], ...] = ()  # networks that one to be trained is built on
    generators: tuple[tuple[str, Weights], ...] = ()  # name -> as `runs.find_run`
    evaluators: tuple[tuple[str, Weights], ...] = ()  # the same
    published: tuple[tuple[str, Path | None], ...] = ()  # weights of the registry, or their path
    preset: str = "tiny"  # at which what is missing would be trained


def usual_evaluators(dataset: str, data_root: Path | None) -> tuple[str, ...]:
    """Networks that evaluate a dataset unless told otherwise."""
    try:
        attributed = has_attributes(dataset, data_root)
    except (FileNotFoundError, ValueError):  # by name, where the files are not there
        attributed = dataset in dataset_names() and dataset_spec(dataset).is_attributed
    return ("segmenter", "clip", *(("attributes",) if attributed else ()))


def missing_for(dataset: str, wanted: Wanted, *, data_root: Path | None = None) -> list[Missing]:
    """Missing parts, in the order in which they can be made.

    Args:
        dataset: name or folder.
        wanted: by the command.
        data_root: `--data-root`; None: the environment variable.

    Raises:
        ValueError: an unknown dataset, or one whose files are damaged.
    """
    found = list(_data(dataset, data_root))
    identity = dataset_identity(dataset, data_root=data_root)
    specs: list[tuple[GeneratorSpec, Weights]] = [
        (generator_spec(name, given), given) for name, given in wanted.generators
    ]
    size = _size_of(specs, wanted.evaluators, identity)
    for name, path in wanted.published:
        found += _published(name, path)
    for name, given in wanted.evaluators:
        purpose = f"evaluates {identity.family}"
        for one in _trained(EVALUATOR, EVALUATORS[name], given, identity, purpose, wanted.preset):
            found.append(replace(one, required=name != "attributes"))
    for part, given in wanted.parts:
        purpose = "what is trained is built on it"
        found += _trained(PART, part, given, identity, purpose, wanted.preset)
    for spec, given in specs:
        found += _generator(spec, given, identity, wanted.preset)
    if size is not None:
        found = [replace(one, commands=_at_size(one, size)) for one in found]
    return sorted(dict.fromkeys(found), key=lambda missing: missing.order)


def _size_of(
    generators: Sequence[tuple[GeneratorSpec, Weights]],
    evaluators: Sequence[tuple[str, Weights]],
    identity: DatasetIdentity,
) -> Size | None:
    """The one image size of what is there; None: of nothing, or of several."""
    sizes = {spec.image_size for spec, _ in generators}
    networks: list[tuple[Network, Weights]] = [*generators]
    for name, given in evaluators:
        networks.append((EVALUATORS[name], given))
    for network, given in networks:
        try:
            records = find_run(network, identity, given).records if network.files else {}
        except (FileNotFoundError, ValueError):
            continue
        if len(records) == (len(network.stages) or 1):  # without its last stage: of half the size
            sizes.add(list(records.values())[-1].image_size)
    known = sizes - {None}
    return known.pop() if len(known) == 1 else None


def _at_size(one: Missing, size: Size) -> tuple[str, ...]:
    """Commands of a missing network that train it for images of a size."""
    if one.order not in (EVALUATOR, PART, GENERATOR):
        return one.commands
    return tuple(f"{re.sub(' --width [0-9]+', '', c)} --size {by(size)}" for c in one.commands)


def too_few(samples: Samples) -> list[Missing]:
    """Captions that a split lacks, as one of the things that are missing."""
    if not samples.fault:
        return []
    name = f"--num-samples {samples.num}"
    return [Missing(DATA, name, "captions per point", samples.fault, ())]


def listing(missing: Sequence[Missing], dataset: str, options: str = "") -> str:
    """All that is missing, a line each, and the one remedy; see `remedy`."""
    if not missing:
        return items(missing, dataset)
    return f"{items(missing, dataset)}\nto make all of it: {remedy(dataset, options)}"


def items(missing: Sequence[Missing], dataset: str) -> str:
    """All that is missing, a line each."""
    if not missing:
        return f"{dataset}: nothing is missing"
    lines = [f"{dataset}: {len(missing)} missing:", *(f"- {one}" for one in missing)]
    return "\n".join(lines)


def remedy(dataset: str, options: str = "") -> str:
    """The command that every message names: it writes the script, to be looked at and run.

    Args:
        dataset: as it was given.
        options: that choose other networks than the usual ones.
    """
    words = " ".join(filter(None, [shlex.quote(dataset), options]))
    return f"`gcdp-bench doctor --for {words} --script make.sh`, then `sh make.sh`"


def sweep_command(dataset: str) -> str:
    """The sweep for which something is missing."""
    return f"gcdp-bench sweep --dataset {shlex.quote(dataset)}"


def script(missing: Sequence[Missing], goal: str) -> str:
    """Shell commands that make all of it, and then reach the goal.

    The script may be run again: what is finished is skipped, what was begun is continued.

    Args:
        missing: from `missing_for`.
        goal: command that can be run then.
    """
    lines = ["#!/bin/sh", f"# makes what is missing for: {goal}", "set -e"]
    done: dict[str, None] = {}
    for one in missing:
        lines.append(f"# {one.name}: {one.purpose}")
        for command in one.commands:
            if command not in done:
                lines.append(_repeatable(command))
            done[command] = None
    return "\n".join([*lines, goal, ""])


def _repeatable(command: str) -> str:
    """A command that skips what is there when it is run again."""
    words = shlex.split(command)[1:3]
    if command.startswith("gcdp-bench train "):
        return f"{command} --if-needed"
    if words == ["weights", "add"]:
        name = shlex.split(command)[3]
        return f"gcdp-bench weights verify {name} >/dev/null 2>&1 || {command}"
    return command


def refuse(dataset: str, missing: Sequence[Missing], options: str = "") -> None:
    """Stop where something is missing without which nothing can be done.

    Raises:
        FileNotFoundError: names all of it and the remedy.
    """
    if any(one.required for one in missing):
        raise FileNotFoundError(listing(missing, dataset, options))


def _data(dataset: str, data_root: Path | None) -> Iterator[Missing]:
    if is_folder(dataset) or dataset_spec(dataset).files is None:
        return
    found = available_dataset(dataset, data_root)
    if found.problem is None:
        return
    commands = (
        "# put its files below one folder (docs/reference/datasets.md), and name that folder here:",
        "export GCDP_DATA=${GCDP_DATA:?folder of the data}",
    )
    given = not found.problem.startswith(NOT_GIVEN)
    reason = found.problem if given else "pass --data-root FOLDER or set GCDP_DATA"
    yield Missing(DATA, dataset, "the data", reason, commands)


def _published(name: str, path: Path | None) -> Iterator[Missing]:
    if name == TEXT_ENCODER and path is not None and path.is_dir():
        return  # another T5 than that of the registry
    problem = _problem(lambda: find_weights(name, path))
    if problem:
        command = f"gcdp-bench weights add {name} --download"
        yield Missing(PUBLISHED, name, WEIGHTS[name].purpose, problem, (command,))


def _generator(
    spec: GeneratorSpec, given: Weights, identity: DatasetIdentity, preset: str
) -> Iterator[Missing]:
    """A generator with its parts, its stages and its text encoder."""
    if not spec.files:
        return
    try:
        run = find_run(spec, identity, given)
    except (FileNotFoundError, ValueError):
        for part in spec.parts:
            yield from _trained(PART, part, None, identity, f"{spec.name} is built on it", preset)
        yield from _trained(GENERATOR, spec, given, identity, "generator", preset)
        for name in spec.published if preset.startswith("paper-") else ():
            yield from _published(name, None)
        return
    for stage in spec.stages:
        if not (run.folder / stage / "config.json").is_file():
            command = f"{train_command(spec, identity)} --stage {stage}{_preset(preset, spec)}"
            reason = f"{run.folder} has no {stage}; without it images are of half the size"
            yield Missing(
                GENERATOR,
                f"{spec.name}, stage {stage}",
                "generator",
                reason,
                (command,),
                required=False,
            )
    yield from _encoder(run)


def _trained(
    order: int,
    network: Network,
    given: Weights,
    identity: DatasetIdentity,
    purpose: str,
    preset: str,
) -> Iterator[Missing]:
    problem = _problem(lambda: find_run(network, identity, given))
    if problem:
        reason = problem.partition("; train it with")[0].removeprefix(f"{network.name}: ")
        words = _evaluator_preset(preset) if order == EVALUATOR else _preset(preset, network)
        command = train_command(network, identity) + words
        yield Missing(order, network.name, purpose, reason, (command,))


def _encoder(run: Run) -> Iterator[Missing]:
    """Weights of the text encoder that a trained generator reads captions with."""
    own = run.folder / "config.json"
    for config in [own] if own.is_file() else sorted(run.folder.glob("*/config.json")):
        for table in read_table(config).get("task", {}).values():
            text = table.get("text") if isinstance(table, dict) else None
            if isinstance(text, dict) and text.get("encoder") == "t5":
                path = text.get("path")
                yield from _published(TEXT_ENCODER, None if path is None else Path(path))


def _preset(preset: str, network: Network) -> str:
    """The preset if the network has it, else its usual one."""
    known = preset != "tiny" and preset in network.presets
    return f" --preset {preset}" if known else ""


def _evaluator_preset(preset: str) -> str:
    """Preset of an evaluating network for images of a generator's preset: the same width."""
    if preset.startswith("paper-cityscapes"):
        return " --preset small --width 512"
    return "" if preset.startswith("tiny") else " --preset small"


def _problem(find: Callable[[], object]) -> str:
    """Why something is not found; "" where it is."""
    try:
        find()
    except (FileNotFoundError, ValueError) as error:  # ValueError: unfinished, or of other data
        return str(error)
    return ""
