"""A metric: the Vendi score (Friedman and Dieng 2023), the effective number of different images."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.core.types import MetricValue
from gcdp_bench.metrics.metric import Column, Definition, Metric


def vendi_score(features: NDArray[np.float32]) -> float:
    """exp of the entropy of the eigenvalues of K / N, where K holds the cosines of all pairs.

    Args:
        features: (N, D), none of them zero.
    """
    unit = features / np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)  # (N, D)
    eigenvalues = np.linalg.svd(unit, compute_uv=False) ** 2 / len(unit)  # (min(N, D),)
    positive = eigenvalues[eigenvalues > 0]
    return math.exp(-np.sum(positive * np.log(positive)))


def vendi_values(features: NDArray[np.float32]) -> list[MetricValue]:
    """The score of all images."""
    return [MetricValue("vendi", "all", vendi_score(features), len(features))]


VENDI = Metric(
    name="vendi",
    fn=vendi_values,
    needs=("features",),
    definitions={
        "vendi": Definition(
            title="Vendi score",
            formula="exp(-Σ λ log λ), λ the eigenvalues of K / N, K the cosines of features",
            unit="images, from 1 (all the same) to N (no two alike)",
            higher_is_better=True,
            source="Friedman and Dieng 2023, The Vendi Score, TMLR",
            extractor="the first of --features",
            resize="as the extractor's",
            compared_with="nothing: real images have a score of their own",
            interval="none",
            traps=("It grows with the number of images: compare points of equal numbers.",),
            bounds=(1.0, math.inf),
            column=Column("Vendi score", digits=2),
        )
    },
)
