"""Sweeps on Ray: the same files as in one process, whoever dies on the way."""

import shutil
import subprocess
import sys
from types import SimpleNamespace

import fsspec
import pytest
from click.testing import CliRunner

from gcdp_bench.cli import main
from gcdp_bench.sweep import cluster
from gcdp_bench.sweep.cluster import RayScheduler, _Work
from gcdp_bench.sweep.connection import connect
from gcdp_bench.sweep.jobs import Job, once
from gcdp_bench.sweep.worker import ProgressActor, Reported, Resources
from tests.gcdp_bench.results.test_object_store import bucket, server  # noqa: F401
from tests.gcdp_bench.sweep.test_crashes import contents
from tests.gcdp_bench.training.launched import python


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_workers_and_a_node_that_die_change_no_byte(toy, bucket, tmp_path):  # noqa: F811
    shutil.copytree(toy.data.parent, tmp_path / "toy")
    store = f"{bucket}/exp"
    quiet = {"PYTHONWARNINGS": "error,ignore::DeprecationWarning:ray._common.utils"}  # Python 3.12
    result = python("-m", "tests.gcdp_bench.sweep.on_ray", str(tmp_path), store, variables=quiet)
    print(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "kill -9 of a worker at work" in result.stdout
    assert "of two nodes is lost while it works" in result.stdout
    assert result.stdout.count("its job is given to another one") >= 2
    alone = contents(tmp_path / "alone")
    assert len(alone) > 60
    for name in ("one", "killed", "node"):
        other = contents(tmp_path / name)
        assert other.keys() == alone.keys()
        assert not [place for place in alone if alone[place] != other[place]], name
    fsspec.filesystem("s3").get(f"{store}/", str(tmp_path / "stored"), recursive=True)
    stored = contents(tmp_path / "stored")
    assert not [place for place in alone if alone[place] != stored.get(place)]
    assert {place.parts[0] for place in stored.keys() - alone.keys()} == {"writers"}
    drew = [
        name
        for name in ("head", "first", "second")
        if any((tmp_path / "stores" / name).rglob("samples.json"))
    ]
    assert drew == ["first", "second"]
    left = subprocess.run(["pgrep", "-f", f"raylet.*{tmp_path}"], capture_output=True, text=True)
    assert not left.stdout


def draws(model: str, num: int) -> list[Job]:
    parts = [range(start, start + 1) for start in range(num)]
    return [Job(kind="sample", model=model, captions=part) for part in parts]


def score(model: str) -> Job:
    return Job(kind="score", model=model)


def test_a_stage_is_asked_for_when_the_one_before_is_done():
    work = _Work()
    work.advance(iter([[], draws("a", 2), [score("a")]]))
    assert (len(work.tasks), work.num_images) == (2, 2)
    first, second = work.take(None), work.take(None)
    work.done(first)
    assert not work.waiting
    work.done(second)
    assert [str(task.job) for task in work.waiting] == ["scores of a at 1, seed 0"]
    work.done(work.take("a"))
    assert (work.num_done, len(work.tasks), work.waiting) == (3, 3, [])


def test_a_job_that_stages_share_is_done_once():
    work, (shared, own) = _Work(), draws("a", 2)
    for model in "bc":
        work.advance(iter([[shared], [score(model)]]))
    work.advance(iter([[shared, own], [shared], [score("d")]]))
    assert [task.job for task in work.waiting] == [shared, own]
    work.done(work.take(None))
    assert [str(task.job)[:11] for task in work.waiting[1:]] == ["scores of b", "scores of c"]
    work.done(work.take("a"))
    work.advance(iter([[shared], [score("e")]]))
    assert [str(task.job)[:11] for task in work.waiting[2:]] == ["scores of d", "scores of e"]


def test_a_worker_goes_on_with_the_model_it_holds():
    work = _Work()
    work.advance(once(*draws("a", 1)))
    work.advance(once(*draws("b", 1)))
    assert work.take("b").job.model == "b"
    assert work.take("b").job.model == "a"


def test_what_a_dead_worker_counted_is_forgotten_and_warnings_are_read_once():
    tracker = ProgressActor()
    tracker.add(0, 3)
    tracker.add(1, 4)
    tracker.forget(0)
    tracker.warn("hot")
    assert tracker.read() == (4, ["hot"])
    assert tracker.read() == (4, [])


def test_samples_of_a_job_are_counted_and_what_comes_after_them_is_not():
    sent = []
    tracker = SimpleNamespace(add=SimpleNamespace(remote=lambda *values: sent.append(values)))
    report = Reported(tracker)
    report.advance(5)
    report.begin(7, 4)
    report.start("samples", 4, done=1)
    for _ in range(5):
        report.advance()
    assert sent == [(7, 1)] * 4


def test_room():
    assert Resources(num_cpus=2.0).room({"CPU": 5.0}) == 2
    assert Resources(num_gpus=0.5).room({"CPU": 8.0, "GPU": 1.0}) == 2
    assert Resources(num_gpus=1.0).room({"CPU": 8.0}) == 0
    for wrong in ({"num_cpus": 0.0}, {"num_gpus": -1.0}):
        with pytest.raises(ValueError, match="more than 0 CPUs and at least 0 GPUs"):
            Resources(**wrong)


@pytest.fixture
def scheduler():
    """One that is connected to nothing."""
    found = object.__new__(RayScheduler)
    found._deaths, found._roomless_since = 0, None
    found._resources = Resources(num_cpus=4.0, num_gpus=1.0)
    return found


def test_workers_that_never_start_end_the_sweep(scheduler, caplog):
    for _ in range(cluster.MAX_DEATHS - 1):
        scheduler._record_failure(None, "no memory")
    assert caplog.text.count("a worker died (starting: no memory)") == cluster.MAX_DEATHS - 1
    with pytest.raises(OSError, match=r"starting: 3 workers died, the last one with: no memory"):
        scheduler._record_failure(None, "no memory")


def test_a_cluster_without_room_is_named(scheduler, monkeypatch):
    nodes = [{"CPU": 2.0}]
    scheduler._wait_for_room(nodes)
    monkeypatch.setattr(cluster, "NO_ROOM_SEC", 0.0)
    message = r"expected a machine with 4 CPUs and 1 GPUs for a task, got 2 CPUs, 0 GPUs; lower"
    with pytest.raises(OSError, match=message):
        scheduler._wait_for_room(nodes)


def test_ray_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install 'gcdp-bench\[cluster\]'"):
        connect("local")


def test_no_cluster_on_this_machine_is_named(monkeypatch):
    def init(**options):
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init))
    with pytest.raises(
        OSError, match="--cluster auto: expected a Ray cluster, got: Could not find"
    ):
        connect("auto")


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("127.0.0.1:1", OSError, "--cluster 127.0.0.1:1: expected the head of a Ray cluster, got"),
        ("127.0.0.1:99999", OSError, "expected the head of a Ray cluster"),
        ("ray://127.0.0.1:1", ValueError, "expected local, auto or HOST:PORT, got 'ray://"),
        ("head", ValueError, "expected local, auto or HOST:PORT, got 'head'"),
        ("head:x", ValueError, "expected local, auto or HOST:PORT, got 'head:x'"),
    ],
)
def test_a_head_that_does_not_answer_is_named(address, error, message):
    with pytest.raises(error, match=message):
        connect(address)


def test_resources_without_a_cluster_are_a_usage_error():
    ask = ["sweep", "--dataset", "synth-city-25", "--cpus-per-task", "2"]
    result = CliRunner().invoke(main, ask)
    assert result.exit_code == 2
    assert "--cpus-per-task and --gpus-per-task belong to --cluster" in result.output
