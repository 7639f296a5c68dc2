"""Features of rendered street scenes as a population whose distances are known.

Every scene is segmented twice by the pretrained segmenter: as it was rendered, and degraded as a
poor
generator's image is (blurred, paler, noisy). Between both versions of the same scene

    x(s) = clean + s (degraded - clean)

lies a population at any distance from the clean one: 0 at s = 0, and growing with s.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import gcdp_bench.extractors
from gcdp_bench.datasets.synth_city import CLASS_NAMES, render
from gcdp_bench.extractors.segmenter import TrainedSegmenter
from gcdp_bench.io.atomic import replacing
from gcdp_bench.metrics.segmentation_distance import area_percent
from gcdp_bench.metrics.semantic_recall import class_counts

SIZE = (64, 128)
FIRST_SCENE = 10_000_000
"""Scenes from here on belong to no split."""

BATCH = 100
BLUR, CONTRAST, NOISE = 1.0, 0.8, 6.0  # pixels, share, grey levels


@dataclass(frozen=True)
class Pool:
    """N scenes, twice; row i of every array is scene i."""

    features: NDArray[np.float64]  # (N, D), the segmenter's
    degraded_features: NDArray[np.float64]
    areas: NDArray[np.float64]  # (N, K), percent, of the segmenter's layouts
    degraded_areas: NDArray[np.float64]


def load_pool(path: Path, num: int) -> Pool:
    """The first `num` scenes of the pool in `path`; made there if it is missing or smaller."""
    if path.exists():
        with np.load(path) as arrays:
            if len(arrays["features"]) >= num:
                return Pool(*(arrays[name][:num].astype(np.float64) for name in _names()))
    pool = make_pool(num)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **{n: getattr(pool, n).astype(np.float32) for n in _names()})
    return load_pool(path, num)


def make_pool(num: int, *, first: int = FIRST_SCENE) -> Pool:
    """Render, degrade and segment scenes `first` to `first + num`."""
    folder = Path(gcdp_bench.extractors.__file__).parent / "pretrained" / "segmenter-synth-city"
    segmenter = TrainedSegmenter.load(folder)
    parts = []
    for start in range(first, first + num, BATCH):
        seeds = range(start, min(start + BATCH, first + num))
        clean = [render(seed, SIZE)[0] for seed in seeds]
        degraded = [degrade(image, seed) for image, seed in zip(clean, seeds, strict=True)]
        row = []
        for images in (clean, degraded):
            pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)  # (B, 3, H, W)
            seen = segmenter.predict(pixels)
            counts = class_counts(seen.layouts, len(CLASS_NAMES))
            row += [seen.features.numpy(), area_percent(counts)]
        parts.append(row)
    features, areas, degraded_features, degraded_areas = map(
        np.concatenate, zip(*parts, strict=True)
    )
    return Pool(features, degraded_features, areas, degraded_areas)


def degrade(image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Blurred, paler and noisy, uint8 (H, W, 3)."""
    rng = np.random.default_rng((seed, 1))
    blurred = cv2.GaussianBlur(image, (0, 0), BLUR).astype(np.float64)
    paler = 127.5 + CONTRAST * (blurred - 127.5)
    noisy = paler + rng.normal(0.0, NOISE, image.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _names() -> tuple[str, ...]:
    return tuple(Pool.__dataclass_fields__)
