"""What was seen to numbers: every metric of generated and of real images. Calls no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import AttributedDataset, Dataset, FeatureExtractor, MetricValue
from gcdp_bench.evaluation.features import FeatureCache
from gcdp_bench.evaluation.reference import Reference
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.metrics.attribute_recall import attribute_values, prompted_attributes
from gcdp_bench.metrics.clip_score import clip_values
from gcdp_bench.metrics.cmmd import cmmd_values
from gcdp_bench.metrics.definitions.versions import definition_version
from gcdp_bench.metrics.frechet import frechet_values
from gcdp_bench.metrics.kid import kid_values
from gcdp_bench.metrics.layout_iou import iou_values
from gcdp_bench.metrics.prdc import prdc_values
from gcdp_bench.metrics.segmentation_distance import area_percent, fsd_values
from gcdp_bench.metrics.semantic_recall import (
    precision_per_sample,
    prompted_classes,
    recall_per_sample,
    recall_values,
)

INCEPTION_PROTOCOLS = ("tf1", "clean", "torch", "hrnet")
"""Protocols whose Fréchet distance is called FID; of other features it is FD."""

DISTANCES: Mapping[str, Callable[[str, NDArray, NDArray], Sequence[MetricValue]]] = {
    "frechet": lambda protocol, x, y: frechet_values(frechet_name(protocol), x, y),
    "kid": kid_values,
    "prdc": prdc_values,
    "cmmd": lambda _, x, y: cmmd_values(x, y),
}
"""`FeatureJudge.measures` to definitions; x are the samples, y the real images."""


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
    per_sample: pd.DataFrame  # id, caption, asked, found, recall, precision, clip, too_long

    def frame(self) -> pd.DataFrame:
        """Values as a table."""
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
                definition_version(v.metric),
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


def score_generated(
    seen: FeatureCache,
    reference: Reference,
    extractors: Extractors,
    *,
    captions: bool = True,
    distances: bool = True,
) -> Scores:
    """Every metric of a generator's samples.

    Args:
        seen: the samples.
        reference: real images.
        extractors: the networks.
        captions: False: of a generator that reads none, so that metrics of captions are undefined.
        distances: False: leave them out; they take the longest.

    Raises:
        ValueError: fewer than two samples.
    """
    values = [
        *(_of_captions(seen, reference, extractors) if captions else ()),
        *_of_layouts(seen, extractors),
        *(_distances(seen, reference.observed, extractors) if distances else ()),
    ]
    per_sample = _per_sample(seen, reference, extractors)
    if not captions:
        per_sample["prompted"] = ""
        per_sample[["recall", "precision", "clip"]] = np.nan
    return Scores(values, per_sample)


def score_real(
    seen: FeatureCache,
    rest: FeatureCache,
    reference: Reference,
    extractors: Extractors,
    source: str,
    *,
    distances: bool = True,
) -> Scores:
    """What a generator could reach, and what costs nothing.

    - "real-ceiling": real images with their own captions and layouts;
    - "real-floor": `seen` asked with other images' captions: metrics of captions only;
    - "real-split": distances of `seen` to the other real images.

    Args:
        seen: N real images.
        rest: the others of the split; no image is on both sides.
        reference: the split.
        extractors: the networks.
        source: one of the above.
        distances: False: leave them out.
    """
    if source == "real-split":
        values = _distances(seen, rest, extractors) if distances else []
    elif source == "real-floor":
        values = _of_captions(seen, reference, extractors)
    else:
        values = [*_of_captions(seen, reference, extractors), *_of_layouts(seen, extractors)]
    return Scores(values, _per_sample(seen, reference, extractors))


def frechet_name(protocol: str) -> str:
    """Name of the Fréchet distance in a protocol's features."""
    return f"fid-{protocol}" if protocol in INCEPTION_PROTOCOLS else f"fd-{protocol}"


def derangement(num: int) -> list[int]:
    """A fixed permutation that leaves nothing in its place: one cycle through a shuffled list."""
    order = torch.randperm(num, generator=generator("derangement", num)).tolist()
    result = [0] * num
    for place, index in enumerate(order):
        result[index] = order[(place + 1) % num]
    return result


