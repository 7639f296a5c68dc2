"""Which version of a metric's definition a row was measured by.

Values of two versions are not one quantity: they never stand in one table. A version rises with
everything that moves the value for the same images, layouts, captions and networks: how captions
are read, a threshold, a formula. Another network, another resize before it or another precision is
not a version: `extractors`, `resizer` and `precision` say it.
"""

from __future__ import annotations

from collections.abc import Mapping

from gcdp_bench.metrics.definitions.captions import CLASS_METRICS

READING = (
    'what captions deny ("no cars") is not prompted unless the dataset says so; irregular plurals, '
    "names with brackets or underscores, accents of both forms and scripts without blanks are found"
)

CHANGES: Mapping[str, tuple[str, ...]] = dict.fromkeys(CLASS_METRICS, (READING,))
"""Value of the `metric` column -> what changed with version "2", "3", ...; a metric that is not
here has the version "1"."""


def definition_version(metric: str) -> str:
    """Version of a metric's definition today: "1", "2", ..."""
    return str(1 + len(CHANGES.get(metric, ())))
