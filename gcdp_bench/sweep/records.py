"""Values to what rows say of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from gcdp_bench.core.provenance import hardware
from gcdp_bench.core.types import Dataset, Generator, MetricValue
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.evaluation.controls import Controls
from gcdp_bench.evaluation.metrics import ScoredMetric, Scores
from gcdp_bench.generators.sample import SampleRequest
from gcdp_bench.generators.sample_folder import SamplingRecord
from gcdp_bench.metrics.lookup import definition_version
from gcdp_bench.results.table import read_rows

NUM_EXAMPLES = 8
"""Real triplets kept for the report."""


def record(scored: ScoredMetric) -> dict:
    """Columns of a row that depend on the value; the others are of the point."""
    value = scored.value
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
        "num_reference": scored.num_reference,
        "extractor": scored.extractor,
        "resizer": scored.resizer,
        "primary": scored.primary,
    }


def recalls(values: Iterable[ScoredMetric]) -> dict[str, float]:
    """Semantic Recall of one point, by segmenter."""
    return {
        scored.extractor: scored.value.value
        for scored in values
        if scored.value.metric == "semantic_recall" and scored.value.class_name == "all"
    }


def share_of_real(scores: Scores, real: Mapping[str, float]) -> list[ScoredMetric]:
    """Semantic Recall divided by that of real images under the same extractor; NaN where it is 0.

    Args:
        scores: of a generator.
        real: Semantic Recall of real images with their own captions, by segmenter.
    """
    shares = []
    for scored in scores.values:
        value = scored.value
        if value.metric != "semantic_recall" or value.class_name != "all":
            continue
        top = real[scored.extractor] or math.nan
        share = replace(
            value,
            metric="semantic_recall_of_ceiling",
            value=value.value / top,
            ci_low=value.ci_low / top,
            ci_high=value.ci_high / top,
        )
        shares.append(replace(scored, value=share))
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
        context | record(scored) | num | {"source": "control", "model": control}
        for control, values in controls.values.items()
        for scored in values
    ]
    for alarm in controls.alarms:
        own = {"source": "alarm", "model": alarm.id, "alarm": alarm.sentence}
        for metric in alarm.metrics:
            scored = ScoredMetric(
                MetricValue(metric, "all", alarm.value, num_samples), alarm.extractor
            )
            lines.append(context | record(scored) | own)
    return lines


def hardware_of(drawn: SamplingRecord | None) -> str:
    """Hardware of sampling and evaluation, once where it is the same."""
    scored = hardware()
    if drawn is None or drawn.hardware == scored:
        return scored
    return f"drawn on {drawn.hardware}, evaluated on {scored}"


def labelled(generator: Generator, num_samples: int) -> list[ScoredMetric]:
    """Number of labelled images behind the layouts, where that is a setting."""
    if generator.num_labelled_images is None:
        return []
    count = float(generator.num_labelled_images)
    return [ScoredMetric(MetricValue("labelled_images", "all", count, num_samples))]


def semantic_recall(rows: pd.DataFrame) -> float:
    """Semantic Recall of one point by the first segmenter; NaN if it has none."""
    return next(iter(recalls_of(rows[rows["primary"]]).values()), math.nan)


def recalls_of(rows: pd.DataFrame) -> dict[str, float]:
    """Semantic Recall of one point, by segmenter."""
    recall = rows[(rows["metric"] == "semantic_recall") & (rows["class"] == "all")]
    return dict(zip(recall["extractor"], recall["value"], strict=True))


def write_examples(dataset: Dataset, request: SampleRequest, results: Path) -> Path:
    """The first real triplets as a folder, so that the report can show them."""
    folder = results / "points" / Path(request.dataset).name / request.model
    writer = FolderWriter(
        folder,
        class_names=dataset.class_names,
        dataset=request.dataset,
        split=request.split,
    )
    for index in range(min(NUM_EXAMPLES, request.num_samples)):
        triplet = dataset[index]
        if not writer.holds(triplet.id):
            writer.write(triplet.id, triplet.image, triplet.layout, triplet.caption)
    return folder


def refuse_other_reference(results: Path, dataset: str, digest: str) -> None:
    """A results folder holds one set of real images per dataset."""
    if not (results / "results.parquet").exists():
        return
    rows = read_rows(results)
    others = sorted(set(rows[rows["dataset"] == dataset]["reference"]) - {digest})
    if others:
        raise ValueError(
            f"{results}: holds rows that were compared with other real images of "
            f"{dataset} ({', '.join(others)}, now {digest}): the data or "
            "--exclude or --resize changed; choose another --results or remove that folder"
        )
