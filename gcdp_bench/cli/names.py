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
    from gcdp_bench.generators.registry import generator_spec

    generator_spec(name)


def _generators(text: str) -> None:
    for name in _parts(text):
        _generator(name)


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


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


DATASET = Name("dataset", _dataset)
GENERATOR, GENERATORS = Name("model", _generator), Name("models", _generators)
FEATURES, SEGMENTER = Name("features", _features), Name("segmenter", _segmenter)
WEIGHTS = Name("weights", _weights)
CONDITION = Name("condition", _condition)


def generator_option(flag: str, default: str, text: str):
    """An option that names a generator."""
    return click.option(flag, type=GENERATOR, default=default, show_default=True, help=text)
