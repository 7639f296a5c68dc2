"""Recall of each class, and whether rare classes are missed (Figures 6b and 6c)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gcdp_bench.analysis.named import named_values
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.metrics.intervals import NUM_RESAMPLES, Interval, basic_interval, without_interval

METRIC = "semantic_recall"
MIN_CLASSES = 4
"""Fewer have no rank correlation worth a number."""

HIGHEST = 1.0 - 1e-6


def class_table(rows: pd.DataFrame, proportions: pd.DataFrame) -> pd.DataFrame:
    """Recall of every class and model beside the class's share of the real split.

    Args:
        rows: tidy rows of one dataset.
        proportions: `classes.parquet` of it: `class`, `pixel_share`, `image_share`.

    Returns:
        Columns of `named_values`, `pixel_share`, `image_share` in [0, 1]; frequent classes first.

    Raises:
        ValueError: no model has recall by class.
    """
    table = named_values(rows, METRIC)
    shares = proportions.set_index("class")[["pixel_share", "image_share"]]
    table = table.join(shares, on="class")
    order = {model: place for place, model in enumerate(table["model"].unique())}
    return table.sort_values(
        ["model", "pixel_share"],
        ascending=[True, False],
        ignore_index=True,
        key=lambda column: column.map(order) if column.name == "model" else column,
    )


def frequency_correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Spearman's rank correlation of recall with the classes' share of pixels, per model.

    1: the more frequent the class, the better it is drawn when prompted; 0: no such order. The
    interval (basic bootstrap over classes, on Fisher's z) says what another draw of classes would
    give; classes are few, so it is wide.

    Args:
        table: of `class_table`.

    Returns:
        Columns `dataset`, `model`, `spearman`, `ci_low`, `ci_high`, `ci_method`, `num_classes`;
        NaN with fewer than `MIN_CLASSES` classes or where all have one recall.
    """
    lines = []
    for (dataset, model), part in table.groupby(["dataset", "model"], sort=False):
        share, recall = (part[name].to_numpy(float) for name in ("pixel_share", "value"))
        found = _spearman(share, recall, derive_seed("classes", str(dataset), str(model)))
        lines.append((dataset, model, found.value, found.low, found.high, found.method, len(part)))
    columns = ["dataset", "model", "spearman", "ci_low", "ci_high", "ci_method", "num_classes"]
    return pd.DataFrame(lines, columns=columns)


def correlation_text(line: pd.Series, pattern: str = "+.2f") -> str:
    """Correlation and interval of a line of `frequency_correlations`, or why there is none."""
    if not math.isnan(line["spearman"]):
        ends = ", ".join(f"{line[end]:{pattern}}" for end in ("ci_low", "ci_high"))
        return f"{line['spearman']:{pattern}} [{ends}]"
    if line["num_classes"] < MIN_CLASSES:
        return f"undefined (fewer than {MIN_CLASSES} classes)"
    return "undefined (all classes have one recall, or one share)"


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64], seed: int) -> Interval:
    num = len(x)
    if num < MIN_CLASSES:
        return without_interval(math.nan)
    drawn = np.random.default_rng(seed).integers(num, size=(NUM_RESAMPLES, num))  # (R, K)
    resampled, value = _rank_correlations(x[drawn], y[drawn]), float(_rank_correlations(x, y))
    found = basic_interval(_z(value), _z(resampled), method="basic, Fisher's z")
    return replace(found, value=value, low=math.tanh(found.low), high=math.tanh(found.high))


def _z(correlation: Any) -> Any:
    """Fisher's z, on which an interval cannot leave [-1, 1]; +-1 itself is drawn in a little."""
    return np.arctanh(np.clip(correlation, -HIGHEST, HIGHEST))


def _rank_correlations(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's of the ranks, (..., K) to (...,); NaN where a side is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(side, axis=-1) for side in (x, y)]
    one, two = (rank - rank.mean(-1, keepdims=True) for rank in ranks)
    scale = np.sqrt((one**2).sum(-1) * (two**2).sum(-1))
    covariance = (one * two).sum(-1)
    return np.divide(covariance, scale, out=np.full(np.shape(scale), np.nan), where=scale > 0)
