"""Folder of samples to metrics, in one pass over the images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.files import replacing
from gcdp_bench.images import write_layout
from gcdp_bench.metrics.clip_score import clip_values
from gcdp_bench.metrics.frechet import frechet_distance
from gcdp_bench.metrics.layout_iou import confusion_matrix, iou_values
from gcdp_bench.metrics.segmentation_distance import area_percent, fsd_values
from gcdp_bench.metrics.semantic_recall import (
    class_counts,
    classes_asked,
    classes_found,
    precision_per_sample,
    recall_per_sample,
    recall_values,
)
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import IGNORE_ID, Dataset, MetricValue, Triplet
from gcdp_bench.seeds import generator

BATCH = 32
CACHE_VERSION = 1


@dataclass(frozen=True)
class Reference:
    """Real images of a split, as the judges see them."""

    features: NDArray[np.float32]  # (M, D) of the Fréchet distance
    areas: NDArray[np.float64]  # (M, K), percent of each class in the true layouts
    predicted_areas: NDArray[np.float64]  # (M, K), in the segmenter's layouts
    class_names: tuple[str, ...]
    captioned: frozenset[int]  # ids that some caption of the split names

    def without(self, num: int) -> Reference:
        """The images after the first `num`."""
        return Reference(self.features[num:], self.areas[num:], self.predicted_areas[num:],
                         self.class_names, self.captioned)  # fmt: skip


@dataclass(frozen=True)
class Scores:
    """All values of one point."""

    values: list[MetricValue]
    per_sample: pd.DataFrame  # id, caption, asked, found, recall, precision, clip
    extractors: dict[str, str]  # metric -> network that it depends on

    def frame(self) -> pd.DataFrame:
        """Values as a table."""
        rows = [
            (v.metric, v.class_name, v.value, v.num_samples, self.extractors.get(v.metric, "none"))
            for v in self.values
        ]
        return pd.DataFrame(rows, columns=["metric", "class", "value", "num_samples", "extractor"])


@dataclass
class _Seen:
    """What one pass over images collects."""

    features: list[NDArray] = field(default_factory=list)
    predicted_counts: list[NDArray] = field(default_factory=list)
    layout_counts: list[NDArray] = field(default_factory=list)
    found: list[NDArray] = field(default_factory=list)
    cosines: list[NDArray] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    num_long_captions: int = 0
    confusion: NDArray | None = None


def reference_statistics(
    dataset: Dataset, extractors: Extractors, cache_dir: Path, progress: Progress
) -> Reference:
    """What the judges see in a real split; cached under a hash of its pixels and the judges."""
    key, captioned = _read_all(dataset, extractors, progress)
    path = cache_dir / f"reference-{key}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("features", "areas", "predicted_areas")}
        return Reference(**arrays, class_names=dataset.class_names, captioned=captioned)
    seen = _Seen()
    progress.start(f"reference {dataset.name}", len(dataset), unit="image")
    for batch in _batches(dataset, len(dataset)):
        _look(batch, None, dataset.class_names, extractors, seen, with_clip=False)
        progress.advance(len(batch))
    progress.finish()
    reference = Reference(
        np.concatenate(seen.features),
        area_percent(np.concatenate(seen.layout_counts)),
        area_percent(np.concatenate(seen.predicted_counts)),
        dataset.class_names,
        captioned,
    )
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, features=reference.features, areas=reference.areas,
                 predicted_areas=reference.predicted_areas)  # fmt: skip
    return reference


def score(
    samples: Dataset,
    reference: Reference,
    extractors: Extractors,
    *,
    has_layouts: bool,
    num_samples: int | None = None,
    captions: Sequence[str] | None = None,
    predicted_dir: Path | None = None,
    progress: Progress,
) -> Scores:
    """Score samples; every judge looks at every image once.

    Args:
        samples: images with the captions they were made for, and layouts if `has_layouts`.
        reference: real images to compare distributions with.
        extractors: the judges.
        has_layouts: False for an image-only generator: no mIoU, no FSD of generated layouts.
        num_samples: score the first ones only; None for all.
        captions: ask for these instead of the samples' own captions.
        predicted_dir: write the segmenter's layouts here as PNG.
        progress: told of every batch.

    Raises:
        ValueError: classes differ, or too few samples.
    """
    if samples.class_names != reference.class_names:
        raise ValueError(
            f"{samples.name}: expected the classes of the reference {reference.class_names}, got "
            f"{samples.class_names}"
        )
    num = len(samples) if num_samples is None else num_samples
    seen = _Seen()
    progress.start(f"score {samples.name}", num, unit="image")
    for batch in _batches(samples, num):
        asked = None if captions is None else captions[len(seen.ids) : len(seen.ids) + len(batch)]
        predicted = _look(batch, asked, samples.class_names, extractors, seen, with_clip=True,
                          with_iou=has_layouts)  # fmt: skip
        if predicted_dir is not None:
            for triplet, layout in zip(batch, predicted, strict=True):
                write_layout(predicted_dir / f"{triplet.id}.png", layout)
        progress.advance(len(batch))
    progress.finish()
    return _summarise(samples, seen, reference, extractors, has_layouts)


def score_real(
    dataset: Dataset,
    reference: Reference,
    extractors: Extractors,
    *,
    num_samples: int,
    shuffled: bool,
    predicted_dir: Path | None = None,
    progress: Progress,
) -> Scores:
    """Score real images of the split itself: the ceiling, or with `shuffled` captions the floor.

    Distributions are compared with the remaining images of the split, so that no image is on both
    sides; mIoU compares the true layout with the segmenter's.

    Raises:
        ValueError: fewer than two images remain as the reference.
    """
    if len(dataset) - num_samples < 2:
        raise ValueError(
            f"num_samples: expected at most {len(dataset) - 2} so that real images remain to "
            f"compare with, got {num_samples}; lower --num-samples"
        )
    captions = [dataset[index].caption for index in range(num_samples)]
    if shuffled:
        captions = [captions[index] for index in derangement(num_samples)]
    return score(
        dataset,
        reference.without(num_samples),
        extractors,
        has_layouts=True,
        num_samples=num_samples,
        captions=captions,
        predicted_dir=predicted_dir,
        progress=progress,
    )


def derangement(num: int) -> list[int]:
    """A fixed permutation that leaves nothing in its place: one cycle through a shuffled list."""
    order = torch.randperm(num, generator=generator("derangement", num)).tolist()
    result = [0] * num
    for place, index in enumerate(order):
        result[index] = order[(place + 1) % num]
    return result


def class_proportions(reference: Reference, dataset: Dataset) -> pd.DataFrame:
    """Share of each class in the pixels and in the images of a real split (Figure 6c)."""
    return pd.DataFrame(
        {
            "dataset": dataset.name,
            "class": list(reference.class_names),
            "pixel_share": reference.areas.mean(0) / 100.0,
            "image_share": (reference.areas > 0).mean(0),
        }
    )


def _look(
    batch: Sequence[Triplet],
    captions: Sequence[str] | None,
    class_names: Sequence[str],
    extractors: Extractors,
    seen: _Seen,
    *,
    with_clip: bool,
    with_iou: bool = False,
) -> Tensor:
    """Show a batch to every judge once; returns the segmenter's layouts uint8 (B, H, W)."""
    images = torch.stack([triplet.image for triplet in batch])  # (B, 3, H, W)
    layouts = torch.stack([triplet.layout for triplet in batch])  # (B, H, W)
    captions = captions or [triplet.caption for triplet in batch]
    num_classes = len(class_names)
    prediction = extractors.segmenter.predict(images)
    features = prediction.features
    if extractors.inception is not None:
        features = extractors.inception.features(images)
    seen.features.append(features.numpy())
    seen.predicted_counts.append(class_counts(prediction.layouts, num_classes))
    seen.found.append(classes_found(prediction.layouts, num_classes))
    seen.ids += [triplet.id for triplet in batch]
    seen.captions += captions
    if bool((layouts != IGNORE_ID).any()):
        seen.layout_counts.append(class_counts(layouts, num_classes))
    if with_iou:
        matrix = confusion_matrix(layouts, prediction.layouts, num_classes)
        seen.confusion = matrix if seen.confusion is None else seen.confusion + matrix
    if with_clip:
        clip = extractors.clip.cosines(images, captions)
        seen.cosines.append(clip.cosines)
        seen.num_long_captions += clip.num_long
    return prediction.layouts


