"""Several machines measure into one folder of an object store."""

import shutil

import fsspec
import pandas as pd
import pytest

from gcdp_bench.cli import main
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.report.grids import NUM_CAPTIONS
from gcdp_bench.results.object_store import open_store
from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.sync import synchronise
from gcdp_bench.results.table import merge_rows, read_rows
from tests.gcdp_bench.results.test_object_store import bucket, machine, server  # noqa: F401
from tests.gcdp_bench.results.test_schema import record

FAST = ["--steps", "3", "--sr-steps", "2"]


def pooled(metric: str) -> pd.DataFrame:
    """A row that has no files."""
    return to_frame([record(metric=metric, seed=None)])


@pytest.mark.slow
def test_rows_of_machines_that_write_at_once_are_all_kept(bucket, machine):  # noqa: F811
    copies = []
    for name in "abc":
        machine(name)
        copies.append(open_store(f"{bucket}/exp").path)
        synchronise(copies[-1], whole=True)
    for name, path in zip("abc", copies, strict=True):
        merge_rows(path, pooled(name))
    for path in [*copies, *copies]:
        synchronise(path, whole=True)
    for path in copies:
        assert sorted(read_rows(path)["metric"]) == list("abc")
    files = fsspec.filesystem("s3")
    table = pd.read_parquet(files.open(f"{bucket}/exp/results.parquet"))
    assert sorted(table["metric"]) == list("abc")
    assert len(files.ls(f"{bucket}/exp/writers")) == 3


@pytest.mark.slow
def test_rows_of_a_newer_definition_replace_those_in_the_store(bucket, machine):  # noqa: F811
    """Computed again on one machine, they are what the others read, however often they bring."""
    old, new = (
        to_frame([record(seed=None, definition=version, value=value)])
        for version, value in (("1", 0.5), ("2", 0.7))
    )
    machine("a")
    first = open_store(f"{bucket}/exp").path
    merge_rows(first, old)
    synchronise(first, whole=True)
    merge_rows(first, new)
    machine("b")
    second = open_store(f"{bucket}/exp").path
    synchronise(second)
    assert read_rows(second)["definition"].tolist() == ["1"]
    for path in (first, second, first, second):
        synchronise(path, whole=True)
    for path in (first, second):
        assert read_rows(path)[["definition", "value"]].to_numpy().tolist() == [["2", 0.7]]
    table = pd.read_parquet(fsspec.filesystem("s3").open(f"{bucket}/exp/results.parquet"))
    assert table["definition"].tolist() == ["2"]


def test_a_lost_copy_loses_no_row(bucket, machine):  # noqa: F811
    store = open_store(f"{bucket}/exp")
    merge_rows(store.path, pooled("before"))
    synchronise(store.path)
    shutil.rmtree(store.path)
    store = open_store(f"{bucket}/exp")
    merge_rows(store.path, pooled("after"))
    synchronise(store.path)
    assert sorted(read_rows(store.path)["metric"]) == ["after", "before"]


def test_a_folder_that_was_copied_into_the_store_is_read(bucket, machine, tmp_path):  # noqa: F811
    merge_rows(tmp_path / "plain", pooled("old"))
    fsspec.filesystem("s3").put(str(tmp_path / "plain/results.parquet"), f"{bucket}/exp/")
    store = open_store(f"{bucket}/exp")
    synchronise(store.path, whole=True)
    assert list(read_rows(store.path)["metric"]) == ["old"]


def test_a_damaged_table_is_named(bucket, machine):  # noqa: F811
    fsspec.filesystem("s3").pipe(f"{bucket}/exp/writers/w1/results.parquet", b"PAR1")
    store = open_store(f"{bucket}/exp")
    with pytest.raises(ValueError, match=r"exp/writers/w1/results\.parquet"):
        synchronise(store.path)


def test_a_plain_folder_is_left_alone(tmp_path):
    synchronise(tmp_path, whole=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_two_machines_sweep_into_a_bucket_and_a_third_reads_it(bucket, machine, toy, capsys):  # noqa: F811
    place = f"{bucket}/exp"
    for name, guidance in (("a", "1"), ("b", "1,3")):
        machine(name)
        main(
            [
                "sweep",
                "--dataset",
                str(toy.data),
                *FAST,
                *toy.extractors(),
                "--num-samples",
                "8",
                "--models",
                "imagen",
                "--weights",
                f"imagen={toy.imagen}",
                "--guidance",
                guidance,
                "--results",
                place,
            ],
            standalone_mode=False,
        )
    assert f"gcdp-bench report {place}" in capsys.readouterr().out
    drawn = {path.parent.name for path in open_store(place).path.rglob("samples.json")}
    assert len(drawn) == 1 and next(iter(drawn)).startswith("g3-")  # g1 was there already
    machine("c")
    main(["report", place], standalone_mode=False)
    local = open_store(place).path
    measured = read_rows(local)
    assert set(measured["param_value"].dropna()) == {1.0, 3.0}
    assert (local / "figures" / "stripes" / "samples.png").exists()
    for samples in (local / "points" / "stripes" / "imagen").iterdir():
        assert len(list((samples / "images").iterdir())) == NUM_CAPTIONS
    main(["analyze", "classes", place], standalone_mode=False)
    names = fsspec.filesystem("s3").find(place.removeprefix("s3://"))
    assert any(name.endswith("report.html") for name in names)
    assert any(name.endswith("analysis/classes-stripes/class-recall.png") for name in names)
    assert not [name for name in names if "/." in name]


@pytest.mark.slow
def test_samples_in_a_bucket_are_continued_and_evaluated_elsewhere(bucket, machine, toy, capsys):  # noqa: F811
    place = f"{bucket}/samples"
    ask = [
        "sample",
        "imagen",
        "--dataset",
        str(toy.data),
        *FAST,
        "--weights",
        str(toy.imagen),
        "--num-samples",
        "6",
        "--out",
        place,
    ]
    main(ask, standalone_mode=False)
    first = open_store(place).path
    before = {path.name: path.read_bytes() for path in (first / "images").iterdir()}
    machine("second")
    main(ask, standalone_mode=False)
    second = open_store(place).path
    assert {path.name: path.read_bytes() for path in (second / "images").iterdir()} == before
    assert (second / "samples.json").read_bytes() == (first / "samples.json").read_bytes()
    machine("third")
    main(["evaluate", place, "--dataset", str(toy.data), *toy.extractors()], standalone_mode=False)
    assert "fid" in capsys.readouterr().out
    main(
        ["memorisation", place, "--dataset", str(toy.data), *toy.extractors()],
        standalone_mode=False,
    )
    assert "of 6 samples" in capsys.readouterr().out
    names = fsspec.filesystem("s3").find(place.removeprefix("s3://"))
    assert any(name.endswith("memorisation/per_sample.csv") for name in names)
    assert len(Folder(open_store(place).path, require_layouts=False)) == 6
