"""Rows of several sampling seeds to one row: mean, spread between seeds, error within a seed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from gcdp_bench.config import digest
from gcdp_bench.metrics.intervals import normal_quantile

POINT = ["dataset", "split", "protocol", "model", "param_value", "steps", "metric", "class",
         "extractor", "weights", "judges", "definition", "resize"]  # fmt: skip
"""Columns in which rows that are pooled agree."""

HALF_WIDTH = normal_quantile(0.95)
"""Of a 95 % interval, in standard errors."""


def pool_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per generated value that was measured with two seeds or more.

    The value is the mean over the S seeds. `between_seed_sd` is their standard deviation (ddof 1),
    `within_seed_sd` the root mean square of the standard errors inside a seed, each half the width
    of its 95 % interval over 1.96. The pooled interval is

        mean +- 1.96 sqrt(within^2 + between^2 / S):

    seeds share their captions, so the error that captions bring does not shrink with S and is
    counted in full (conservative). Another training run is not in it.

    Args:
        rows: tidy rows; those of real images and pooled ones are left out.

    Returns:
        Rows of the same columns, `seed` missing; none where there is one seed.
    """
    single = rows[(rows["source"] == "generated") & rows["seed"].notna()]
    pooled = []
    for _, group in single.groupby(POINT, dropna=False, sort=False):
        if group["seed"].nunique() < 2:
            continue
        row = group.iloc[0].copy()
        values = group["value"].to_numpy(float)
        errors = (group["ci_high"] - group["ci_low"]).to_numpy(float) / (2 * HALF_WIDTH)
        between = float(values.std(ddof=1))
        within = float(np.sqrt((errors**2).mean()))
        half = HALF_WIDTH * math.sqrt(within**2 + between**2 / len(values))
        row["value"], row["corrected"] = values.mean(), group["corrected"].mean(skipna=False)
        row["ci_low"], row["ci_high"] = row["value"] - half, row["value"] + half
        row["ci_method"] = "none" if math.isnan(half) else f"normal-{len(values)}-seeds"
        row["between_seed_sd"], row["within_seed_sd"] = between, within
        row["seed"] = pd.NA
        row["num_samples"] = int(group["num_samples"].max())
        row["seconds"] = group["seconds"].sum()
        row["captions"] = group["captions"].iloc[0]
        row["config_hash"] = digest(sorted(group["config_hash"]))
        pooled.append(row)
    frame = pd.DataFrame(pooled, columns=rows.columns)
    return frame.astype(rows.dtypes.to_dict()).reset_index(drop=True)
