"""Tidy rows: strict columns, replaced by key, safe on disk."""

import math

import pandas as pd
import pytest

from gcdp_bench.results.schema import COLUMNS, PROVENANCE, to_frame
from gcdp_bench.results.table import merge_rows, read_rows


def record(**changes):
    base = {
        "dataset": "d",
        "split": "test",
        "protocol": "heldout",
        "source": "generated",
        "model": "reference",
        "trained_on": "d",
        "param_name": "guidance scale",
        "param_value": 2.0,
        "train_seed": 0,
        "steps": 10,
        "seed": 0,
        "metric": "miou",
        "definition": "1",
        "class": "all",
        "value": 0.5,
        "corrected": math.nan,
        "ci_low": 0.4,
        "ci_high": 0.6,
        "ci_method": "basic",
        "between_seed_sd": math.nan,
        "within_seed_sd": math.nan,
        "num_samples": 4,
        "num_reference": 8,
        "extractor": "e",
        "image_size": "64x128",
        "resize": "none",
        "resizer": "native",
        "alarm": "none",
        "primary": True,
        "reference": "r",
        "captions": "t",
        "weights": "w",
        "extractors": "j",
        "config_hash": "h",
        "git_commit": "c",
        "versions": "python 3",
        "hardware": "a machine",
        "precision": "float32",
        "seconds": 1.0,
        "demo": False,
    }
    return base | changes


def test_columns_are_exact():
    assert list(to_frame([record()]).columns) == list(COLUMNS)
    incomplete = record()
    del incomplete["metric"]
    for wrong in (incomplete, record(extra=1)):
        with pytest.raises(ValueError, match="row: expected columns"):
            to_frame([wrong])


def test_a_number_without_its_making_is_refused():
    for name in PROVENANCE:
        with pytest.raises(ValueError, match=f"row miou: expected {name}, got nothing"):
            to_frame([record(**{name: ""})])
    for column in ("source", "resize"):
        with pytest.raises(ValueError, match=f"expected {column} of .* got 'guess'"):
            to_frame([record(**{column: "guess"})])


def test_equal_keys_take_the_new_value(tmp_path):
    merge_rows(tmp_path, to_frame([record(), record(seed=1)]))
    merged = merge_rows(tmp_path, to_frame([record(value=0.7)]))
    assert merged.set_index("seed")["value"].to_dict() == {0: 0.7, 1: 0.5}
    pd.testing.assert_frame_equal(merged, read_rows(tmp_path))
    assert len(pd.read_csv(tmp_path / "results.csv")) == 2


def test_missing_values_survive(tmp_path):
    merge_rows(tmp_path, to_frame([record(param_value=math.nan, steps=None, value=math.nan)]))
    merge_rows(tmp_path, to_frame([record(param_value=math.nan, steps=None, value=0.1)]))
    rows = read_rows(tmp_path)
    assert len(rows) == 1 and rows["steps"].isna().all() and rows["value"].iloc[0] == 0.1


def test_faults_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="run `gcdp-bench sweep` first"):
        read_rows(tmp_path)
    to_frame([record()]).drop(columns="seed").to_parquet(tmp_path / "results.parquet")
    with pytest.raises(ValueError, match="lacks seed; "):
        read_rows(tmp_path)
    to_frame([record()]).assign(schema_version=0).to_parquet(tmp_path / "results.parquet")
    with pytest.raises(ValueError, match="expected schema version 4, or 3 .*, got 0; rerun"):
        read_rows(tmp_path)
    (tmp_path / "results.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(ValueError, match="expected a Parquet table, got: .*rerun the sweep"):
        read_rows(tmp_path)
