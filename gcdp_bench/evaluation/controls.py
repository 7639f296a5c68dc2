"""Controls: inputs that no sound evaluation prefers to real images, and alarms where one does.

Four controls are scored once per dataset and set of networks, as a generator's images would be:

    control-noise      uniform noise
    control-constant   one grey image
    control-blurred    real images, reduced to an eighth of height and width, then enlarged
    control-shuffled   real images with the captions of other images

Beside them stand the same real images with their own captions. `CHECKS` says which metrics have to
tell the two apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from scipy.stats import wilcoxon

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
from gcdp_bench.evaluation.cached import observe_cached
from gcdp_bench.evaluation.features import Observed
from gcdp_bench.evaluation.metrics import Judged, derangement, score_real
from gcdp_bench.evaluation.reference import Reference
from gcdp_bench.extractors.bundle import CLIP_ROLE, Extractors
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics.definitions import DEFINITIONS, lookup
from gcdp_bench.metrics.layout_iou import iou_values
from gcdp_bench.metrics.spectrum import effective_rank
from gcdp_bench.results.alarms import ids_of
from gcdp_bench.results.schema import CEILING, CONTROL_MODELS, FLOOR, SPLIT
from gcdp_bench.results.summary import in_units

NUM_IMAGES = 64
"""Images of a control; at most half of the split, whose other half is the reference."""

NUM_PAIRS = 128
"""Real images that CLIP is shown with their own and with another caption; at most the split."""

MIN_MIOU = 0.25
"""mIoU on real images below which a segmenter is too poor to evaluate others."""

MAX_CHANCE = 0.025
"""Probability of a CLIP at chance to prefer the own captions as clearly, from which on an
alarm is raised."""

MIN_SAMPLES = 50
"""Samples below which no distance of distributions is trusted."""

REAL = "real"
"""The same images as they are."""

WORDS = {
    NOISE: "uniform noise",
    CONSTANT: "a constant image",
    BLURRED: f"real images blurred {BLUR} times",
    SHUFFLED: "real images with the captions of other images",
}

DISTANCES = ("fid", "fd", "kid", "cmmd")
"""Metrics, without the protocol behind the dash, in which every control of images has to be farther
from real images than other real images are. Areas of classes outlive a blur, so that FSD is asked
of noise and of a constant image alone.
"""

MEMBERSHIP = "precision"
"""Metric, without the protocol, of which noise and a constant image have to have less than real
images. Recall and coverage cannot be asked for: a few images of the control can lie anywhere.
"""

OF_AN_EMPTY_IMAGE = (
    ("semantic_recall", "semantic_precision"),
    ("miou",),
    ("fsd_predicted",),
    ("clip-x100",),
)
CHECKS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    NOISE: OF_AN_EMPTY_IMAGE,
    CONSTANT: OF_AN_EMPTY_IMAGE,
    BLURRED: (("miou",),),
    SHUFFLED: (("semantic_recall", "semantic_precision"), ("attribute_recall",)),
}
"""Control -> groups of metrics; at least one metric of a group has to be worse than that of real
images. Recall and precision are one group: a network that finds every class in noise has a recall
of 100 %, and precision tells. A blurred image may show every class that its caption names.
"""

CAPTION_METRICS = ("semantic_recall", "semantic_precision", "false_detection_rate")
SEGMENTER_METRICS = (*CAPTION_METRICS, "miou", "fsd_predicted")
MEMBERSHIPS = ("precision", "recall", "density", "coverage")
FEATURE_METRICS = ("fid", "fd", "kid", *MEMBERSHIPS)
CLIP_METRICS = ("clip-x100", "clip-cos", "clip-w2.5")


@dataclass(frozen=True)
class Alarm:
    """A reason not to believe some rows."""

    id: str
    metrics: tuple[str, ...]  # concerned, their variants such as "@1%" too
    extractor: str  # network whose rows they are
    value: float  # the measured number
    sentence: str  # reason and remedy


@dataclass(frozen=True)
class Controls:
    """Values of every control, and the alarms that follow."""

    values: Mapping[str, Sequence[Judged]]  # by control, of all classes together
    alarms: tuple[Alarm, ...]

    def marked(self, scores: pd.DataFrame) -> pd.DataFrame:
        """`Scores.frame` with a column `alarm`: ids, comma-separated, or "none"."""
        lines = pd.DataFrame(
            [(metric, alarm.extractor, alarm.id) for alarm in self.alarms
             for metric in alarm.metrics],
            columns=["metric", "extractor", "model"],
        )  # fmt: skip
        rows = zip(scores["metric"], scores["extractor"], strict=True)
        ids = [ids_of(lines, metric, extractor) for metric, extractor in rows]
        return scores.assign(alarm=ids)

    def alarm_frame(self) -> pd.DataFrame:
        """Alarms as lines of the same columns: metric "alarm:ID", the measured number, sentence."""
        return pd.DataFrame(
            [(f"alarm:{alarm.id}", "all", alarm.value, alarm.extractor, alarm.sentence)
             for alarm in self.alarms],
            columns=["metric", "class", "value", "extractor", "alarm"],
        )  # fmt: skip


def score_controls(
    reference: Reference,
    judges: Extractors,
    cache: UserCache,
    progress: Progress,
    *,
    num_samples: int,
) -> Controls:
    """Score every control against a real split, and raise alarms.

    Args:
        reference: the split, with what the networks extracted from it.
        judges: the networks.
        cache: where what they extract from controls is kept.
        progress: told of every batch.
        num_samples: N of the generated images that are evaluated.
    """
    num = min(NUM_IMAGES, len(reference.observed) // 2)
    if num < 2:
        return judge_controls(reference, judges, {}, None, num_samples=num_samples)
    # Drawn by id, so that a split gives the same controls in whichever order it is read.
    by_id = np.argsort(np.array(reference.observed.ids), kind="stable")
    order = by_id[torch.randperm(len(by_id), generator=generator("controls")).numpy()]
    rest = reference.observed.take(order[num:])
    own = reference.observed.take(order[:NUM_PAIRS])
    triplets = [reference.dataset[int(place)] for place in order[:NUM_PAIRS]]

    def look(name: str, alter: Alter, roles: Iterable[str], captions: Sequence[str]) -> Observed:
        images = Altered(reference.dataset, triplets[: len(captions)], alter, name)
        return observe_cached(images, judges, cache, roles=frozenset(roles), captions=captions,
                              progress=progress, task=name).observed  # fmt: skip

    def matched(captions: Sequence[str]) -> Observed:
        clip = look("real images", lambda image, index: image, (CLIP_ROLE,), captions)
        return replace(own, captions=tuple(captions), cosines=clip.cosines,
                       too_long=clip.too_long)  # fmt: skip

    seen = {
        REAL: matched(own.captions),
        SHUFFLED: matched([own.captions[index] for index in derangement(len(own))]),
    }
    for control, alter in ALTERATIONS.items():
        seen[control] = look(control, alter, judges.networks, own.captions[:num])
    return judge_controls(reference, judges, seen, rest, num_samples=num_samples)


def judge_controls(
    reference: Reference,
    judges: Extractors,
    seen: Mapping[str, Observed],
    rest: Observed | None,
    *,
    num_samples: int,
) -> Controls:
    """Values and alarms from what the networks extracted; calls none of them.

    Args:
        reference: the split.
        judges: the networks.
        seen: the same real images as they are (`REAL`) and as every control, none if they are too
            few; and further ones as they are and with shuffled captions, for CLIP alone.
        rest: the other real images of the split.
        num_samples: as in `score_controls`.
    """
    alarms = [*_of_segmenters(reference, judges), *_of_size(reference, judges, num_samples)]
    values: dict[str, list[Judged]] = {}
    if rest is not None and seen:
        num = len(seen[NOISE])
        truth = _scored(seen[REAL].part(0, num), rest, reference, judges)
        values = {control: _scored(seen[control], rest, reference, judges)
                  for control in ALTERATIONS}  # fmt: skip
        values[SHUFFLED] = [
            judged
            for judged in score_real(
                seen[SHUFFLED].part(0, num), rest, reference, judges, FLOOR
            ).values
            if judged.value.class_name == "all"
        ]
        alarms += _of_clip(seen[REAL], seen[SHUFFLED], judges)
        for control in CONTROL_MODELS:
            alarms += _of_control(control, values[control], truth)
    return Controls(values, tuple(alarms))


def _scored(
    seen: Observed, rest: Observed, reference: Reference, judges: Extractors
) -> list[Judged]:
    """Metrics of captions and layouts, and distances to the rest of the split."""
    values = [
        judged
        for source in (CEILING, SPLIT)
        for judged in score_real(seen, rest, reference, judges, source).values
    ]
    return [
        judged
        for judged in values
        if judged.value.class_name == "all" and not judged.value.metric.startswith("fsd_generated")
    ]


def _of_control(control: str, values: Sequence[Judged], real: Sequence[Judged]) -> Iterator[Alarm]:
    """Groups of `CHECKS`, and distances, of which no metric is worse than that of real images."""
    truths = {(truth.value.metric, truth.extractor): truth for truth in real}
    pairs = {
        (judged.value.metric, judged.extractor): (
            judged,
            truths[judged.value.metric, judged.extractor],
        )
        for judged in values
    }
    groups = list(CHECKS[control])
    distinguishing = (*DISTANCES, MEMBERSHIP) if control in (NOISE, CONSTANT) else DISTANCES
    if control in ALTERATIONS:
        groups += [(metric,) for metric in dict.fromkeys(metric for metric, _ in pairs)
                   if metric.partition("-")[0] in distinguishing]  # fmt: skip
    failed: dict[str, list[tuple[Judged, Judged]]] = {}
    for group in groups:
        for extractor in dict.fromkeys(name for metric, name in pairs if metric in group):
            found = [pairs[metric, extractor] for metric in group if (metric, extractor) in pairs]
            defined = [(one, truth) for one, truth in found
                       if not math.isnan(one.value.value + truth.value.value)]  # fmt: skip
            if defined and not any(_is_worse(*pair) for pair in defined):
                failed.setdefault(extractor, []).extend(defined)
    for extractor, found in failed.items():
        yield _not_worse(control, extractor, found)


def _is_worse(control: Judged, real: Judged) -> bool:
    """Whether the control's interval lies wholly on the worse side of the real images' value."""
    value, truth = control.value, real.value
    estimate = truth.value if math.isnan(truth.corrected) else truth.corrected
    if lookup(value.metric).higher_is_better:
        end = value.value if math.isnan(value.ci_high) else value.ci_high
        return end < estimate
    end = value.value if math.isnan(value.ci_low) else value.ci_low
    return end > estimate


def _not_worse(control: str, extractor: str, pairs: Sequence[tuple[Judged, Judged]]) -> Alarm:
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
    concerned = dict.fromkeys(name for one, _ in pairs for name in _concerned(one.value.metric))
    return Alarm(control, tuple(concerned), extractor, pairs[0][0].value.value, sentence)


def _concerned(metric: str) -> tuple[str, ...]:
    """A metric and those that rest on the same."""
    for together in (CAPTION_METRICS, CLIP_METRICS):
        if metric in together:
            return together
    if metric.startswith(f"{MEMBERSHIP}-"):
        return _of_protocol(metric.partition("-")[2], MEMBERSHIPS)
    return (metric,)


def _of_segmenters(reference: Reference, judges: Extractors) -> Iterator[Alarm]:
    """Segmentation of real images that is always the same, or poor."""
    for judge in judges.segmenters:
        seen = reference.observed.segmenters[judge.name]
        present = np.unique(seen.counts > 0, axis=0)
        remedy = "train it longer (gcdp-bench train segmenter) or give another --segmenter"
        concerned = (*SEGMENTER_METRICS, *_own_features(judge.name, judges))
        if len(present) == 1 and len(seen.counts) > 1:
            num = int(present.sum())
            sentence = (
                f"{judge.name} finds the same {num} class{'es' * (num != 1)} in all "
                f"{len(seen.counts)} real images: what it says does not depend on the image; "
                f"{remedy}"
            )
            yield Alarm("segmentation-constant", concerned, judge.name, float(present.sum()),
                        sentence)  # fmt: skip
        miou = next(value for value in iou_values(seen.confusions, judge.class_names)
                    if (value.metric, value.class_name) == ("miou", "all"))  # fmt: skip
        if miou.value < MIN_MIOU:
            sentence = (
                f"{judge.name} reaches a mIoU of {100 * miou.value:.1f} % on real images, expected "
                f"{100 * MIN_MIOU:.0f} % or more: its layouts are mostly wrong; {remedy}"
            )
            yield Alarm("segmentation-poor", concerned, judge.name, miou.value, sentence)


def _own_features(segmenter: str, judges: Extractors) -> list[str]:
    """Metrics that compare features of a segmenter."""
    return [metric for judge in judges.features if judge.name == segmenter
            for metric in _of_protocol(judge.protocol, FEATURE_METRICS)]  # fmt: skip


def _of_protocol(protocol: str, metrics: Sequence[str]) -> tuple[str, ...]:
    """Names of metrics in the features of a protocol."""
    names = [f"{metric}-{protocol}" for metric in metrics]
    return tuple(name for name in (*names, protocol) if name in DEFINITIONS)


def _of_clip(own: Observed, others: Observed, judges: Extractors) -> Iterator[Alarm]:
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
        _, chance = np.asarray(wilcoxon(margin, alternative="greater"))
    if chance >= MAX_CHANCE:
        share = float((margin > 0).mean())
        sentence = (
            f"{judges.clip.name} prefers the own caption of a real image to another one's in "
            f"{100 * share:.0f} % of {len(margin)} pairs, which may be chance "
            f"(p = {chance:.2g}): its CLIP score does not measure correspondence; "
            "train it longer (gcdp-bench train clip) or give another --clip"
        )
        yield Alarm("clip-chance", CLIP_METRICS, judges.clip.name, share, sentence)


def _of_size(reference: Reference, judges: Extractors, num_samples: int) -> Iterator[Alarm]:
    """Fewer images than a Fréchet distance needs."""
    smaller = min(num_samples, len(reference.observed))
    which = "samples" if num_samples <= len(reference.observed) else "real images"
    for judge in judges.features:
        rank = effective_rank(reference.observed.features[judge.protocol])
        needed = MIN_SAMPLES if math.isnan(rank) else max(MIN_SAMPLES, math.ceil(rank))
        if smaller < needed:
            sentence = (
                f"{smaller} {which} are fewer than the {needed} that {judge.protocol} features of "
                f"effective rank {rank:.0f} need: distances are mostly bias; give more samples "
                "or real images"
            )
            metrics = _of_protocol(judge.protocol, ("fid", "fd", "kid"))
            yield Alarm("few-samples", metrics, judge.name, float(smaller), sentence)
    if smaller < MIN_SAMPLES:
        for judge in judges.segmenters:
            sentence = (
                f"{smaller} {which} are fewer than {MIN_SAMPLES}: FSD is mostly bias; give more "
                "samples or real images"
            )
            yield Alarm("few-samples", ("fsd_predicted",), judge.name, float(smaller), sentence)
