"""Alarms about networks that need no control, and about too few images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gcdp_bench.evaluation.features import FeatureCache
from gcdp_bench.evaluation.reference import Reference
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.metrics.layout_iou import iou_values
from gcdp_bench.metrics.lookup import lookup, reference_values, values_of
from gcdp_bench.metrics.metric import Network
from gcdp_bench.metrics.spectrum import effective_rank

MIN_MIOU = 0.25
"""mIoU on real images below which a segmenter is too poor to evaluate others."""

MAX_CHANCE = 0.025
"""Probability of a CLIP at chance to prefer the own captions as clearly, from which on an
alarm is raised."""

MIN_SAMPLES = 50
"""Samples below which no distance of distributions is trusted."""


@dataclass(frozen=True)
class Alarm:
    """A reason not to believe some rows."""

    id: str
    metrics: tuple[str, ...]  # concerned, their variants such as "@1%" too
    extractor: str  # network whose rows they are
    value: float  # the measured number
    sentence: str  # reason and remedy


def of_segmenters(reference: Reference, extractors: Extractors) -> Iterator[Alarm]:
    """Segmentation of real images that is always the same, or poor."""
    for extractor in extractors.segmenters:
        seen = reference.observed.segmenters[extractor.name]
        present = np.unique(seen.counts > 0, axis=0)
        remedy = "train it longer (gcdp-bench train segmenter) or give another --segmenter"
        concerned = (*values_of("segmenter"), *_own_features(extractor.name, extractors))
        if len(present) == 1 and len(seen.counts) > 1:
            num = int(present.sum())
            sentence = (
                f"{extractor.name} finds the same {num} class{'es' * (num != 1)} in all "
                f"{len(seen.counts)} real images: what it says does not depend on the image; "
                f"{remedy}"
            )
            yield Alarm(
                "segmentation-constant", concerned, extractor.name, float(present.sum()), sentence
            )
        miou = next(
            value
            for value in iou_values(seen.confusions, extractor.class_names)
            if (value.metric, value.class_name) == ("miou", "all")
        )
        if miou.value < MIN_MIOU:
            sentence = (
                f"{extractor.name} reaches a mIoU of {100 * miou.value:.1f} % on real images, "
                f"expected {100 * MIN_MIOU:.0f} % or more: its layouts are mostly wrong; {remedy}"
            )
            yield Alarm("segmentation-poor", concerned, extractor.name, miou.value, sentence)


def _own_features(segmenter: str, extractors: Extractors) -> list[str]:
    """Metrics that compare features of a segmenter."""
    return [
        metric
        for extractor in extractors.features
        if extractor.name == segmenter
        for metric in values_of("features", extractor.protocol)
    ]


def _distances(network: Network, protocol: str = "") -> tuple[str, ...]:
    """Values computed of a kind of network that fall as images become more alike the real ones."""
    compared = reference_values()
    return tuple(
        name
        for name in values_of(network, protocol)
        if name in compared and lookup(name).higher_is_better is False
    )


def of_clip(own: FeatureCache, others: FeatureCache, extractors: Extractors) -> Iterator[Alarm]:
    """CLIP that prefers an image's own caption to another image's no more often than chance.

    Wilcoxon's signed-rank test of the differences: how large they are counts too, so that 64 pairs
    suffice where CLIP prefers the own caption in three of four.
    """
    margin = own.cosines - others.cosines  # (N,)
    margin = margin[~np.isnan(margin) & (np.array(own.captions) != np.array(others.captions))]
    if not len(margin):
        return
    chance = 1.0
    if margin.any():
        from scipy.stats import wilcoxon

        _, chance = np.asarray(wilcoxon(margin, alternative="greater"))
    if chance >= MAX_CHANCE:
        share = float((margin > 0).mean())
        sentence = (
            f"{extractors.clip.name} prefers the own caption of a real image to another one's in "
            f"{100 * share:.0f} % of {len(margin)} pairs, which may be chance "
            f"(p = {chance:.2g}): its CLIP score does not measure correspondence; "
            "train it longer (gcdp-bench train clip) or give another --clip"
        )
        yield Alarm("clip-chance", values_of("clip"), extractors.clip.name, share, sentence)


def of_size(reference: Reference, extractors: Extractors, num_samples: int) -> Iterator[Alarm]:
    """Fewer images than a Fréchet distance needs."""
    smaller = min(num_samples, len(reference.observed))
    which = "samples" if num_samples <= len(reference.observed) else "real images"
    for extractor in extractors.features:
        rank = effective_rank(reference.observed.features[extractor.protocol])
        needed = MIN_SAMPLES if math.isnan(rank) else max(MIN_SAMPLES, math.ceil(rank))
        if smaller < needed:
            sentence = (
                f"{smaller} {which} are fewer than the {needed} that {extractor.protocol} features "
                f"of effective rank {rank:.0f} need: distances are mostly bias; give more samples "
                "or real images"
            )
            metrics = _distances("features", extractor.protocol)
            yield Alarm("few-samples", metrics, extractor.name, float(smaller), sentence)
    if smaller < MIN_SAMPLES:
        for extractor in extractors.segmenters:
            sentence = (
                f"{smaller} {which} are fewer than {MIN_SAMPLES}: FSD is mostly bias; give more "
                "samples or real images"
            )
            metrics = _distances("segmenter")
            yield Alarm("few-samples", metrics, extractor.name, float(smaller), sentence)
