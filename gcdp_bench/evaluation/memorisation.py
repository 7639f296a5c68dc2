"""Samples against the images that their generator was trained on, in an extractor's feature
space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import Dataset, FeatureExtractor, MetricValue
from gcdp_bench.metrics.memorisation import Neighbours, memorised_values, nearest_training

BATCH = 32


@dataclass(frozen=True)
class Memorisation:
    """Results."""

    neighbours: Neighbours  # of the samples, in the training set
    values: list[MetricValue]  # of the samples
    unseen_values: list[MetricValue]  # of real images that training did not see: what chance gives
    per_sample: pd.DataFrame
    """One line per sample: id, neighbour (id of the nearest training image), neighbour_index,
    distance, real_distance, ratio, memorised."""


def find_memorised(
    samples: Dataset,
    training: Dataset,
    unseen: Dataset,
    extractor: FeatureExtractor,
    *,
    progress: Progress,
) -> Memorisation:
    """Nearest training image of every sample, and the share of samples that are too near.

    The same is done for real images that training did not see, because the share is not 0 for
    them; see `metrics.memorisation`.

    Args:
        samples: of a generator.
        training: the images that the generator was trained on.
        unseen: other real images of the same distribution.
        extractor: in whose features distances are measured.
        progress: told of every batch.

    Raises:
        ValueError: images of different sizes, or too few.
    """
    for other in (training, unseen):
        if other.image_size != samples.image_size:
            raise ValueError(
                f"{other.name}, {other.split}: expected images of the samples' size "
                f"{samples.image_size}, got {other.image_size}; open it at that size"
            )
    real = _features(training, extractor, progress)  # (M, D)
    neighbours = nearest_training(_features(samples, extractor, progress), real)
    expected = nearest_training(_features(unseen, extractor, progress), real)
    ids = [samples[index].id for index in range(len(samples))]
    training_ids = {int(index): training[int(index)].id for index in np.unique(neighbours.index)}
    per_sample = pd.DataFrame(
        {
            "id": ids,
            "neighbour": [training_ids[int(index)] for index in neighbours.index],
            "neighbour_index": neighbours.index,
            "distance": neighbours.distance,
            "real_distance": neighbours.real_distance,
            "ratio": neighbours.ratio,
            "memorised": neighbours.memorised,
        }
    )
    return Memorisation(
        neighbours, memorised_values(neighbours), memorised_values(expected), per_sample
    )


def _features(
    dataset: Dataset, extractor: FeatureExtractor, progress: Progress
) -> NDArray[np.float32]:
    """Features of every image, (N, D)."""
    parts = []
    progress.start(
        f"{extractor.name} of {dataset.name} {dataset.split}", len(dataset), unit="image"
    )
    for start in range(0, len(dataset), BATCH):
        indices = range(start, min(start + BATCH, len(dataset)))
        images = torch.stack([dataset[index].image for index in indices])  # (B, 3, H, W)
        parts.append(extractor.features(images).float().cpu().numpy())
        progress.advance(len(images))
    progress.finish()
    return np.concatenate(parts)
