"""Every metric that a pass over images gives: one entry adds one.

Scoring, tables, `--explain`, documents, report and controls take what they show from here. A
metric of another package is an entry point of the group `gcdp_bench.metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping

from gcdp_bench.metrics.attribute_recall import attribute_values
from gcdp_bench.metrics.clip_score import clip_values
from gcdp_bench.metrics.cmmd import cmmd_values
from gcdp_bench.metrics.definitions.captions import (
    ATTRIBUTE_DEFINITIONS,
    CLIP_DEFINITIONS,
    RECALL_DEFINITIONS,
)
from gcdp_bench.metrics.definitions.features import (
    CMMD_DEFINITIONS,
    FRECHET_DEFINITIONS,
    FULL,
    KID_DEFINITIONS,
    MEMORISATION_DEFINITIONS,
    PRDC_DEFINITIONS,
    PROTOCOLS,
)
from gcdp_bench.metrics.definitions.layouts import (
    FSD_DEFINITIONS,
    IOU_DEFINITIONS,
    LABELLED_DEFINITIONS,
)
from gcdp_bench.metrics.frechet import frechet_values
from gcdp_bench.metrics.kid import kid_values
from gcdp_bench.metrics.layout_iou import iou_values
from gcdp_bench.metrics.metric import Definition, Metric
from gcdp_bench.metrics.prdc import prdc_values
from gcdp_bench.metrics.segmentation_distance import generated_fsd_values, predicted_fsd_values
from gcdp_bench.metrics.semantic_recall import recall_values

DISTANCE = ("protocol", "features", "real_features")

METRICS = (
    Metric(
        name="frechet",
        fn=frechet_values,
        needs=DISTANCE,
        definitions=FRECHET_DEFINITIONS,
        protocols=tuple(PROTOCOLS),
    ),
    Metric(
        name="kid",
        fn=kid_values,
        needs=DISTANCE,
        definitions=KID_DEFINITIONS,
        protocols=FULL,
    ),
    Metric(
        name="prdc",
        fn=prdc_values,
        needs=DISTANCE,
        definitions=PRDC_DEFINITIONS,
        protocols=FULL,
    ),
    Metric(
        name="cmmd",
        fn=cmmd_values,
        needs=("features", "real_features"),
        definitions=CMMD_DEFINITIONS,
        protocols=("cmmd",),
    ),
    Metric(
        name="semantic_recall",
        fn=recall_values,
        needs=("prompted", "counts", "num_pixels", "class_names", "nameable"),
        definitions=RECALL_DEFINITIONS,
    ),
    Metric(
        name="iou",
        fn=iou_values,
        needs=("confusions", "class_names"),
        definitions=IOU_DEFINITIONS,
    ),
    Metric(
        name="fsd_generated",
        fn=generated_fsd_values,
        needs=("layouts", "real_layouts"),
        definitions=FSD_DEFINITIONS["generated"],
    ),
    Metric(
        name="fsd_predicted",
        fn=predicted_fsd_values,
        needs=("counts", "real_counts"),
        definitions=FSD_DEFINITIONS["predicted"],
    ),
    Metric(
        name="clip",
        fn=clip_values,
        needs=("cosines", "too_long"),
        definitions=CLIP_DEFINITIONS,
    ),
    Metric(
        name="attribute_recall",
        fn=attribute_values,
        needs=("prompted_attributes", "attributes", "thresholds", "attribute_names"),
        definitions=ATTRIBUTE_DEFINITIONS,
    ),
)
"""In the order of columns and lists."""

DEFINITIONS: Mapping[str, Definition] = {
    **{name: one for metric in METRICS for name, one in metric.definitions.items()},
    **MEMORISATION_DEFINITIONS,  # of `gcdp-bench memorisation`
    **LABELLED_DEFINITIONS,  # a setting of generators
}
"""Value of the `metric` column -> its definition."""
