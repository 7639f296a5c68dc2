"""Values of single classes or attributes, of every model at its lowest FID."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gcdp_bench.report.best import best_setting
from gcdp_bench.results.schema import REFERENCE_MODELS, generators

COLUMNS = (
    "dataset",
    "model",
    "trained_on",
    "param_name",
    "param_value",
    "steps",
    "num_seeds",
    "metric",
    "class",
    "value",
    "ci_low",
    "ci_high",
    "ci_method",
    "num_samples",
)


def named_values(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One line per model and class of a metric that has a row per class.

    Every generator at the value of its parameter with the lowest FID, its seeds pooled where there
    are several (`gcdp_bench.results.seed_pooling`); real images as they are.

    Args:
        rows: tidy rows of one dataset.
        metric: e.g. "semantic_recall", "attribute_recall".

    Returns:
        Columns `COLUMNS`, shares in [0, 1]; generators first. A class that no caption names has no
        line.

    Raises:
        ValueError: no generator has the metric.
    """
    own = rows[(rows["metric"] == metric) & (rows["class"] != "all") & rows["primary"]]
    models = generators(own)
    if not models:
        dataset = rows["dataset"].iloc[0]
        raise ValueError(f"{dataset}: expected rows of {metric} by class, found none of a model")
    parts = [_pooled(best_setting(rows, model).rows(own)) for model in models]
    parts += [
        own[own["model"] == model].assign(num_seeds=1)
        for model in REFERENCE_MODELS
        if model in set(own["model"])
    ]
    table = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    return table[table["value"].notna()].reset_index(drop=True)


def _pooled(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one point: those that pool its seeds, or those of its only seed."""
    defined = rows[rows["value"].notna()]
    num_seeds = defined.groupby("class")["seed"].nunique()
    is_pooled = rows["class"].map(num_seeds).fillna(0) > 1
    chosen = rows[np.where(is_pooled, rows["seed"].isna(), rows["seed"].notna())]
    chosen = chosen.sort_values("value", na_position="last").drop_duplicates("class")
    return chosen.assign(
        num_seeds=chosen["class"].map(num_seeds).fillna(0).astype(int)
    ).sort_index()
