"""Pooled rows on values whose spreads are known."""

import math

import numpy as np
import pytest

from gcdp_bench.results.schema import COLUMNS, REAL_OWN, to_frame
from gcdp_bench.results.seed_pooling import pool_seeds
from tests.gcdp_bench.results.test_schema import record

Z_95 = 1.959964  # half the width of a 95 % interval in standard errors


def rows_of(values, half=0.2, **changes):
    return [
        record(
            seed=seed,
            value=value,
            ci_low=value - half,
            ci_high=value + half,
            config_hash=f"{seed}{changes}",
            **changes,
        )
        for seed, value in enumerate(values)
    ]


def test_one_seed_is_not_pooled():
    assert len(pool_seeds(to_frame(rows_of([1.0])))) == 0


def test_spreads_between_and_within_seeds():
    values = [1.0, 2.0, 4.0]
    pooled = pool_seeds(to_frame(rows_of(values, metric="clip-x100")))
    assert list(pooled.columns) == list(COLUMNS) and len(pooled) == 1
    row = pooled.iloc[0]
    assert row["value"] == pytest.approx(7 / 3)
    assert row["between_seed_sd"] == pytest.approx(np.std(values, ddof=1))
    assert row["within_seed_sd"] == pytest.approx(0.2 / Z_95)
    assert math.isnan(row["param_value"]) is False and row.isna()["seed"]
    half = Z_95 * math.sqrt((0.2 / Z_95) ** 2 + np.var(values, ddof=1) / 3)
    assert row["ci_high"] - row["value"] == pytest.approx(half)


def test_points_and_classes_stay_apart():
    rows = (
        rows_of([1.0, 2.0]) + rows_of([3.0, 5.0], param_value=4.0) + rows_of([7.0, 9.0], metric="x")
    )
    rows += rows_of([0.0, 1.0], **{"class": "car"})
    pooled = pool_seeds(to_frame(rows))
    assert sorted(pooled["value"]) == [0.5, 1.5, 4.0, 8.0]
    assert pooled["config_hash"].nunique() == 4  # each of other points


def test_real_images_and_pooled_rows_are_left_out():
    rows = to_frame(rows_of([1.0, 2.0]) + rows_of([1.0, 3.0], model=REAL_OWN, source="real"))
    pooled = pool_seeds(rows)
    assert pooled["model"].tolist() == ["reference"]
    assert len(pool_seeds(to_frame(pooled.drop(columns="schema_version").to_dict("records")))) == 0


def test_without_an_interval_there_is_none():
    row = pool_seeds(to_frame(rows_of([1.0, 2.0], half=math.nan))).iloc[0]
    assert row["ci_method"] == "none" and math.isnan(row["ci_low"])


def test_the_pooled_interval_stands_about_the_corrected_value():
    """Seeds of an FID of 5 with a bias of 3: the plain values lie outside of what is pooled."""
    rows = [
        record(
            seed=seed,
            metric="fid-hrnet",
            value=8.0 + shift,
            corrected=5.0 + shift,
            ci_low=4.0 + shift,
            ci_high=6.5 + shift,
            config_hash=str(seed),
        )
        for seed, shift in enumerate((-0.1, 0.0, 0.1))
    ]
    row = pool_seeds(to_frame(rows)).iloc[0]
    assert (row["value"], row["corrected"]) == pytest.approx((8.0, 5.0))
    between = Z_95**2 * 0.01 / 3
    assert row["ci_low"] == pytest.approx(5.0 - math.sqrt(1.0 + between))
    assert row["ci_high"] == pytest.approx(5.0 + math.sqrt(1.5**2 + between))
    assert row["ci_method"] == "pooled-3-seeds"


def test_pooled_ends_stay_within_the_bounds_and_keep_a_width_there():
    """Ends at a bound say nothing of the error: the other arm stands in."""

    def pooled(metric, **changes):
        rows = [
            record(seed=seed, metric=metric, config_hash=str(seed), **changes) for seed in (0, 1)
        ]
        return pool_seeds(to_frame(rows)).iloc[0]

    row = pooled("fid-hrnet", value=3.0, corrected=0.5, ci_low=0.0, ci_high=2.5)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.0, 2.5))
    row = pooled("semantic_recall", value=1.0, ci_low=0.9, ci_high=1.0)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.9, 1.0))


def test_a_seed_without_a_value_is_missing():
    rows = to_frame(rows_of([0.2, math.nan, 0.4], half=0.1))
    row = pool_seeds(rows).iloc[0]
    assert row["value"] == pytest.approx(0.3) and row["ci_method"] == "pooled-2-seeds"
    assert len(pool_seeds(to_frame(rows_of([0.2, math.nan])))) == 0


@pytest.mark.slow
def test_pooled_intervals_of_a_biased_distance_cover_the_truth():
    """Plain values are 3 too large: intervals about them would never hold it."""
    rng = np.random.default_rng(0)
    held, trials = 0, 100
    for _ in range(trials):
        corrected = 5.0 + rng.normal(0, 0.5) + rng.normal(0, 0.2, 3)  # captions are shared
        rows = [
            record(
                seed=seed,
                metric="fid-hrnet",
                value=value + 3.0,
                corrected=value,
                ci_low=max(0.0, value - 1.06),
                ci_high=value + 1.06,
                config_hash=str(seed),
            )
            for seed, value in enumerate(corrected)
        ]
        row = pool_seeds(to_frame(rows)).iloc[0]
        held += row["ci_low"] <= 5.0 <= row["ci_high"]
    assert 88 <= held <= 100
