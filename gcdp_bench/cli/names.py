"""Names on the command line, refused while it is parsed: before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gcdp_bench.training.runs import Weights


class Name(click.ParamType):
    """Text that a check accepts."""

    def __init__(self, name: str, check: Callable[[str], object]):
        self.name = name
        self._check = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself.

        Raises:
            ValueError: the check refuses it.
        """
        self._check(value)
        return value


class TrainedWeights(click.ParamType):
    """A folder or file of weights, or "pretrained"."""

    name = "path"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Weights:
        """See `runs.as_weights`."""
        from gcdp_bench.training.runs import as_weights

        return as_weights(value) if isinstance(value, str) else value


def _dataset(name: str) -> None:
    from gcdp_bench.datasets.registry import check_dataset

    check_dataset(name)


def _generator(name: str) -> None:
    from gcdp_bench.generators.registry import check_generator

    check_generator(name)


def _models(text: str) -> None:
    for part in _parts(text):
        _model(part)


def _model(text: str) -> None:
    from gcdp_bench.generators.registry import check_generator, generator_names
    from gcdp_bench.generators.spec import FORMS, check_code
    from gcdp_bench.training.networks import Code

    name, equals, place = text.partition("=")
    if not equals:
        if ":" in name:
            raise ValueError(
                f"expected a generator by name, or {FORMS} with a name of your own, got {name}; "
                f"give mine={name}"
            )
        check_generator(name)
        return
    check_code(name, Code(place))
    if name in generator_names():
        raise ValueError(f"{text}: {name} is a generator already; choose another name")


def _features(text: str) -> None:
    from gcdp_bench.extractors.names import check_features

    check_features(_parts(text))


def _segmenter(text: str) -> None:
    from gcdp_bench.extractors.names import check_segmenter

    check_segmenter(text, "pretrained")


def _weights(name: str) -> None:
    from gcdp_bench.extractors.registry import weight_spec

    weight_spec(name)


def _condition(text: str) -> None:
    from gcdp_bench.results.schema import COLUMNS, RENAMED

    field, separator, _ = text.partition("=")
    if not separator or field not in {*COLUMNS, *RENAMED}:
        raise ValueError(
            f"--only: expected FIELD=VALUE with a column of the results ({', '.join(COLUMNS)}), "
            f"got {text!r}"
        )


def _device(name: str) -> None:
    from gcdp_bench.core.device import check_name

    check_name(name)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


DATASET = Name("dataset", _dataset)
GENERATOR = Name("model", _generator)
MODEL, MODELS = Name("model", _model), Name("models", _models)
"""Generators by name, or as NAME=module:factory or NAME=path/to/file.py:factory."""
FEATURES, SEGMENTER = Name("features", _features), Name("segmenter", _segmenter)
WEIGHTS = Name("weights", _weights)
DEVICE = Name("device", _device)
CONDITION = Name("condition", _condition)


def generator_option(flag: str, default: str, text: str):
    """An option that names a generator."""
    return click.option(flag, type=GENERATOR, default=default, show_default=True, help=text)
