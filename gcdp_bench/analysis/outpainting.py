"""Sample images of layouts and layouts of images, and evaluate both (Section 4.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from gcdp_bench.core.config import digest
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import IGNORE_ID, Dataset, MetricValue, Triplet
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import (
    EvalOptions,
    evaluate,
    reference_statistics,
    score_controls,
)
from gcdp_bench.evaluation.controls import Alarm
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.generators.outpaint import OutpaintRequest, outpaint_folder
from gcdp_bench.generators.outpaint_inputs import Conditioning
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics.layout_iou import confusion_matrices, iou_values
from reference_model.generator import Cascade
from reference_model.outpainting import IMAGE_RESAMPLING, LAYOUT_RESAMPLING

TO_IMAGE, TO_LAYOUT = "layout-to-image", "image-to-layout"
NUM_SHOWN = 5

COLUMNS = (
    "dataset",
    "model",
    "direction",
    "source",
    "metric",
    "class",
    "value",
    "corrected",
    "ci_low",
    "ci_high",
    "ci_method",
    "num_samples",
    "resampling",
    "guidance",
    "steps",
    "sr_steps",
    "seed",
)


@dataclass(frozen=True, kw_only=True)
class OutpaintingRequest:
    """Sampling settings of both directions."""

    num_samples: int
    weights: str  # digest of the generator's weights and sampling settings
    guidance: float = 2.0
    image_resampling: int = IMAGE_RESAMPLING  # n of RePaint from layout to image
    layout_resampling: int = LAYOUT_RESAMPLING  # n from image to layout
    seed: int = 0
    batch_size: int = 16


@dataclass(frozen=True)
class OutpaintingAnalysis:
    """Results; sample i of every part has the same caption."""

    table: pd.DataFrame  # columns `COLUMNS`
    real: Sequence[Triplet]
    images: Folder  # drawn from the layouts
    layouts: Folder  # drawn from the images
    segmented: Tensor  # uint8 (n, H, W), the segmenter's layouts of the first real images
    alarms: tuple[Alarm, ...]  # reasons not to believe what the extractors say


def analyze_outpainting(
    cascade: Cascade,
    dataset: Dataset,
    extractors: Extractors,
    request: OutpaintingRequest,
    folder: Path,
    *,
    progress: Progress,
) -> OutpaintingAnalysis:
    """Draw images of true layouts and layouts of real images, and score both.

    - layout-to-image: every metric of the images against the real split, among them the FID and
      `miou`, that of the segmenter's layouts with the given ones; beside it `miou` of the real
      images, source "real images".
    - image-to-layout: `miou`, `iou` and `pixel_accuracy` of the drawn with the true layouts, of
      the classes that the segmenter knows; beside it those of the segmenter, which was trained for
      this alone.

    Args:
        cascade: see `outpaint.outpainter`.
        dataset: the split in the order of its prompts, at the cascade's size.
        extractors: the networks.
        request: how to draw.
        folder: keeps the drawn pairs; a rerun draws only what is missing.
        progress: told of every batch.

    Raises:
        ValueError: fewer samples than 2 or more than the split has, other classes, or `folder`
            holds pairs of another request.
    """
    if not 2 <= request.num_samples <= len(dataset):
        raise ValueError(
            f"num_samples: expected 2 to {len(dataset)} ({dataset.name} {dataset.split}), got "
            f"{request.num_samples}"
        )
    if dataset.class_names != cascade.class_names:
        raise ValueError(
            f"{dataset.name}: expected the classes of the model {cascade.class_names}, got "
            f"{dataset.class_names}"
        )
    real = [dataset[index] for index in range(request.num_samples)]
    images, layouts = (
        _record(cascade, dataset, real, request, folder / direction, direction, progress)
        for direction in (TO_IMAGE, TO_LAYOUT)
    )
    cache = UserCache()
    reference = reference_statistics(dataset, extractors, cache, progress)
    scores = evaluate(
        images, reference, extractors, EvalOptions(), progress=progress, task=f"evaluate {TO_IMAGE}"
    )
    extractor = extractors.segmenters[0]
    of_real = reference.observed.part(0, len(real)).segmenters[extractor.name]
    real_miou, *_ = of_segmenter = iou_values(of_real.confusions, extractor.class_names)
    values = [
        *((TO_IMAGE, cascade.name, scored.value) for scored in scores.values if scored.primary),
        (TO_IMAGE, "real images", real_miou),
        *(
            (TO_LAYOUT, cascade.name, value)
            for value in _agreement(real, layouts, len(extractor.class_names))
        ),
        *((TO_LAYOUT, extractor.name, value) for value in of_segmenter),
    ]
    lines = [_line(cascade, dataset, request, *value) for value in values]
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    controls = score_controls(reference, extractors, cache, progress, num_samples=len(real))
    shown = torch.stack([triplet.image for triplet in real[:NUM_SHOWN]])  # (n, 3, H, W)
    segmented = extractor.predict(shown).layouts
    return OutpaintingAnalysis(table, real, images, layouts, segmented, controls.alarms)


def _record(
    cascade: Cascade,
    dataset: Dataset,
    real: Sequence[Triplet],
    request: OutpaintingRequest,
    folder: Path,
    direction: str,
    progress: Progress,
) -> Folder:
    """The other side of every pair, as a dataset in the order of `real`."""
    places = {triplet.id: f"{place:06d}" for place, triplet in enumerate(real)}
    pairs = [_known(triplet, places[triplet.id], direction) for triplet in real]
    captions = {places[triplet.id]: triplet.caption for triplet in real}
    outpaint_request = OutpaintRequest(
        model=cascade.name,
        weights=request.weights,
        dataset=dataset.name,
        inputs=digest([direction, captions, [_content(triplet) for triplet in real]]),
        guidance=request.guidance,
        resampling=_resampling(request, direction),
        seed=request.seed,
    )
    outpaint_folder(
        cascade,
        pairs,
        captions,
        outpaint_request,
        folder,
        batch_size=request.batch_size,
        progress=progress,
    )
    return Folder(folder, dataset.split, image_size=cascade.image_size)


def _known(triplet: Triplet, name: str, direction: str) -> Conditioning:
    known = torch.ones(triplet.layout.shape, dtype=torch.bool)
    if direction == TO_LAYOUT:
        return Conditioning(
            name, triplet.image, torch.full_like(triplet.layout, IGNORE_ID), known, ~known
        )
    return Conditioning(
        name, torch.zeros_like(triplet.image), triplet.layout, ~known, triplet.layout != IGNORE_ID
    )


def _content(triplet: Triplet) -> str:
    return digest([triplet.image.numpy().tobytes().hex(), triplet.layout.numpy().tobytes().hex()])


def _agreement(real: Sequence[Triplet], drawn: Folder, num_scored: int) -> list[MetricValue]:
    """IoU of drawn layouts with the true ones."""
    true = torch.stack([triplet.layout for triplet in real])  # (N, H, W)
    true = torch.where(true < num_scored, true, IGNORE_ID).to(torch.uint8)
    layouts = torch.stack([drawn[index].layout for index in range(len(real))])  # (N, H, W)
    confusions = confusion_matrices(true, layouts, len(drawn.class_names))
    return iou_values(confusions, drawn.class_names, num_scored=num_scored)


def _resampling(request: OutpaintingRequest, direction: str) -> int:
    return request.image_resampling if direction == TO_IMAGE else request.layout_resampling


def _line(
    cascade: Cascade,
    dataset: Dataset,
    request: OutpaintingRequest,
    direction: str,
    source: str,
    value: MetricValue,
) -> tuple:
    drawn = source == cascade.name
    return (
        *(dataset.name, cascade.name, direction, source, value.metric, value.class_name),
        *(value.value, value.corrected, value.ci_low, value.ci_high, value.ci_method),
        value.num_samples,
        *(_resampling(request, direction) if drawn else 0, request.guidance),
        *(cascade.config.steps, cascade.config.sr_steps, request.seed),
    )
