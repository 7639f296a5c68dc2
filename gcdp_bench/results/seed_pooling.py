"""Rows of several sampling seeds to one row: mean, spread between seeds, error within a seed."""

from __future__ import annotations

import pandas as pd

from gcdp_bench.core.config import digest
from gcdp_bench.metrics.centres import bounds_by_row, centres, interval_arms
from gcdp_bench.metrics.intervals import normal_quantile

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
    generated = (rows["source"] == "generated") & rows["seed"].notna() & rows["value"].notna()
    seeds = rows[generated]
    point = seeds.groupby(POINT, dropna=False, sort=False).ngroup()  # number of each row's point
    several = seeds.groupby(point)["seed"].transform("nunique") >= 2
    seeds, point = seeds[several], point[several]
    if not len(seeds):
        return rows.iloc[:0].reset_index(drop=True)

    arms = interval_arms(seeds)
    own = seeds[["value", "corrected", "seconds", "num_samples"]].assign(
        centre=centres(seeds),
        low=arms["low"] ** 2,
        high=arms["high"] ** 2,
        error=((arms["low"] + arms["high"]) / (2 * HALF_WIDTH)) ** 2,
    )
    points = own.groupby(point, sort=False)
    mean = points.mean(skipna=False)
    num, between = points.size(), points["value"].std(ddof=1)
    between_seeds = HALF_WIDTH**2 * between**2 / num
    low, high = (mean["low"] + between_seeds) ** 0.5, (mean["high"] + between_seeds) ** 0.5

    pooled = seeds[~point.duplicated()].set_axis(mean.index)
    bounds = bounds_by_row(pooled["metric"])
    hashes = seeds["config_hash"].groupby(point, sort=False).agg(list)
    method = ("pooled-" + num.astype("string") + "-seeds").where(low.notna(), "none")
    pooled = pooled.assign(
        seed=pd.array([pd.NA] * len(pooled), dtype="Int64"),
        value=mean["value"],
        corrected=mean["corrected"],
        ci_low=(mean["centre"] - low).clip(bounds["low"], bounds["high"]),
        ci_high=(mean["centre"] + high).clip(bounds["low"], bounds["high"]),
        ci_method=method,
        between_seed_sd=between,
        within_seed_sd=mean["error"] ** 0.5,
        num_samples=points["num_samples"].max(),
        seconds=points["seconds"].sum(),
        config_hash=[digest(sorted(group)) for group in hashes],
    )
    return pooled.astype(rows.dtypes.to_dict()).reset_index(drop=True)
