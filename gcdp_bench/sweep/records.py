"""Values to what rows say of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from gcdp_bench.core.types import MetricValue
from gcdp_bench.evaluation.controls import Controls
from gcdp_bench.evaluation.metrics import Judged, Scores
from gcdp_bench.metrics.definitions.versions import definition_version


def record(judged: Judged) -> dict:
    """Columns of a row that depend on the value; the others are of the point."""
    value = judged.value
    return {
        "metric": value.metric,
        "definition": definition_version(value.metric),
        "class": value.class_name,
        "value": value.value,
        "corrected": value.corrected,
        "ci_low": value.ci_low,
        "ci_high": value.ci_high,
        "ci_method": value.ci_method,
        "num_samples": value.num_samples,
        "num_reference": judged.num_reference,
        "extractor": judged.extractor,
        "resizer": judged.resizer,
        "primary": judged.primary,
    }


def recalls(values: Iterable[Judged]) -> dict[str, float]:
    """Semantic Recall of one point, by segmenter."""
    return {
        judged.extractor: judged.value.value
        for judged in values
        if judged.value.metric == "semantic_recall" and judged.value.class_name == "all"
    }


def of_ceiling(scores: Scores, ceiling: Mapping[str, float]) -> list[Judged]:
    """Semantic Recall as a share of what real images reach under the same judge.

    NaN where they reach nothing.

    Args:
        scores: of a generator.
        ceiling: Semantic Recall of real images, by segmenter.
    """
    shares = []
    for judged in scores.values:
        value = judged.value
        if value.metric != "semantic_recall" or value.class_name != "all":
            continue
        top = ceiling[judged.extractor] or math.nan
        share = replace(
            value,
            metric="semantic_recall_of_ceiling",
            value=value.value / top,
            ci_low=value.ci_low / top,
            ci_high=value.ci_high / top,
        )
        shares.append(replace(judged, value=share))
    return shares


def control_lines(controls: Controls, context: dict, num_samples: int) -> list[dict]:
    """Rows of controls and alarms.

    Args:
        controls: values and alarms.
        context: columns that all rows share.
        num_samples: N of the evaluation for which the networks were tried.
    """
    num = {"num_samples": num_samples}
    lines = [
        context | record(judged) | num | {"source": "control", "model": control}
        for control, values in controls.values.items()
        for judged in values
    ]
    for alarm in controls.alarms:
        own = {"source": "alarm", "model": alarm.id, "alarm": alarm.sentence}
        for metric in alarm.metrics:
            judged = Judged(MetricValue(metric, "all", alarm.value, num_samples), alarm.extractor)
            lines.append(context | record(judged) | own)
    return lines
