"""Parquet tables and arrays: truncated, of other versions, columns and types, with code in them."""

import pickle
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench.evaluation.features import FeatureCache
from gcdp_bench.results.costs import read_costs
from gcdp_bench.results.layout import PER_SAMPLE, PROPORTIONS, Point, read_proportions
from gcdp_bench.results.schema import COLUMNS, to_frame
from gcdp_bench.results.table import read_rows
from tests.fuzz.common import (
    CODE,
    DAMAGE,
    Payload,
    attempt,
    changed,
    command_refused,
    refused,
    resident_within,
)
from tests.gcdp_bench.results.test_schema import record
from tests.properties import examples

ROWS = to_frame([record(), record(seed=1)])
PER = pd.DataFrame({name: ["a"] if kind == "string" else [0] for name, kind in PER_SAMPLE.items()})
SHARES = pd.DataFrame(
    {name: ["a"] if kind == "string" else [0.5] for name, kind in PROPORTIONS.items()}
)
TABLES = {
    "results.parquet": (ROWS, read_rows),
    "costs.parquet": (None, read_costs),
    "classes.parquet": (SHARES, read_proportions),
    "per_sample.parquet": (
        PER.astype(PER_SAMPLE),
        lambda folder: Point(folder, folder, folder).per_sample(),
    ),
}


def table_of(name: str) -> pd.DataFrame:
    frame, _ = TABLES[name]
    if frame is not None:
        return frame
    from gcdp_bench.results.costs import to_frame as to_costs

    return to_costs([{"dataset": "d", "model": "m", "weights": "w", "part": "sampling"}])


def read(name: str, folder):
    return TABLES[name][1](folder)


@pytest.mark.parametrize("name", TABLES)
def test_a_cut_table_is_refused(name, tmp_path):
    path = tmp_path / name
    table_of(name).to_parquet(path, index=False)
    content = path.read_bytes()
    assert len(read(name, tmp_path)) == len(table_of(name))
    for length in range(0, len(content), max(1, len(content) // 25)):
        path.write_bytes(content[:length])
        refused(lambda: read(name, tmp_path), path)


@examples(100)
@given(name=st.sampled_from(sorted(TABLES)), damage=DAMAGE)
def test_a_damaged_table_is_read_or_refused(name, damage, tmp_path):
    path = tmp_path / name
    table_of(name).to_parquet(path, index=False)
    path.write_bytes(changed(path.read_bytes(), *damage))
    with resident_within(64):
        _, message = attempt(lambda: read(name, tmp_path))
    assert message is None or str(path) in message


FAKES = {
    "csv": ROWS.to_csv(index=False).encode(),
    "empty": b"",
    "marks alone": b"PAR1PAR1",
    "text": b"hello",
    "pickle": pickle.dumps(ROWS),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("fake", FAKES)
def test_another_format_is_refused(name, fake, tmp_path):
    (tmp_path / name).write_bytes(FAKES[fake])
    refused(lambda: read(name, tmp_path), tmp_path / name)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_needed_and_has_a_type(name, tmp_path):
    frame, path = table_of(name), tmp_path / name
    for column in frame.columns:
        frame.drop(columns=column).to_parquet(path, index=False)
        refused(lambda: read(name, tmp_path), path, column)
        if frame[column].dtype != "string":
            frame.assign(**{column: "many"}).to_parquet(path, index=False)
            refused(lambda: read(name, tmp_path), path)
    frame.assign(extra=1).to_parquet(path, index=False)
    assert list(read(name, tmp_path).columns) == list(frame.columns)


@pytest.mark.parametrize("version", [0, 1, 2, 5, 2**40, -1])
def test_rows_of_another_version_are_refused(version, tmp_path):
    path = tmp_path / "results.parquet"
    ROWS.assign(schema_version=version).to_parquet(path, index=False)
    refused(lambda: read_rows(tmp_path), path, "schema version 4", version)
    ROWS[["schema_version", "metric"]].assign(schema_version=version).to_parquet(path)
    refused(lambda: read_rows(tmp_path), path, "schema version 4", version)
    for command in (["report", tmp_path], ["analyze", "classes", "--results", tmp_path]):
        command_refused(command)


@pytest.mark.parametrize("code", CODE)
def test_code_in_the_metadata_of_a_table_is_not_run(code, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "results.parquet"
    content = pickle.dumps(Payload(CODE[code](mark)))
    for kind in (b"arrow.py_extension_type", b"gcdp"):
        field = pa.field(
            "metric",
            pa.string(),
            metadata={
                b"ARROW:extension:name": kind,
                b"ARROW:extension:metadata": content,
            },
        )
        schema = pa.schema([field], metadata={b"pandas": content, b"pickle": content})
        pq.write_table(pa.table({"metric": pa.array(["a"])}).cast(schema), path)
        refused(lambda: read_rows(tmp_path), path)
        assert not mark.exists()


OBSERVED = FeatureCache(
    ids=("0",),
    captions=("a",),
    num_pixels=4,
    arrays={
        "counts s": np.ones((1, 2), np.int64),
        "confusions s": np.ones((1, 2, 2), np.int64),
        "layouts": np.ones((1, 2), np.int64),
        "features p": np.ones((1, 3), np.float32),
        "cosines": np.ones(1, np.float32),
        "too_long": np.zeros(1, bool),
    },
)


@examples(80)
@given(damage=DAMAGE)
def test_damaged_arrays_are_read_or_refused(damage, tmp_path):
    path = tmp_path / "observed.npz"
    OBSERVED.save(path)
    path.write_bytes(changed(path.read_bytes(), *damage))
    with resident_within(64):
        _, message = attempt(lambda: FeatureCache.load(path))
    assert message is None or "observed.npz" in message


@pytest.mark.parametrize("code", CODE)
def test_code_in_arrays_is_not_run(code, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "observed.npz"
    payload = np.array([Payload(CODE[code](mark))], dtype=object)
    np.savez(path, ids=payload, captions=payload)
    refused(lambda: FeatureCache.load(path), path)
    path.write_bytes(pickle.dumps(payload[0]))
    refused(lambda: FeatureCache.load(path), path)
    assert not mark.exists()


def test_arrays_that_claim_a_terabyte_are_refused(tmp_path):
    path = tmp_path / "observed.npz"
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (137438953472,), }\n"
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ids.npy", content)
    refused(lambda: FeatureCache.load(path), path)


@pytest.mark.parametrize("missing", ["ids", "captions", "num_pixels", "cosines", "counts-0"])
def test_every_array_is_needed(missing, tmp_path):
    path = tmp_path / "observed.npz"
    OBSERVED.save(path)
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files if name != missing}
    np.savez(path, **arrays)
    refused(lambda: FeatureCache.load(path), path, missing)


def test_the_columns_are_those_of_the_schema(tmp_path):
    ROWS.to_parquet(tmp_path / "results.parquet", index=False)
    assert dict(read_rows(tmp_path).dtypes.astype(str)) == COLUMNS
