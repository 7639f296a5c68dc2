"""Definitions by the names of values: the benchmark's, and those of installed packages."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from typing import cast

from gcdp_bench.core import plugins
from gcdp_bench.core.members import takes
from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.definitions.definition import NOT_NEGATIVE, Definition
from gcdp_bench.metrics.metric import Metric, Network
from gcdp_bench.metrics.registry import DEFINITIONS, METRICS


def installed_metrics() -> tuple[Metric, ...]:
    """Metrics of installed packages, which are imported.

    Raises:
        ValueError: one cannot be imported or is malformed; names package, entry point and remedy.
    """
    return tuple(installed_metric(name) for name in sorted(plugins.named(plugins.METRICS)))


def installed_metric(name: str) -> Metric:
    """The metric behind an entry point, checked.

    Raises:
        ValueError: it cannot be imported or is malformed; names package, entry point and remedy.
    """
    own = {*DEFINITIONS, *(metric.name for metric in METRICS)}
    metric = plugins.load(plugins.METRICS, name, builtin=own)
    if not isinstance(metric, Metric):
        raise ValueError(
            f"{_where(name)}: expected a gcdp_bench.metrics.metric.Metric, got "
            f"{type(metric).__name__}; point the entry point at one"
        )
    taken = [value for value in metric.definitions if value in DEFINITIONS]
    foreign = [value for value in metric.definitions if not _belongs(value, name)]
    if metric.name != name or foreign or taken or not metric.definitions:
        raise ValueError(
            f"{_where(name)}: expected a metric {name} with definitions of {name}, {name}-..., "
            f"{name}_... or {name}@..., of which gcdp-bench has none itself; got metric "
            f"{metric.name} with definitions of {', '.join(metric.definitions) or 'nothing'}; "
            "rename them"
        )
    if not takes(metric.fn, len(metric.needs)):
        raise ValueError(
            f"{_where(name)}: expected a function of {', '.join(metric.needs)}, got {metric.fn!r}; "
            "let its arguments be the metric's needs, in order"
        )
    return metric


def all_metrics() -> tuple[Metric, ...]:
    """The benchmark's metrics, then those of installed packages, which are imported.

    Raises:
        ValueError: as `installed_metrics`.
    """
    return (*METRICS, *installed_metrics())


def reference_values() -> frozenset[str]:
    """Names of the values that compare images with real ones; they take the longest."""
    own = [metric for metric in all_metrics() if metric.context == "reference"]
    return frozenset(value for metric in own for value in metric.definitions)


def find_definition(value: str) -> Definition | None:
    """Definition of a value; imports the package whose metric it is.

    Returns:
        None if nothing has it, or if that package cannot be used, see `problem_of`.
    """
    try:
        return _find_definition(value)
    except ValueError:
        return None


def problem_of(value: str) -> str:
    """Why the definition of a value cannot be read from its package; "": it can, or has none."""
    try:
        _find_definition(value)
    except ValueError as error:
        return str(error)
    return ""


def lookup(value: str) -> Definition:
    """Definition of a value.

    Raises:
        ValueError: no such value (the nearest names and all names are given), or its package cannot
            be used.
    """
    definition = _find_definition(value)
    if definition is not None:
        return definition
    known = [*DEFINITIONS, *plugins.named(plugins.METRICS)]
    relatives = [name for name in known if name.startswith(f"{value}-")]
    near = relatives or difflib.get_close_matches(value, known, n=3)
    hint = f"did you mean {', '.join(near)}? " if near else ""
    raise ValueError(f"unknown metric {value!r}; {hint}known: {', '.join(known)}")


@contextmanager
def blamed(metric: Metric) -> Iterator[None]:
    """Name the package where the function of its metric fails.

    Raises:
        ValueError: in place of what an installed package raises.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if metric.name not in plugins.named(plugins.METRICS):
            raise
        raise ValueError(
            f"{_named(metric)}: expected values, got {plugins.failure(error)}; correct the "
            "package, or uninstall it"
        ) from error