def _summarise(
    samples: Dataset, seen: _Seen, reference: Reference, extractors: Extractors, has_layouts: bool
) -> Scores:
    names = samples.class_names
    found = np.concatenate(seen.found)  # (N, K)
    asked = classes_asked([samples.caption_classes(c) for c in seen.captions], len(names))
    cosines = np.concatenate(seen.cosines)  # (N,)
    distance = frechet_distance(np.concatenate(seen.features), reference.features)
    num = len(found)
    values = [
        *recall_values(asked, found, names, reference.captioned),
        MetricValue(extractors.fid_metric, "all", distance.total, num),
        *clip_values(cosines, seen.num_long_captions),
        *fsd_values(
            area_percent(np.concatenate(seen.predicted_counts)), reference.predicted_areas,
            "predicted",
        ),
    ]  # fmt: skip
    if has_layouts and seen.confusion is not None:
        areas = area_percent(np.concatenate(seen.layout_counts))
        values += iou_values(seen.confusion, names, num)
        values += fsd_values(areas, reference.areas, "generated")
    columns = sorted(reference.captioned)
    per_sample = pd.DataFrame(
        {
            "id": seen.ids,
            "caption": seen.captions,
            "asked": [_listed(row, names, columns) for row in asked],
            "found": [_listed(row, names, columns) for row in found],
            "recall": recall_per_sample(asked[:, columns], found[:, columns]),
            "precision": precision_per_sample(asked[:, columns], found[:, columns]),
            "clip": cosines,
        }
    )
    segmenter = extractors.segmenter.name
    used = {
        value.metric: segmenter for value in values if not value.metric.startswith("fsd_generated")
    }
    used |= {extractors.fid_metric: extractors.fid_extractor}
    used |= {"clip_score": extractors.clip.name, "clip_long_captions": extractors.clip.name}
    return Scores(values, per_sample, used)


def _listed(row: NDArray[np.bool_], names: Sequence[str], columns: Sequence[int]) -> str:
    return ", ".join(names[column] for column in columns if row[column])


def _batches(dataset: Dataset, num: int) -> Iterator[list[Triplet]]:
    for start in range(0, num, BATCH):
        yield [dataset[index] for index in range(start, min(start + BATCH, num))]


def _read_all(
    dataset: Dataset, extractors: Extractors, progress: Progress
) -> tuple[str, frozenset[int]]:
    """Hash of every pixel, every layout and the judges; and all classes that captions name."""
    digest = hashlib.sha256(f"{CACHE_VERSION}{sorted(extractors.digests.items())}".encode())
    captioned: frozenset[int] = frozenset()
    progress.start(f"read {dataset.name}", len(dataset), unit="image")
    for index in range(len(dataset)):
        triplet = dataset[index]
        digest.update(triplet.image.numpy().tobytes())
        digest.update(triplet.layout.numpy().tobytes())
        captioned |= dataset.caption_classes(triplet.caption)
        progress.advance()
    progress.finish()
    return digest.hexdigest()[:16], captioned
