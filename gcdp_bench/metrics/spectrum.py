"""Effective rank of a set of features."""

from __future__ import annotations

import math

import numpy as np

from gcdp_bench.metrics.feature_sets import Features


def effective_rank(x: Features) -> float:
    """exp of the entropy of the shares of the covariance's eigenvalues (Roy & Vetterli 2007).

    1 where all variance is in one direction, D where it is equal in all; at most N - 1, so that few
    samples show too little of it. NaN where nothing varies.

    Args:
        x: (N, D), finite.
    """
    centred = np.asarray(x, np.float64) - np.mean(x, 0, dtype=np.float64)
    gram = centred @ centred.T if len(centred) < centred.shape[1] else centred.T @ centred
    shares = np.clip(np.linalg.eigvalsh(gram), 0.0, None)
    if shares.sum() == 0.0:
        return math.nan
    shares = shares[shares > 0.0] / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
