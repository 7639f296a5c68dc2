"""Features to values: every metric of generated and of real images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from gcdp_bench.core.progress import Progress
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Dataset, MetricValue
from gcdp_bench.evaluation.features import EvalOptions, FeatureCache, extract_features
from gcdp_bench.evaluation.inputs import Due, Sides, due
from gcdp_bench.evaluation.reference import Reference
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.metrics.lookup import all_metrics, blamed, check_values, definition_version
from gcdp_bench.metrics.metric import Context
from gcdp_bench.metrics.semantic_recall import precision_per_sample, recall_per_sample
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL

REAL_CONTEXTS: Mapping[str, tuple[Context, ...]] = {
    REAL_OWN: ("captions", "layouts", "samples"),
    REAL_SHUFFLED: ("captions",),
    REAL_VS_REAL: ("reference",),
}
"""Real images with their own captions, with those of others, and as a sample of their split."""


@dataclass(frozen=True)
class ScoredMetric:
    """A value with the network that it depends on."""

    value: MetricValue
    extractor: str = "none"
    resizer: str = "none"
    primary: bool = True  # False: of a second segmenter or a second feature network
    num_reference: int = 0


@dataclass(frozen=True)
class Scores:
    """All values of one point."""

    values: list[ScoredMetric]
    per_sample: pd.DataFrame
    """Columns id, caption, prompted, detected, recall, precision, clip, too_long."""

    seen: FeatureCache  # what they were computed from

    def frame(self) -> pd.DataFrame:
        """Values as a table."""
        names = {scored.value.metric for scored in self.values}
        versions = {name: definition_version(name) for name in names}
        rows = [
            (
                v.metric,
                v.class_name,
                v.value,
                v.corrected,
                v.ci_low,
                v.ci_high,
                v.ci_method,
                v.num_samples,
                scored.extractor,
                versions[v.metric],
            )
            for scored in self.values
            for v in [scored.value]
        ]
        columns = [
            "metric",
            "class",
            "value",
            "corrected",
            "ci_low",
            "ci_high",
            "ci_method",
            "num_samples",
            "extractor",
            "definition",
        ]
        return pd.DataFrame(rows, columns=columns)


def evaluate(
    samples: Dataset,
    reference: Reference,
    extractors: Extractors,
    eval_options: EvalOptions,
    *,
    progress: Progress,
    task: str,
) -> Scores:
    """Every metric of a generator's samples: the networks see each image once.

    Args:
        samples: of the generator.
        reference: real images.
        extractors: the networks.
        eval_options: whether there are layouts, and whether captions condition the samples.
        progress: told of every batch.
        task: what the progress bar says.

    Raises:
        ValueError: fewer than two samples, or a metric of an installed package is malformed.
    """
    all_metrics()  # one that cannot be imported is refused before the networks run
    seen = extract_features(samples, extractors, eval_options, progress=progress, task=task)
    return score_generated(seen, reference, extractors, captions=eval_options.match_captions)


def score_generated(
    seen: FeatureCache,
    reference: Reference,
    extractors: Extractors,
    *,
    captions: bool = True,
    distances: bool = True,
) -> Scores:
    """Every metric of samples that the networks saw; calls none of them.

    Args:
        seen: the samples.
        reference: real images.
        extractors: the networks.
        captions: False: of a generator that reads none, so that metrics of captions are undefined.
        distances: False: leave them out; they take the longest.

    Raises:
        ValueError: fewer than two samples.
    """
    contexts = _contexts(captions=captions, distances=distances)
    sides = Sides(seen, reference.observed, reference, extractors)
    values = []
    for one in due(all_metrics(), contexts, sides):
        with blamed(one.metric):
            found = one.metric.fn(*one.inputs)
        values += _scored(one, found)
    return Scores(values, _per_sample(sides, captions=captions), seen)


def score_real(
    seen: FeatureCache,
    rest: FeatureCache,
    reference: Reference,
    extractors: Extractors,
    source: str,
    *,
    distances: bool = True,
) -> Scores:
    """Metrics of real images: the upper bound, the shuffled-caption baseline, real vs. real.

    - "real-own": real images with their own captions and layouts;
    - "real-shuffled": `seen` asked with other images' captions: metrics of captions only;
    - "real-vs-real": distances of `seen` to the other real images.

    Args:
        seen: N real images.
        rest: the others of the split; no image is on both sides.
        reference: the split.
        extractors: the networks.
        source: one of the above.
        distances: False: leave them out.
    """
    contexts: list[Context] = [
        context for context in REAL_CONTEXTS[source] if distances or context != "reference"
    ]
    sides = Sides(seen, rest, reference, extractors)
    values = []
    for one in due(all_metrics(), contexts, sides):
        with blamed(one.metric):
            found = one.metric.fn(*one.inputs)
        values += _scored(one, found)
    return Scores(values, _per_sample(sides), seen)


def derangement(num: int) -> list[int]:
    """A fixed permutation that leaves nothing in its place: one cycle through a shuffled list."""
    order = torch.randperm(num, generator=generator("derangement", num)).tolist()
    result = [0] * num
    for place, index in enumerate(order):
        result[index] = order[(place + 1) % num]
    return result


def _contexts(*, captions: bool, distances: bool) -> list[Context]:
    """Of a generator's samples, in the order of rows."""
    is_due: dict[Context, bool] = {
        "captions": captions,
        "layouts": True,
        "reference": distances,
        "samples": True,
    }
    return [context for context, wanted in is_due.items() if wanted]


def _scored(one: Due, values: object) -> list[ScoredMetric]:
    """The values of a metric's function.

    Raises:
        ValueError: as `lookup.check_values`.
    """
    return [
        ScoredMetric(value, one.extractor, one.resizer, one.primary, one.num_reference)
        for value in check_values(values, one.metric)
    ]


def _per_sample(sides: Sides, *, captions: bool = True) -> pd.DataFrame:
    seen, reference, extractor = sides.seen, sides.reference, sides.extractors.segmenters[0]
    names = extractor.class_names
    columns = sorted(index for index in reference.captioned if index < len(names))
    prompted = sides.prompted[:, : len(names)][:, columns]
    found = (seen.arrays[f"counts {extractor.name}"] > 0)[:, columns]
    shown = [names[column] for column in columns]
    table = pd.DataFrame(
        {
            "id": seen.ids,
            "caption": seen.captions,
            "prompted": [_listed(row, shown) for row in prompted],
            "detected": [_listed(row, shown) for row in found],
            "recall": recall_per_sample(prompted, found),
            "precision": precision_per_sample(prompted, found),
            "clip": seen.cosines,
            "too_long": seen.too_long,
        }
    )
    if not captions:
        table["prompted"] = ""
        table[["recall", "precision", "clip"]] = np.nan
    return table


def _listed(row: NDArray[np.bool_], names: Sequence[str]) -> str:
    return ", ".join(name for name, there in zip(names, row, strict=True) if there)
