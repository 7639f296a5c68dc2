"""The table of all metrics in docs/reference/metrics.md, from the registry."""

from __future__ import annotations

from gcdp_bench.metrics.metric import Definition, Metric
from gcdp_bench.metrics.registry import METRICS

ARROWS = {True: " ↑", False: " ↓", None: ""}
KINDS = {
    "features": "feature network",
    "segmenter": "segmenter",
    "clip": "CLIP",
    "attributes": "attribute classifier",
    "none": "none",
}


def metric_table() -> str:
    """A line per metric: its values, its network and the arguments of its function."""
    head = "| metric | values | network | computed from |\n|---|---|---|---|\n"
    return head + "".join(map(_line, METRICS))


def _line(metric: Metric) -> str:
    values = ", ".join(_value(name, one) for name, one in metric.definitions.items())
    needs = ", ".join(f"`{need}`" for need in metric.needs)
    return f"| {metric.name} | {values} | {KINDS[metric.network]} | {needs} |\n"


def _value(name: str, definition: Definition) -> str:
    version = "" if definition.version == "1" else f" (version {definition.version})"
    return f"`{name}`{ARROWS[definition.higher_is_better]}{version}"