def _of_captions(
    seen: FeatureCache, reference: Reference, extractors: Extractors
) -> list[ScoredMetric]:
    """Semantic Recall and its company, CLIP score, attribute recall."""
    values = []
    prompted = _prompted(seen.captions, reference.dataset)  # (N, K)
    for place, extractor in enumerate(extractors.segmenters):
        known = len(extractor.class_names)
        named = [index for index in reference.captioned if index < known]
        found = seen.segmenters[extractor.name].counts  # (N, K_j)
        values += [
            ScoredMetric(value, extractor.name, extractor.resizer, place == 0)
            for value in recall_values(
                prompted[:, :known], found, seen.num_pixels, extractor.class_names, named
            )
        ]
    values += [
        ScoredMetric(value, extractors.clip.name, extractors.clip.resizer)
        for value in clip_values(seen.cosines, seen.too_long)
    ]
    if extractors.attributes is not None and isinstance(reference.dataset, AttributedDataset):
        values += [
            ScoredMetric(value, extractors.attributes.name, extractors.attributes.resizer)
            for value in attribute_values(
                prompted_attributes(reference.dataset, seen.captions),
                seen.arrays["attributes"],
                extractors.attributes.thresholds,
                reference.dataset.attribute_names,
            )
        ]
    return values


def _of_layouts(seen: FeatureCache, extractors: Extractors) -> list[ScoredMetric]:
    """mIoU of the images' own layouts against the segmenter's."""
    if seen.layouts is None:
        return []
    return [
        ScoredMetric(value, extractor.name, extractor.resizer, place == 0)
        for place, extractor in enumerate(extractors.segmenters)
        for value in iou_values(seen.segmenters[extractor.name].confusions, extractor.class_names)
    ]


def _distances(
    seen: FeatureCache, real: FeatureCache, extractors: Extractors
) -> list[ScoredMetric]:
    """Distances of feature and class-area distributions."""
    num = len(real)
    values = [
        ScoredMetric(value, extractor.name, extractor.resizer, place == 0, num)
        for place, extractor in enumerate(extractors.features)
        for value in _feature_distances(extractor, seen, real)
    ]
    for place, extractor in enumerate(extractors.segmenters):
        areas, real_areas = (
            area_percent(side.segmenters[extractor.name].counts) for side in (seen, real)
        )
        values += [
            ScoredMetric(value, extractor.name, extractor.resizer, place == 0, num)
            for value in fsd_values(areas, real_areas, "predicted")
        ]
    if seen.layouts is not None and real.layouts is not None:
        own = fsd_values(area_percent(seen.layouts), area_percent(real.layouts), "generated")
        values += [ScoredMetric(value, num_reference=num) for value in own]
    return values


def _feature_distances(
    extractor: FeatureExtractor, seen: FeatureCache, real: FeatureCache
) -> list[MetricValue]:
    x, y = seen.features[extractor.protocol], real.features[extractor.protocol]
    return [
        value
        for measure in extractor.measures
        for value in DISTANCES[measure](extractor.protocol, x, y)
    ]


def _per_sample(seen: FeatureCache, reference: Reference, extractors: Extractors) -> pd.DataFrame:
    extractor = extractors.segmenters[0]
    names = extractor.class_names
    columns = sorted(index for index in reference.captioned if index < len(names))
    prompted = _prompted(seen.captions, reference.dataset)[:, : len(names)][:, columns]
    found = (seen.segmenters[extractor.name].counts > 0)[:, columns]
    shown = [names[column] for column in columns]
    return pd.DataFrame(
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


def _prompted(captions: Sequence[str], dataset: Dataset) -> NDArray[np.bool_]:
    named = [dataset.caption_classes(caption) for caption in captions]
    return prompted_classes(named, len(dataset.class_names))


def _listed(row: NDArray[np.bool_], names: Sequence[str]) -> str:
    return ", ".join(name for name, there in zip(names, row, strict=True) if there)
