"""Weights that FSDP splits: averages, checkpoints and a resume are those of one process."""

import shutil
from types import SimpleNamespace

import accelerate
import pytest
import torch
from accelerate.utils import DistributedType
from torch import nn

from gcdp_bench.training import processes, sharding
from tests.gcdp_bench.training.fsdp_on_cpu import FSDP
from tests.gcdp_bench.training.launched import (
    TOGETHER,
    arguments,
    free_port,
    python,
    several_processes,
)
from tests.gcdp_bench.training.test_loop import CONFIG
from tests.gcdp_bench.training.test_processes import SETTINGS, assert_same, one_process


@several_processes
def test_split_weights_learn_are_saved_and_resume_like_whole_ones(tmp_path):
    result = python(
        *TOGETHER, free_port(), "-m", "tests.gcdp_bench.training.sharded", str(tmp_path)
    )
    assert result.returncode == 0, result.stderr
    assert [(tmp_path / f"{rank}.txt").read_text() for rank in (0, 1)] == ["as one"] * 2


@several_processes
def test_the_command_line_trains_and_resumes_with_fsdp(toy, tmp_path):
    """Two processes with half of every weight each have the trace of one with all of them."""
    one_process(toy, tmp_path / "one")

    def split(**settings):
        command = arguments(toy.data, tmp_path / "two", *SETTINGS, **settings)
        result = python(
            *TOGETHER,
            free_port(),
            "-m",
            "tests.gcdp_bench.training.fsdp_on_cpu",
            *command,
            variables=FSDP,
        )
        assert result.returncode == 0, result.stderr

    split()
    assert_same(tmp_path / "one", tmp_path / "two")
    shutil.rmtree(tmp_path / "two" / "checkpoints" / "step-00000006")
    for name in ("cost.json", "model.safetensors"):
        (tmp_path / "two" / name).unlink()
    split(resume=True)
    assert_same(tmp_path / "one", tmp_path / "two")


def test_whole_weights_stay_as_they_are():
    network = nn.Linear(3, 2)
    weight = network.weight
    sharding.shard_like(network, nn.Linear(3, 2))
    assert network.weight is weight
    assert sharding.whole(network, lambda: nn.Linear(9, 9)) is network
    assert sharding.full(network.state_dict())["weight"].equal(weight)
    assert sharding.like(value := torch.ones(2, 3), weight) is value


@pytest.mark.parametrize(
    ("kind", "message"),
    [(DistributedType.FSDP, "got FSDP of version 1"), (DistributedType.DEEPSPEED, "got DEEPSPEED")],
)
def test_other_ways_to_split_are_refused(tmp_path, monkeypatch, kind, message):
    found = SimpleNamespace(num_processes=1, distributed_type=kind, is_fsdp2=False)
    monkeypatch.setattr(accelerate, "Accelerator", lambda **settings: found)
    with pytest.raises(ValueError, match=message):
        processes.start(CONFIG, tmp_path)