def check_values(values: object, metric: Metric) -> Sequence[MetricValue]:
    """Return the values of a metric's function, if they are values of its definitions.

    Raises:
        ValueError: it is not; names the metric, its package and the remedy.
    """
    if problem := _fault_of(values, metric):
        raise ValueError(f"{_named(metric)}: expected {problem}; correct its function")
    return cast("Sequence[MetricValue]", values)


def _named(metric: Metric) -> str:
    package = plugins.named(plugins.METRICS).get(metric.name)
    return f"metric {metric.name}" + (f" ({plugins.package_of(package)})" if package else "")


def _fault_of(values: object, metric: Metric) -> str:
    """Expected and actual form of a metric's values; "": they are as expected."""
    if not isinstance(values, (list, tuple)):
        return f"a list of MetricValue, got {type(values).__name__}"
    for value in values:
        if not isinstance(value, MetricValue):
            return f"a list of MetricValue, got {type(value).__name__} in it"
        if value.metric not in metric.definitions:
            return (
                f"values of {', '.join(metric.definitions)}, got {value.metric}; add its definition"
            )
        if not isinstance(value.class_name, str):
            return f'a class name or "all", got {value.class_name!r}'
        numbers = (value.value, value.ci_low, value.ci_high, value.corrected)
        for number in numbers:
            if not isinstance(number, Real) or math.isinf(number):
                return f"finite numbers or NaN of {value.metric}, got {number!r}"
        if not isinstance(value.num_samples, Integral):
            return f"a whole number of samples of {value.metric}, got {value.num_samples!r}"
    return ""


def bounds_of(value: str) -> tuple[float, float]:
    """Least and largest number that a value's quantity can be; infinite where unknown.

    Args:
        value: as in the `metric` column, or "fid" for the distance in the primary features.
    """
    if value == "fid":
        return NOT_NEGATIVE
    definition = find_definition(value)
    return (-math.inf, math.inf) if definition is None else definition.bounds


def definition_version(value: str) -> str | None:
    """Version of a value's definition today: "1", "2", ...; None where nothing defines it."""
    definition = find_definition(value)
    return None if definition is None else definition.version


def values_of(network: Network, protocol: str = "") -> tuple[str, ...]:
    """Names of the values with a better direction that are computed of a kind of network.

    Args:
        network: the kind.
        protocol: of features; "": of any.

    Returns:
        Names without variants such as "@1%".
    """
    own = [metric for metric in all_metrics() if metric.network == network]
    return tuple(name for metric in own for name in _directed(metric, protocol))


def values_beside(value: str) -> tuple[str, ...]:
    """Names of the values that rest on the same as a value of a pass over images: those of its
    function with a better direction, in the same features; without variants such as "@1%"."""
    metric = next(metric for metric in all_metrics() if value in metric.definitions)
    protocol = value.rpartition("-")[2] if metric.protocols else ""
    return _directed(metric, protocol)


def _directed(metric: Metric, protocol: str) -> tuple[str, ...]:
    names = (
        name.partition("@")[0]
        for name, definition in metric.definitions.items()
        if definition.higher_is_better is not None
    )
    return tuple(dict.fromkeys(name for name in names if protocol in ("", name.rpartition("-")[2])))


def is_percent(value: str) -> bool:
    """Whether people read it in percent."""
    definition = find_definition(value)
    return definition is not None and definition.percent


def _find_definition(value: str) -> Definition | None:
    """Definition of a value, None if nothing has it.

    Raises:
        ValueError: the package whose metric it is cannot be imported, or the metric is malformed.
    """
    if value in DEFINITIONS:
        return DEFINITIONS[value]
    name = _owner(value)
    return None if name is None else installed_metric(name).definitions.get(value)


def _owner(value: str) -> str | None:
    """Entry point whose values have this name: its own, alone or with an ending."""
    names = [name for name in plugins.named(plugins.METRICS) if _belongs(value, name)]
    return max(names, key=len, default=None)


def _belongs(value: str, name: str) -> bool:
    return re.fullmatch(f"{re.escape(name)}([-_@].+)?", value) is not None


def _where(name: str) -> str:
    return plugins.described(plugins.named(plugins.METRICS)[name])
