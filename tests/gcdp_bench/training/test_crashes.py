"""A killed training goes on from its last checkpoint and ends with the same bytes."""

import dataclasses
import hashlib
import re
import shutil

import pytest

from gcdp_bench.profiling.training_cost import read_cost
from gcdp_bench.training import checkpoint
from tests.gcdp_bench.training.launched import python
from tests.gcdp_bench.training.test_loop import CONFIG, Regression, files, run

SEED, NUM_KILLS = 38, 6


def digests(folder):
    """SHA-256 of the weights that are used later, and of the last checkpoint's tensors."""
    paths = [
        folder / "model.safetensors",
        *checkpoint.checkpoints(folder)[-1].glob("*.safetensors"),
    ]
    assert len(paths) == 4
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.slow
def test_kills_at_random_moments_change_no_byte(toy, tmp_path):
    result = python(
        "-m",
        "tests.gcdp_bench.training.killed",
        str(tmp_path),
        str(toy.data),
        str(SEED),
        str(NUM_KILLS),
    )
    log = tmp_path / "log.txt"
    assert result.returncode == 0, result.stderr + log.read_text()
    print(result.stdout)
    assert result.stdout.count(": killed;") >= NUM_KILLS / 3
    assert re.search("newest checkpoint [24] ->", result.stdout), "a checkpoint was continued"
    for run_dir in (tmp_path / "killed", *tmp_path.glob("finished-*")):
        assert digests(tmp_path / "whole") == digests(run_dir)
        for name in ("config.json", "previews/step-00000006.png"):
            assert (tmp_path / "whole" / name).read_bytes() == (run_dir / name).read_bytes()
        assert not list(run_dir.rglob(".*.tmp"))


@pytest.fixture
def whole(tmp_path):
    return run(Regression(), tmp_path / "whole")


def test_a_half_written_checkpoint_is_not_listed(whole, tmp_path):
    broken = shutil.copytree(whole, tmp_path / "broken")
    newest = checkpoint.checkpoints(broken)[-1]
    for name in (
        "state.json",
        "network.safetensors",
        "averaged.safetensors",
        "optimizer.safetensors",
    ):
        (newest / name).rename(tmp_path / "away")
        assert [path.name for path in checkpoint.checkpoints(broken)] == ["step-00000008"]
        (tmp_path / "away").rename(newest / name)
    assert checkpoint.checkpoints(broken)[-1] == newest
    (newest / "state.json").unlink()
    run(Regression(), broken, resume=True)
    assert digests(broken) == digests(whole)


def test_a_missing_newest_checkpoint_is_made_again(whole, tmp_path):
    without = shutil.copytree(whole, tmp_path / "without")
    shutil.rmtree(checkpoint.checkpoints(without)[-1])
    run(Regression(), without, resume=True)
    assert digests(without) == digests(whole)


def test_what_kills_leave_of_checkpoints_is_removed(whole, tmp_path):
    littered = shutil.copytree(whole, tmp_path / "littered")
    for name in (".step-00000012.tmp", ".step-00000004.old.tmp"):
        (littered / "checkpoints" / name).mkdir()
        (littered / "checkpoints" / name / "network.safetensors").write_text("half")
    run(Regression(), littered, resume=True)
    assert sorted(path.name for path in (littered / "checkpoints").iterdir()) == [
        "step-00000008",
        "step-00000012",
    ]


def test_a_kill_between_the_last_checkpoint_and_the_weights(whole, tmp_path):
    """The last checkpoint is there, the weights are those of the one before."""
    early = run(Regression(), tmp_path / "early", dataclasses.replace(CONFIG, steps=8))
    late = shutil.copytree(whole, tmp_path / "late")
    for name in ("model.safetensors", "cost.json"):
        shutil.copy(early / name, late / name)
    assert digests(late) != digests(whole)
    task = Regression()
    run(task, late, resume=True)
    assert task.calls == 0, "nothing is trained again"
    cost = read_cost(late)
    assert digests(late) == digests(whole) and cost is not None and cost.steps == 12


def test_a_finished_run_is_left_as_it_is(whole):
    before = {p: p.stat().st_mtime_ns for p in whole.rglob("*.safetensors")}
    before[whole / "cost.json"] = (whole / "cost.json").stat().st_mtime_ns
    run(Regression(), whole, resume=True)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_without_resume_only_a_run_with_a_checkpoint_is_protected(whole, tmp_path):
    with pytest.raises(FileExistsError, match="continue it with --resume"):
        run(Regression(), whole)
    young = tmp_path / "young"
    (young / "checkpoints" / ".step-00000004.tmp").mkdir(parents=True)
    (young / "config.json").write_text("{}")
    run(Regression(), young)
    assert files(young) == files(whole)
