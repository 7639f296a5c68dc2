"""Pooled rows on values whose spreads are known."""

import math

import numpy as np
import pytest

from gcdp_bench.pooling import pool_seeds
from gcdp_bench.rows import CEILING, COLUMNS, to_frame
from tests.gcdp_bench.test_rows import record

Z_95 = 1.959964  # half the width of a 95 % interval in standard errors


def rows_of(values, half=0.2, **changes):
    return [
        record(seed=seed, value=value, ci_low=value - half, ci_high=value + half,
               config_hash=f"{seed}{changes}", **changes)
        for seed, value in enumerate(values)
    ]  # fmt: skip


def test_one_seed_is_not_pooled():
    assert len(pool_seeds(to_frame(rows_of([1.0])))) == 0


def test_spreads_between_and_within_seeds():
    values = [1.0, 2.0, 4.0]
    pooled = pool_seeds(to_frame(rows_of(values)))
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
    rows = to_frame(rows_of([1.0, 2.0]) + rows_of([1.0, 3.0], model=CEILING, source="real"))
    pooled = pool_seeds(rows)
    assert pooled["model"].tolist() == ["reference"]
    assert len(pool_seeds(to_frame(pooled.drop(columns="schema_version").to_dict("records")))) == 0


def test_without_an_interval_there_is_none():
    row = pool_seeds(to_frame(rows_of([1.0, 2.0], half=math.nan))).iloc[0]
    assert row["ci_method"] == "none" and math.isnan(row["ci_low"])
