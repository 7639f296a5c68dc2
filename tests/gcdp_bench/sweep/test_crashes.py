"""Killed commands, given again, end with the same bytes; several processes share the work."""

import os
import re
import shutil
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from gcdp_bench.core.progress import Silent
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.extractors.bundle import ExtractorRequest, load_extractors
from gcdp_bench.results.layout import read_proportions, write_proportions
from gcdp_bench.results.schema import to_frame
from gcdp_bench.results.table import merge_rows, read_rows
from gcdp_bench.sweep import Paths, SweepConfig, run_sweep
from tests.forks import forked
from tests.gcdp_bench.results.test_schema import record
from tests.gcdp_bench.sweep.test_run import Recorder
from tests.gcdp_bench.training.launched import python

pytestmark = pytest.mark.slow

SEED, NUM_KILLS = 6, 20
TIMED = {
    "samples.json": ["seconds"],
    "results.csv": ["seconds"],
    "results.parquet": ["seconds"],
    "costs.csv": ["sec_per_sample"],
}
"""Tables in which a measured time may differ, and where."""

COST_SEC = re.compile(rb"(?<= M</td>)<td>[0-9.]+</td>")
"""Seconds per sample on the page, which follow the operations per sample."""


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file that is not hidden, without the times that were measured."""
    found = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_dir() or any(part.startswith(".") for part in place.parts):
            continue
        content = path.read_bytes()
        if path.name == "samples.json":
            lines = content.splitlines(keepends=True)
            content = b"".join(line for line in lines if b'"seconds"' not in line)
        elif path.name in TIMED:
            table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
            content = table.drop(columns=TIMED[path.name]).to_csv().encode()
        elif path.name == "report.html":
            content = COST_SEC.sub(b"", content)
        found[place] = content
    return found


def test_kills_at_random_moments_change_no_byte(toy, tmp_path):
    shutil.copytree(toy.data.parent, tmp_path / "toy")
    result = python("-m", "tests.gcdp_bench.sweep.killed", str(tmp_path), str(SEED), str(NUM_KILLS))
    assert result.returncode == 0, result.stderr + (tmp_path / "log.txt").read_text()
    print(result.stdout)
    assert result.stdout.count(": killed;") == NUM_KILLS
    whole, killed = contents(tmp_path / "whole"), contents(tmp_path / "killed")
    assert whole.keys() == killed.keys() and len(whole) > 60
    assert not [place for place in whole if whole[place] != killed[place]]
    assert not list((tmp_path / "killed").rglob(".*.tmp"))


@pytest.fixture
def config(toy):
    return SweepConfig(
        dataset=str(toy.data),
        models=("imagen",),
        guidance=(1.0, 2.0, 3.0),
        num_samples=8,
        shard_size=3,
        sampling=SamplingConfig(steps=3, sr_steps=2),
    )


@pytest.fixture
def places(toy, tmp_path):
    return Paths(results=tmp_path / "results", weights=(("imagen", toy.imagen),))


@pytest.fixture(scope="module")
def extractors(toy):
    return load_extractors(
        ExtractorRequest(dataset=toy.identity, segmenter=str(toy.segmenter), clip=toy.clip)
    )


def test_two_processes_with_the_same_sweep_do_the_work_once(config, places, extractors, tmp_path):
    alone = run_sweep(
        config, replace(places, results=tmp_path / "alone"), extractors, progress=Silent()
    )

    def work(number):
        recorder = Recorder()
        run_sweep(config, places, extractors, progress=recorder)
        jobs = "".join(f"{name}\t{num}\n" for name, num in recorder.jobs if num)
        (tmp_path / f"jobs-{number}").write_text(jobs)

    children = [forked(partial(work, number)) for number in range(2)]
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
    done = Counter()
    for number in range(2):
        for line in (tmp_path / f"jobs-{number}").read_text().splitlines():
            name, num = line.split("\t")
            done[name] += int(num)
    assert done["sample imagen"] == 3 * 8 and done["evaluate imagen"] == 3 * 8
    assert done["evaluate real stripes"] == 8 and done["read stripes"] >= 12
    both = read_rows(places.results)
    pd.testing.assert_frame_equal(
        both.drop(columns="seconds"), alone.drop(columns="seconds"), check_exact=True
    )


def test_parts_that_others_drew_make_the_same_folder(config, places, extractors, tmp_path):
    other = replace(places, results=tmp_path / "other")
    run_sweep(replace(config, shard_size=100), places, extractors, progress=Silent())
    run_sweep(replace(config, batch_size=1), other, extractors, progress=Silent())
    assert contents(places.results) == contents(other.results)


def test_rows_of_many_processes_are_all_kept(tmp_path):
    def work(number):
        for seed in range(5):
            merge_rows(tmp_path, to_frame([record(seed=100 * number + seed)]))
            line = {"dataset": f"d{number}", "class": "sky", "pixel_share": 0.5, "image_share": 1.0}
            write_proportions(tmp_path, pd.DataFrame([line]))

    children = [forked(partial(work, number)) for number in range(4)]
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    assert len(read_rows(tmp_path)) == len(pd.read_csv(tmp_path / "results.csv")) == 20
    assert read_proportions(tmp_path)["dataset"].tolist() == ["d0", "d1", "d2", "d3"]


def test_what_killed_writers_leave_is_written_again(config, places, extractors):
    """Files without their line, half a line, and hidden files of a dead process."""
    rows = run_sweep(config, places, extractors, progress=Silent())
    before = contents(places.results)
    (folder, *_) = sorted(places.results.rglob("captions.jsonl"))
    content = folder.read_bytes()
    folder.write_bytes(content[:-9])
    leftover = folder.parent / "images" / ".000001.png.999999@nowhere.tmp"
    dead = leftover.with_name(leftover.name.replace("nowhere", os.uname().nodename))
    leftover.touch()
    dead.touch()
    (places.results / "results.parquet").unlink()
    again = run_sweep(config, places, extractors, progress=Silent())
    pd.testing.assert_frame_equal(again.drop(columns="seconds"), rows.drop(columns="seconds"))
    assert contents(places.results) == before
    assert leftover.exists() and not dead.exists(), "those of other machines may be in use"
    assert len(Folder(folder.parent, require_layouts=False)) == 8
