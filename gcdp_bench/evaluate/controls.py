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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.alarms import ids_of
from gcdp_bench.cache import UserCache
from gcdp_bench.evaluate.cached import observe_cached
from gcdp_bench.evaluate.observed import Observed
from gcdp_bench.evaluate.reference import Reference
from gcdp_bench.evaluate.score import Judged, derangement, score_real
from gcdp_bench.extractors.bundle import CLIP_ROLE, Extractors
from gcdp_bench.images import resize_images
from gcdp_bench.metrics.definitions import DEFINITIONS, lookup
from gcdp_bench.metrics.intervals import wilson
from gcdp_bench.metrics.layout_iou import iou_values
from gcdp_bench.metrics.spectrum import effective_rank
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import Dataset, Triplet
from gcdp_bench.rows import CEILING, CONTROL_MODELS, FLOOR, SPLIT
from gcdp_bench.seeds import generator

NUM_IMAGES = 64
"""Images of a control; at most half of the split, whose other half is the reference."""

BLUR = 8
GREY = 128
MIN_MIOU = 0.25
"""mIoU on real images below which a segmenter is too poor to evaluate others."""

MIN_SAMPLES = 50
"""Samples below which no distance of distributions is trusted."""

NOISE, CONSTANT, BLURRED, SHUFFLED = CONTROL_MODELS
WORDS = {
    NOISE: "uniform noise",
    CONSTANT: "a constant image",
    BLURRED: f"real images blurred {BLUR} times",
    SHUFFLED: "real images with the captions of other images",
}

DISTANCES = ("fid", "fd", "kid", "cmmd", "fsd_predicted")
"""Metrics, without the protocol behind the dash, in which every control of images has to be farther
from real images than other real images are.
"""

CHECKS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    NOISE: (("semantic_recall", "semantic_precision"), ("miou",), ("clip-x100",)),
    CONSTANT: (("semantic_recall", "semantic_precision"), ("miou",), ("clip-x100",)),
    BLURRED: (("miou",),),
    SHUFFLED: (("semantic_recall", "semantic_precision"), ("attribute_recall",)),
}
"""Control -> groups of metrics; at least one metric of a group has to be worse than that of real
images. Recall and precision are one group: a network that finds every class in noise has a recall
of 100 %, and precision tells. A blurred image may show every class that its caption names.
"""

