"""Do a model's internal features know the layout? (Section 4.5, Figure 8)"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from gcdp_bench.core.finite import finite_samples
from gcdp_bench.core.images import resize_images, resize_layouts, to_float
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.core.types import IGNORE_ID, Dataset, MetricValue
from gcdp_bench.metrics.clustering import clustering_values, contingency_tables
from gcdp_bench.metrics.layout_iou import confusion_matrices, iou_values

if TYPE_CHECKING:
    from reference_model.generator import Cascade

BATCH = 16
NUM_PIXELS = 20_000
"""Pixels, drawn from all images, that k-means and the probe learn from."""

PROBE_ITERATIONS = 100

COLUMNS = (
    "dataset",
    "model",
    "block",
    "t",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "ci_method",
    "num_images",
    "num_clusters",
    "seed",
)


@dataclass(frozen=True, kw_only=True)
class FeatureRequest:
    """Settings of the analysis."""

    timesteps: tuple[int, ...]  # wanted t; the nearest sampled ones are taken
    blocks: tuple[str, ...]
    num_images: int
    num_clusters: int
    steps: int = 50  # sampling steps along which layouts are drawn
    seed: int = 0


@dataclass(frozen=True)
class FeatureAnalysis:
    """Results."""

    table: pd.DataFrame  # columns `COLUMNS`
    images: Tensor  # uint8 (N, 3, H, W), at the base stage's size
    layouts: Tensor  # uint8 (N, H, W), the true ones
    clusters: Mapping[tuple[str, str, int], NDArray[np.int64]]
    """(model, block, t) to cluster ids (N, H, W)."""


def analyze_features(
    models: Sequence[Cascade], dataset: Dataset, request: FeatureRequest, *, progress: Progress
) -> FeatureAnalysis:
    """Cluster internal features of base stages and hold the clusters against the true layouts.

    Real images are noised to t; see `reference_model.features` for what each model is shown.
    Features are enlarged to the size of the base stage and standardised. Then, per model, block
    and t:

    - k-means of all pixels' features (k-means++ on `NUM_PIXELS` of them): `ari` and `nmi` of the
      clusters with the true classes;
    - a linear probe (logistic regression) from features to classes, learned from the first half
      of the images: `probe_miou` on the second half.

    Args:
        models: cascades with base stages of one size.
        dataset: real images with layouts; the first ones are taken.
        request: what to look at.
        progress: told of every model, block and timestep.

    Raises:
        ValueError: too few images, an unknown block or timestep, or stages of different sizes.
    """
    from reference_model.features import nearest_steps

    _check(models, dataset, request)
    stage = models[0].stages[0]
    timesteps = nearest_steps(stage.process.num_steps, request.steps, request.timesteps)
    triplets = [dataset[index] for index in range(request.num_images)]
    size = stage.config.image_size
    images = resize_images(torch.stack([t.image for t in triplets]), size)  # (N, 3, H, W)
    layouts = resize_layouts(torch.stack([t.layout for t in triplets]), size)  # (N, H, W)
    captions = [triplet.caption for triplet in triplets]
    lines, clusters = [], {}
    num = len(models) * len(timesteps) * len(request.blocks)
    progress.start("features", num, unit="map")
    for model in models:
        maps = _feature_maps(model, images, captions, timesteps, request)
        for (t, block), features in maps:
            pixels = _pixels(features, size)  # (N, H, W, C)
            found = _cluster(pixels, request)  # (N, H, W)
            clusters[model.name, block, t] = found
            values = [
                *clustering_values(
                    contingency_tables(
                        layouts.numpy(), found, len(dataset.class_names), request.num_clusters
                    )
                ),
                _probe(pixels, layouts, dataset.class_names, request.seed),
            ]
            lines += [_line(dataset, model, block, t, value, request) for value in values]
            progress.advance()
    progress.finish()
    return FeatureAnalysis(pd.DataFrame(lines, columns=list(COLUMNS)), images, layouts, clusters)


def _feature_maps(
    model: Cascade,
    images: Tensor,
    captions: Sequence[str],
    timesteps: Sequence[int],
    request: FeatureRequest,
) -> Iterator[tuple[tuple[int, str], Tensor]]:
    """Every (t, block) with its features of all images, (N, C, h, w)."""
    from reference_model.features import internal_features

    parts: list[Mapping[tuple[int, str], Tensor]] = []
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        with finite_samples(model.name, captions[part]):
            parts.append(
                internal_features(
                    model.stages[0],
                    model.encode_text(captions[part]),
                    to_float(images[part]),
                    timesteps=timesteps,
                    blocks=request.blocks,
                    seeds=[
                        derive_seed(request.seed, index)
                        for index in range(start, start + len(images[part]))
                    ],
                    num_steps=request.steps,
                )
            )
    for t in timesteps:
        for block in request.blocks:
            yield (t, block), torch.cat([found[t, block] for found in parts])


def _pixels(features: Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    """Standardised features of every pixel, (N, H, W, C)."""
    large = F.interpolate(features, size=size, mode="bilinear", align_corners=False)
    pixels = large.permute(0, 2, 3, 1).contiguous()  # (N, H, W, C)
    mean, std = pixels.mean((0, 1, 2)), pixels.std((0, 1, 2))  # (C,)
    return ((pixels - mean) / std.clamp_min(1e-6)).numpy()


def _cluster(pixels: NDArray[np.float32], request: FeatureRequest) -> NDArray[np.int64]:
    """Cluster ids (N, H, W)."""
    from sklearn.cluster import KMeans

    flat = pixels.reshape(-1, pixels.shape[-1])  # (N H W, C)
    settings: dict[str, Any] = {"n_init": 3, "random_state": request.seed}
    means: Any = KMeans(request.num_clusters, **settings)
    means.fit(flat[_record(len(flat), request.seed)])
    return means.predict(flat).astype(np.int64).reshape(pixels.shape[:-1])


def _probe(
    pixels: NDArray[np.float32], layouts: Tensor, class_names: Sequence[str], seed: int
) -> MetricValue:
    """mIoU of a linear probe on the images that it did not learn from."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    half = len(pixels) // 2
    flat, classes = pixels[:half].reshape(-1, pixels.shape[-1]), layouts[:half].numpy().ravel()
    labelled = np.flatnonzero(classes != IGNORE_ID)
    taken = labelled[_record(len(labelled), seed)]
    probe: Any = LogisticRegression(max_iter=PROBE_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed budget, the same for all
        probe.fit(flat[taken], classes[taken])
    rest = pixels[half:]
    found = probe.predict(rest.reshape(-1, rest.shape[-1])).reshape(rest.shape[:-1])
    confusions = confusion_matrices(
        layouts[half:], torch.from_numpy(found.astype(np.uint8)), len(class_names)
    )
    (miou,) = [v for v in iou_values(confusions, class_names) if v.metric == "miou"]
    return replace(miou, metric="probe_miou")


def _record(num: int, seed: int) -> NDArray[np.int64]:
    """Places of at most `NUM_PIXELS` of `num` pixels."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(num, min(num, NUM_PIXELS), replace=False))


def _line(
    dataset: Dataset,
    model: Cascade,
    block: str,
    t: int,
    value: MetricValue,
    request: FeatureRequest,
) -> tuple:
    return (
        dataset.name,
        model.name,
        block,
        t,
        value.metric,
        value.value,
        value.ci_low,
        value.ci_high,
        value.ci_method,
        value.num_samples,
        request.num_clusters,
        request.seed,
    )


def _check(models: Sequence[Cascade], dataset: Dataset, request: FeatureRequest) -> None:
    if not 4 <= request.num_images <= len(dataset):
        raise ValueError(
            f"num_images: expected 4 to {len(dataset)} (images of {dataset.name} {dataset.split}), "
            f"got {request.num_images}"
        )
    if request.num_clusters < 2:
        raise ValueError(f"num_clusters: expected at least 2, got {request.num_clusters}")
    sizes = {model.name: model.stages[0].config.image_size for model in models}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"expected base stages of one size, got {sizes}; train them alike")
