"""Controls: inputs that no sound evaluation prefers to real images, and alarms where one does.

Four controls are scored once per dataset and set of networks, as a generator's images would be:

    control-noise      uniform noise
    control-constant   one grey image
    control-blurred    real images, reduced to an eighth of height and width, then enlarged
    control-shuffled   real images with the captions of other images

Beside them stand the same real images with their own captions. `Definition.controls` says which
metrics have to tell the two apart: in distances every control of images has to be farther from real
images than other real images are; of precision noise and a constant image have to have less, while
recall and coverage cannot be asked, since a few images of the control can lie anywhere. A blurred
image may show every class that its caption names, and areas of classes outlive a blur.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from gcdp_bench.core.progress import Progress
from gcdp_bench.core.rng import generator
from gcdp_bench.evaluation.altered import (
    ALTERATIONS,
    BLUR,
    BLURRED,
    CONSTANT,
    NOISE,
    SHUFFLED,
    Alter,
    Altered,
)
from gcdp_bench.evaluation.cached import extract_cached
from gcdp_bench.evaluation.features import FeatureCache
from gcdp_bench.evaluation.metrics import ScoredMetric, derangement, score_real
from gcdp_bench.evaluation.network_alarms import (
    Alarm,
    of_clip,
    of_segmenters,
    of_size,
)
from gcdp_bench.evaluation.reference import Reference
from gcdp_bench.extractors.bundle import CLIP_ROLE, Extractors, arrays_of
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics.lookup import all_metrics, lookup, values_beside
from gcdp_bench.results.alarms import ids_of
from gcdp_bench.results.schema import CONTROL_MODELS, REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL
from gcdp_bench.results.summary import in_units

NUM_IMAGES = 64
"""Images of a control; at most half of the split, whose other half is the reference."""

NUM_PAIRS = 128
"""Real images that CLIP is shown with their own and with another caption; at most the split."""

REAL = "real"
"""The same images as they are."""

WORDS = {
    NOISE: "uniform noise",
    CONSTANT: "a constant image",
    BLURRED: f"real images blurred {BLUR} times",
    SHUFFLED: "real images with the captions of other images",
}

TOGETHER: Mapping[str, tuple[str, ...]] = {
    "semantic_recall": ("semantic_recall", "semantic_precision")
}
"""Metrics of which one has to be worse than that of real images: a network that finds every class
in noise has a recall of 100 %, and precision tells."""

NETWORKS = ("segmenter", "clip", "attributes", "features", "none")
"""Kinds of networks in the order of alarms."""


@dataclass(frozen=True)
class Controls:
    """Values of every control, and the alarms that follow."""

    values: Mapping[str, Sequence[ScoredMetric]]  # by control, of all classes together
    alarms: tuple[Alarm, ...]

    def marked(self, scores: pd.DataFrame) -> pd.DataFrame:
        """`Scores.frame` with a column `alarm`: ids, comma-separated, or "none"."""
        lines = pd.DataFrame(
            [
                (metric, alarm.extractor, alarm.id)
                for alarm in self.alarms
                for metric in alarm.metrics
            ],
            columns=["metric", "extractor", "model"],
        )
        return scores.assign(alarm=ids_of(lines, scores["metric"], scores["extractor"]))

    def alarm_frame(self) -> pd.DataFrame:
        """Alarms as lines of the same columns: metric "alarm:ID", the measured number, sentence."""
        return pd.DataFrame(
            [
                (f"alarm:{alarm.id}", "all", alarm.value, alarm.extractor, alarm.sentence)
                for alarm in self.alarms
            ],
            columns=["metric", "class", "value", "extractor", "alarm"],
        )


def score_controls(
    reference: Reference,
    extractors: Extractors,
    cache: UserCache,
    progress: Progress,
    *,
    num_samples: int,
) -> Controls:
    """Score every control against a real split, and raise alarms.

    Args:
        reference: the split, with what the networks extracted from it.
        extractors: the networks.
        cache: where what they extract from controls is kept.
        progress: told of every batch.
        num_samples: N of the generated images that are evaluated.
    """
    num = min(NUM_IMAGES, len(reference.observed) // 2)
    if num < 2:
        return evaluate_controls(reference, extractors, {}, None, num_samples=num_samples)
    # Drawn by id, so that a split gives the same controls in whichever order it is read.
    by_id = np.argsort(np.array(reference.observed.ids), kind="stable")
    order = by_id[torch.randperm(len(by_id), generator=generator("controls")).numpy()]
    rest = reference.observed.take(order[num:])
    own = reference.observed.take(order[:NUM_PAIRS])
    triplets = [reference.dataset[int(place)] for place in order[:NUM_PAIRS]]

    def look(
        name: str, alter: Alter, roles: Iterable[str], captions: Sequence[str]
    ) -> FeatureCache:
        images = Altered(reference.dataset, triplets[: len(captions)], alter, name)
        return extract_cached(
            images,
            extractors,
            cache,
            roles=frozenset(roles),
            captions=captions,
            progress=progress,
            task=name,
        ).observed

    def matched(captions: Sequence[str]) -> FeatureCache:
        clip = look("real images", lambda image, index: image, (CLIP_ROLE,), captions)
        matched = {name: clip.arrays[name] for name in arrays_of(CLIP_ROLE)}
        return replace(own, captions=tuple(captions)).with_arrays(matched)

    seen = {
        REAL: matched(own.captions),
        SHUFFLED: matched([own.captions[index] for index in derangement(len(own))]),
    }
    for control, alter in ALTERATIONS.items():
        seen[control] = look(control, alter, extractors.networks, own.captions[:num])
    return evaluate_controls(reference, extractors, seen, rest, num_samples=num_samples)


def evaluate_controls(
    reference: Reference,
    extractors: Extractors,
    seen: Mapping[str, FeatureCache],
    rest: FeatureCache | None,
    *,
    num_samples: int,
) -> Controls:
    """Values and alarms from what the networks extracted; calls none of them.

    Args:
        reference: the split.
        extractors: the networks.
        seen: the same real images as they are (`REAL`) and as every control, none if they are too
            few; and further ones as they are and with shuffled captions, for CLIP alone.
        rest: the other real images of the split.
        num_samples: as in `score_controls`.
    """
    alarms = [*of_segmenters(reference, extractors), *of_size(reference, extractors, num_samples)]
    values: dict[str, list[ScoredMetric]] = {}
    if rest is not None and seen:
        num = len(seen[NOISE])
        truth = _scored(seen[REAL].part(0, num), rest, reference, extractors)
        for control in ALTERATIONS:
            values[control] = _scored(seen[control], rest, reference, extractors)
        values[SHUFFLED] = [
            scored
            for scored in score_real(
                seen[SHUFFLED].part(0, num), rest, reference, extractors, REAL_SHUFFLED
            ).values
            if scored.value.class_name == "all"
        ]
        alarms += of_clip(seen[REAL], seen[SHUFFLED], extractors)
        for control in CONTROL_MODELS:
            alarms += _of_control(control, values[control], truth)
    return Controls(values, tuple(alarms))


def _scored(
    seen: FeatureCache, rest: FeatureCache, reference: Reference, extractors: Extractors
) -> list[ScoredMetric]:
    """Metrics of captions and layouts, and distances to the rest of the split."""
    own = score_real(seen, rest, reference, extractors, REAL_OWN)
    distances = score_real(seen, rest, reference, extractors, REAL_VS_REAL)
    return [
        scored
        for scored in (*own.values, *distances.values)
        if scored.value.class_name == "all" and scored.extractor != "none"
    ]


def _of_control(
    control: str, values: Sequence[ScoredMetric], real: Sequence[ScoredMetric]
) -> Iterator[Alarm]:
    """Metrics that are asked of the control, none of whose values is worse than real images'."""
    truths = {(truth.value.metric, truth.extractor): truth for truth in real}
    pairs = {
        (scored.value.metric, scored.extractor): (
            scored,
            truths[scored.value.metric, scored.extractor],
        )
        for scored in values
    }
    asked = [m for m in dict.fromkeys(m for m, _ in pairs) if control in lookup(m).controls]
    places = {
        value: NETWORKS.index(metric.network)
        for metric in all_metrics()
        for value in metric.definitions
    }
    groups = [TOGETHER.get(metric, (metric,)) for metric in sorted(asked, key=places.__getitem__)]
    failed: dict[str, list[tuple[ScoredMetric, ScoredMetric]]] = {}
    for group in groups:
        for extractor in dict.fromkeys(name for metric, name in pairs if metric in group):
            found = [pairs[metric, extractor] for metric in group if (metric, extractor) in pairs]
            defined = [
                (one, truth)
                for one, truth in found
                if not math.isnan(one.value.value + truth.value.value)
            ]
            if defined and not any(_is_worse(*pair) for pair in defined):
                failed.setdefault(extractor, []).extend(defined)
    for extractor, found in failed.items():
        yield _not_worse(control, extractor, found)


