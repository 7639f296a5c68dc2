"""Every value the benchmark itself writes, explained; imports no heavy package."""

from __future__ import annotations

from collections.abc import Mapping

from gcdp_bench.metrics.definitions.captions import (
    ATTRIBUTE_DEFINITIONS,
    CLIP_DEFINITIONS,
    RECALL_DEFINITIONS,
)
from gcdp_bench.metrics.definitions.definition import Column, Curve, Definition
from gcdp_bench.metrics.definitions.features import (
    CMMD_DEFINITIONS,
    FRECHET_DEFINITIONS,
    KID_DEFINITIONS,
    MEMORISATION_DEFINITIONS,
    PRDC_DEFINITIONS,
)
from gcdp_bench.metrics.definitions.layouts import (
    FSD_DEFINITIONS,
    IOU_DEFINITIONS,
    LABELLED_DEFINITIONS,
)

__all__ = ["DEFINITIONS", "Column", "Curve", "Definition"]

DEFINITIONS: Mapping[str, Definition] = {
    **FRECHET_DEFINITIONS,
    **KID_DEFINITIONS,
    **PRDC_DEFINITIONS,
    **CMMD_DEFINITIONS,
    **MEMORISATION_DEFINITIONS,
    **RECALL_DEFINITIONS,
    **IOU_DEFINITIONS,
    **FSD_DEFINITIONS["generated"],
    **FSD_DEFINITIONS["predicted"],
    **CLIP_DEFINITIONS,
    **ATTRIBUTE_DEFINITIONS,
    **LABELLED_DEFINITIONS,
}
"""Value of the `metric` column -> its definition."""