CAPTION_METRICS = ("semantic_recall", "semantic_precision", "false_detection_rate")
SEGMENTER_METRICS = (*CAPTION_METRICS, "miou", "fsd_predicted")
FEATURE_METRICS = ("fid", "fd", "kid", "precision", "recall", "density", "coverage")
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
    alarms = [*_of_segmenters(reference, judges), *_of_size(reference, judges, num_samples)]
    num = min(NUM_IMAGES, len(reference.observed) // 2)
    values: dict[str, list[Judged]] = {}
    if num >= 2:
        order = torch.randperm(len(reference.observed), generator=generator("controls")).numpy()
        places, rest = order[:num], reference.observed.take(order[num:])
        images = _Altered(reference.dataset, places, lambda image, index: image, "real images")
        own = reference.observed.take(places)

        def look(images: _Altered, roles: Iterable[str], captions: Sequence[str]) -> Observed:
            return observe_cached(images, judges, cache, roles=frozenset(roles), captions=captions,
                                  progress=progress, task=images.name).observed  # fmt: skip

        def matched(captions: Sequence[str]) -> Observed:
            clip = look(images, (CLIP_ROLE,), captions)
            return replace(own, captions=tuple(captions), cosines=clip.cosines,
                           too_long=clip.too_long)  # fmt: skip

        real = matched(own.captions)
        seen = {
            control: look(_Altered(reference.dataset, places, alter, control), judges.networks,
                          own.captions)
            for control, alter in ALTERATIONS.items()
        }  # fmt: skip
        seen[SHUFFLED] = matched([own.captions[index] for index in derangement(num)])
        truth = _scored(real, rest, reference, judges)
        values = {control: _scored(seen[control], rest, reference, judges)
                  for control in ALTERATIONS}  # fmt: skip
        asked_otherwise = score_real(seen[SHUFFLED], rest, reference, judges, FLOOR).values
        values[SHUFFLED] = [
            judged for judged in asked_otherwise if judged.value.class_name == "all"
        ]
        alarms += _of_clip(real, seen[SHUFFLED], judges)
        for control in CONTROL_MODELS:
            alarms += _of_control(control, values[control], truth)
    return Controls(values, tuple(alarms))


class _Altered:
    """Some real images, altered; their layouts and captions stay."""

    def __init__(
        self,
        dataset: Dataset,
        places: NDArray[np.int64],
        alter: Callable[[Tensor, int], Tensor],
        name: str,
    ):
        self._dataset, self._places, self._alter = dataset, places, alter
        self.name, self.split = name, dataset.split
        self.class_names, self.image_size = dataset.class_names, dataset.image_size
        self.caption_classes = dataset.caption_classes

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Triplet:
        triplet = self._dataset[int(self._places[index])]
        return replace(triplet, image=self._alter(triplet.image, index))


def _noise(image: Tensor, index: int) -> Tensor:
    """Uniform over 0..255, uint8 (3, H, W)."""
    return torch.randint(256, image.shape, generator=generator("noise", index)).to(torch.uint8)


def _constant(image: Tensor, index: int) -> Tensor:
    """Uint8 (3, H, W)."""
    return torch.full_like(image, GREY)


def _blurred(image: Tensor, index: int) -> Tensor:
    """An eighth of height and width, and enlarged again; uint8 (3, H, W)."""
    height, width = image.shape[-2:]
    small = resize_images(image[None], (math.ceil(height / BLUR), math.ceil(width / BLUR)))
    return resize_images(small, (height, width))[0]


ALTERATIONS: Mapping[str, Callable[[Tensor, int], Tensor]] = {
    NOISE: _noise,
    CONSTANT: _constant,
    BLURRED: _blurred,
}


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
    if control in ALTERATIONS:
        groups += [(metric,) for metric in dict.fromkeys(metric for metric, _ in pairs)
                   if _is_distance(metric)]  # fmt: skip
    for group in groups:
        for extractor in dict.fromkeys(name for metric, name in pairs if metric in group):
            found = [pairs[metric, extractor] for metric in group if (metric, extractor) in pairs]
            defined = [(one, truth) for one, truth in found
                       if not math.isnan(one.value.value + truth.value.value)]  # fmt: skip
            if defined and not any(_is_worse(*pair) for pair in defined):
                yield _not_worse(control, extractor, defined)


def _is_distance(metric: str) -> bool:
    return metric.partition("-")[0] in DISTANCES


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
    metrics = tuple(one.value.metric for one, _ in pairs)
    numbers = "; ".join(
        f"{metric} {one.value.value:.3g} against {truth.value.value:.3g}"
        for metric, (one, truth) in zip(metrics, pairs, strict=True)
    )
    concerned = metrics
    if set(metrics) & set(CAPTION_METRICS):
        concerned = CAPTION_METRICS
    elif set(metrics) & set(CLIP_METRICS):
        concerned = CLIP_METRICS
    remedy = (
        "give every image a caption of its own content, or another network"
        if control == SHUFFLED
        else "train the network longer or give another one"
    )
    sentence = (
        f"{' and '.join(metrics)} by {extractor} cannot tell {WORDS[control]} from real images "
        f"({numbers} of real images): rows with it say nothing; {remedy}"
    )
    return Alarm(control, concerned, extractor, pairs[0][0].value.value, sentence)


def _of_segmenters(reference: Reference, judges: Extractors) -> Iterator[Alarm]:
    """Segmentation of real images that is always the same, or poor."""
    for judge in judges.segmenters:
        seen = reference.observed.segmenters[judge.name]
        present = np.unique(seen.counts > 0, axis=0)
        remedy = "train it longer (gcdp-bench train segmenter) or give another --segmenter"
        concerned = (*SEGMENTER_METRICS, *_own_features(judge.name, judges))
        if len(present) == 1 and len(seen.counts) > 1:
            sentence = (
                f"{judge.name} finds the same {int(present.sum())} classes in all "
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
    """CLIP that prefers an image's own caption to another image's in half of the pairs."""
    margin = own.cosines - others.cosines
    margin = margin[~np.isnan(margin) & (np.array(own.captions) != np.array(others.captions))]
    share = wilson(int((margin > 0).sum()), len(margin))
    if len(margin) and not share.low > 0.5:
        sentence = (
            f"{judges.clip.name} prefers the own caption of a real image to another one's in "
            f"{100 * share.value:.0f} % of {len(margin)} pairs [{100 * share.low:.0f}, "
            f"{100 * share.high:.0f}], which may be chance: its CLIP score does not measure "
            "correspondence; train it longer (gcdp-bench train clip) or give another --clip"
        )
        yield Alarm("clip-chance", CLIP_METRICS, judges.clip.name, share.value, sentence)


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
                "(--num-samples) or real images"
            )
            metrics = _of_protocol(judge.protocol, ("fid", "fd", "kid"))
            yield Alarm("few-samples", metrics, judge.name, float(smaller), sentence)
    if smaller < MIN_SAMPLES:
        for judge in judges.segmenters:
            sentence = (
                f"{smaller} {which} are fewer than {MIN_SAMPLES}: FSD is mostly bias; give more "
                "samples (--num-samples) or real images"
            )
            yield Alarm("few-samples", ("fsd_predicted",), judge.name, float(smaller), sentence)