def _is_worse(control: ScoredMetric, real: ScoredMetric) -> bool:
    """Whether the control's interval lies wholly on the worse side of the real images' value."""
    value, truth = control.value, real.value
    estimate = truth.value if math.isnan(truth.corrected) else truth.corrected
    if lookup(value.metric).higher_is_better:
        end = value.value if math.isnan(value.ci_high) else value.ci_high
        return end < estimate
    end = value.value if math.isnan(value.ci_low) else value.ci_low
    return end > estimate


def _not_worse(
    control: str, extractor: str, pairs: Sequence[tuple[ScoredMetric, ScoredMetric]]
) -> Alarm:
    numbers = "; ".join(
        f"{one.value.metric} "
        + " against ".join(in_units(one.value.metric, one.value.value, truth.value.value))
        for one, truth in pairs
    )
    remedy = (
        "give every image a caption of its own content, or another network"
        if control == SHUFFLED
        else "train the network longer or give another one"
    )
    sentence = (
        f"{extractor} cannot tell {WORDS[control]} from real images ({numbers} of real images): "
        f"ignore the rows with these metrics; {remedy}"
    )
    concerned = dict.fromkeys(name for one, _ in pairs for name in values_beside(one.value.metric))
    return Alarm(control, tuple(concerned), extractor, pairs[0][0].value.value, sentence)
