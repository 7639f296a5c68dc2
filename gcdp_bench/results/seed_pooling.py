"""Rows of several sampling seeds to one row: mean, spread between seeds, error within a seed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from gcdp_bench.core.config import digest
from gcdp_bench.metrics.centres import centres, interval_arms
from gcdp_bench.metrics.intervals import normal_quantile
from gcdp_bench.metrics.lookup import bounds_of

POINT = [
    "dataset",
    "split",
    "protocol",
    "model",
    "param_value",
    "steps",
    "metric",
    "class",
    "extractor",
    "weights",
    "extractors",
    "definition",
    "resize",
]
"""Columns in which rows that are pooled agree."""

HALF_WIDTH = normal_quantile(0.95)
"""Half the width of a 95 % interval, in standard errors."""


def pool_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per generated value that was measured with two seeds or more.

    Value and corrected value are means over the S seeds whose value is defined (not NaN).
    `between_seed_sd` is the values' standard deviation (ddof 1), `within_seed_sd` the root mean
    square of the standard errors inside a seed, each half the width of its 95 % interval over 1.96.
    The pooled interval is about the corrected value, or the value where it has no bias:

        centre - sqrt(mean l^2 + 1.96^2 between^2 / S),  centre + sqrt(mean u^2 + ...),

    l and u the arms of the seeds' intervals (`centres.interval_arms`), within the metric's bounds.
    Seeds share their captions, so the error that captions bring does not shrink with S and is
    counted in full (conservative). Another training run is not in it.

    Args:
        rows: tidy rows; those of real images and pooled ones are left out.

    Returns:
        Rows of the same columns, `seed` missing; none where there is one seed.
    """
    single = rows[(rows["source"] == "generated") & rows["seed"].notna()]
    pooled = []
    for _, group in single.groupby(POINT, dropna=False, sort=False):
        group = group[group["value"].notna()]
        if group["seed"].nunique() < 2:
            continue
        row = group.iloc[0].copy()
        values = group["value"].to_numpy(float)
        arms = interval_arms(group)
        errors = (arms["low"] + arms["high"]).to_numpy(float) / (2 * HALF_WIDTH)
        between = float(values.std(ddof=1))
        within = float(np.sqrt((errors**2).mean()))
        row["value"], row["corrected"] = values.mean(), group["corrected"].mean(skipna=False)
        between_seeds = HALF_WIDTH**2 * between**2 / len(values)
        low, high = np.sqrt((arms**2).mean(skipna=False) + between_seeds)
        centre, bounds = centres(group).mean(), bounds_of(row["metric"])
        row["ci_low"], row["ci_high"] = np.clip([centre - low, centre + high], *bounds)
        row["ci_method"] = "none" if math.isnan(low) else f"pooled-{len(values)}-seeds"
        row["between_seed_sd"], row["within_seed_sd"] = between, within
        row["seed"] = pd.NA
        row["num_samples"] = int(group["num_samples"].max())
        row["seconds"] = group["seconds"].sum()
        row["captions"] = group["captions"].iloc[0]
        row["config_hash"] = digest(sorted(group["config_hash"]))
        pooled.append(row)
    frame = pd.DataFrame(pooled, columns=rows.columns)
    return frame.astype(rows.dtypes.to_dict()).reset_index(drop=True)
