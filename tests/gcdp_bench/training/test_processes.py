"""Two processes learn what one does; checkpoints pass from one number of them to another."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import accelerate
import pytest
import torch
from click.testing import CliRunner

from baselines.dataset_ddpm.task import LabelTask
from baselines.ldm.task import LdmTask
from gcdp_bench.cli import main
from gcdp_bench.extractors.attributes_training import AttributesTask
from gcdp_bench.extractors.clip_training import ClipTask
from gcdp_bench.extractors.segmenter_training import SegmenterTask
from gcdp_bench.training import checkpoint, processes
from gcdp_bench.training.checkpoint import load_weights
from reference_model.task import StageTask
from tests.gcdp_bench.training.launched import (
    TOGETHER,
    arguments,
    free_port,
    python,
    several_processes,
    trace,
)
from tests.gcdp_bench.training.test_loop import CONFIG, Duel, Regression

SETTINGS = (
    "batch_size=4",
    "accumulation=2",
    "steps=6",
    "checkpoint_every=3",
    "validate_every=3",
    "preview_every=99",
    "warmup_steps=6",
)
NUM_STEPS = 6
# float32 sums in another order differ by 1e-7; Adam divides by the gradient's own size, so that
# weights with hardly any gradient drift apart by a share of the rate (5e-4 at most) per step
CLOSE = {"rel": 2e-5}


def one_process(toy, out, *, resume=False):
    result = CliRunner().invoke(main, arguments(toy.data, out, *SETTINGS, resume=resume))
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def one(toy, tmp_path_factory):
    return one_process(toy, tmp_path_factory.mktemp("one") / "run")


@pytest.fixture(scope="module")
def two(toy, tmp_path_factory):
    out = tmp_path_factory.mktemp("two") / "run"
    command = ["-m", "gcdp_bench", *arguments(toy.data, out, *SETTINGS)]
    result = python(*TOGETHER, free_port(), *command)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("weights and configuration in") == 1
    assert result.stderr.count("train: 6/6 step") == 1, "one process shows progress"
    return out


def halfway(run, folder):
    """A copy of a run that was killed before its last checkpoint was complete."""
    shutil.copytree(run, folder)
    (folder / "checkpoints" / "step-00000006" / "state.json").unlink()
    (folder / "cost.json").unlink()
    return folder


def assert_same(first, second):
    """The logged numbers of two runs, step by step, and their averaged weights."""
    expected, found = trace(first), trace(second)
    assert expected.keys() == found.keys()
    assert len(expected["train/total"]) == NUM_STEPS
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, **CLOSE), name
    weights, others = (load_weights(run / "model.safetensors") for run in (first, second))
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        assert torch.allclose(weight, others[name], rtol=1e-4, atol=5e-5), name


@several_processes
def test_two_processes_have_the_trace_of_one(one, two):
    assert_same(one, two)
    assert (one / "config.json").read_text() == (two / "config.json").read_text()
    assert len(list((two / "tensorboard").glob("events*"))) == 1
    assert not list(two.rglob(".*.tmp"))


@several_processes
def test_the_cost_is_that_of_both(one, two):
    costs = [json.loads((run / "cost.json").read_text()) for run in (one, two)]
    for name in ("steps", "examples_seen", "num_parameters", "flops_per_example"):
        assert costs[0][name] == costs[1][name], name
    assert costs[1]["cpu_sec"] is None, "that of the other process is not known"


@several_processes
def test_checkpoints_hold_whole_tensors(one, two):
    first, second = (checkpoint.checkpoints(run)[0] for run in (one, two))
    for name in ("network", "averaged", "optimizer"):
        shapes = [
            {key: (tuple(value.shape), value.dtype) for key, value in load_weights(path).items()}
            for path in (first / f"{name}.safetensors", second / f"{name}.safetensors")
        ]
        assert shapes[0] == shapes[1]


@several_processes
def test_one_process_continues_what_two_began(toy, one, two, tmp_path):
    assert_same(one, one_process(toy, halfway(two, tmp_path / "run"), resume=True))


@several_processes
def test_two_processes_continue_what_one_began(toy, one, tmp_path):
    """Here `accelerate launch` starts them."""
    run = halfway(one, tmp_path / "run")
    launch = [
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--main_process_port",
        free_port(),
        "-m",
        "gcdp_bench",
    ]
    result = python(*launch, *arguments(toy.data, run, *SETTINGS, resume=True))
    assert result.returncode == 0, result.stderr
    assert "train: 3/6 step" in result.stderr, "it went on from the third step"
    assert_same(one, run)


@several_processes
def test_two_launchers_train_as_one(toy, one, tmp_path):
    """As on two machines that share a folder; here both have the same address."""
    launch = [
        "-m",
        "torch.distributed.run",
        "--nnodes",
        "2",
        "--nproc-per-node",
        "1",
        "--rdzv-backend",
        "c10d",
        "--rdzv-id",
        "gcdp",
        "--local-addr",
        "127.0.0.1",
        "--rdzv-endpoint",
        f"127.0.0.1:{free_port()}",
        "-m",
        "gcdp_bench",
        *arguments(toy.data, tmp_path / "run", *SETTINGS, resume=True),
    ]
    with ThreadPoolExecutor(2) as machines:
        results = [*machines.map(lambda _: python(*launch), range(2))]
    for result in results:
        assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.count("weights and") for result in results) == [0, 1]
    assert_same(one, tmp_path / "run")


@several_processes
def test_all_processes_stop_when_one_sees_a_loss_that_is_not_finite(tmp_path):
    result = python(
        *TOGETHER, free_port(), "-m", "tests.gcdp_bench.training.stopping", str(tmp_path)
    )
    assert result.returncode == 0, result.stderr
    for rank in (0, 1):
        message = (tmp_path / f"{rank}.txt").read_text()
        assert message.startswith("diverged at step 3") and "step-00000002" in message


def test_batches_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match=r"multiple of the 4 processes, got 6; set batch_size=8"):
        processes.check(Regression(), 6, 4)
    processes.check(Regression(), 6, 1)
    processes.check(Regression(), 6, 3)


def test_tasks_that_mix_examples_are_refused_with_the_reason():
    class Mixed(Regression):
        mixes_examples = "it normalises over the batch"

    with pytest.raises(ValueError, match="2 processes .* it normalises over the batch; start it"):
        processes.check(Mixed(), 4, 2)
    with pytest.raises(ValueError, match="learning in turns runs in one process, got 2"):
        processes.check(Duel(), 4, 2)
    processes.check(Mixed(), 4, 1)


def test_tasks_say_whether_they_mix_examples():
    """Batch normalisation, weights within a batch and contrasts do; the diffusion losses do not."""
    for task in (SegmenterTask, AttributesTask, ClipTask, LabelTask):
        assert task.mixes_examples
    for task in (StageTask, LdmTask):
        assert not hasattr(task, "mixes_examples")


def test_processes_that_do_not_find_each_other_are_refused(tmp_path, monkeypatch):
    """As on a device over which accelerate does not spread a training."""
    alone = SimpleNamespace(num_processes=1, device=torch.device("mps"))
    monkeypatch.setattr(accelerate, "Accelerator", lambda **settings: alone)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="started 2 processes, but 1 train together on mps"):
        processes.start(CONFIG, tmp_path)


def test_shares_make_up_the_batch():
    batch = {"x": torch.arange(6)}
    shares = [processes.share(batch, rank, 3)["x"] for rank in range(3)]
    assert {len(part) for part in shares} == {2}
    assert torch.cat(shares).sort().values.equal(batch["x"])


@pytest.mark.parametrize(
    ("told", "precision", "message"),
    [
        ("bf16", "no", "told the precision bf16 .* settings say no; pass --set precision=bf16"),
        ("fp16", "bf16", "told the precision fp16 .* settings say bf16"),
        ("fp8", "no", "told the precision fp8, expected one of no, fp16 and bf16"),
        (None, "fp16", "expected no or bf16 without a GPU, got fp16"),
    ],
)
def test_a_precision_that_would_not_be_used_is_refused(
    tmp_path, monkeypatch, told, precision, message
):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    if told is not None:
        monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", told)
    with pytest.raises(ValueError, match=message):
        processes.start(replace(CONFIG, precision=precision), tmp_path)


@pytest.mark.parametrize("where", ["variable", "file"])
def test_a_precision_of_accelerate_that_is_not_used_is_said(tmp_path, monkeypatch, caplog, where):
    from accelerate.commands.config import config_args

    if where == "variable":
        monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    else:
        path = tmp_path / "default_config.yaml"
        config_args.ClusterConfig(
            compute_environment="LOCAL_MACHINE",
            distributed_type="NO",
            mixed_precision="bf16",
            use_cpu=True,
            debug=False,
        ).to_yaml_file(path)
        monkeypatch.setattr(config_args, "default_config_file", str(path))
    told, own = ("no", "bf16") if where == "variable" else ("bf16", "no")
    processes.check_precision(own)
    assert f"accelerate says mixed_precision {told}; the run's settings decide and say {own}" in (
        caplog.text
    )


def test_the_same_precision_is_not_worth_a_word(monkeypatch, caplog):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    processes.check_precision("bf16")
    monkeypatch.delenv("ACCELERATE_MIXED_PRECISION")
    processes.check_precision("no")
    assert not caplog.text


ENDING = """
import atexit
from gcdp_bench.training import processes

class UntilTheEnd:
    def __del__(self):
        print("the interpreter ends")

kept = UntilTheEnd()
atexit.register(print, "at exit")
print("written", end=" ")
try:
    raise {error}
except BaseException as error:
    processes.end(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "code", "said"),
    [("SystemExit", 0, ""), ("SystemExit(3)", 3, ""), ("KeyError('lost')", 1, "KeyError: 'lost'")],
)
def test_the_end_flushes_and_keeps_the_exit_code(error, code, said):
    result = python("-c", ENDING.format(error=error))
    assert result.returncode == code
    assert result.stdout == "written at exit\n", "without the interpreter's end"
    assert said in result.stderr and bool(said) == ("Traceback" in result.stderr)


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["no-such-verb"], 2)])
def test_only_commands_that_trained_with_others_end_so(monkeypatch, joined, arguments, code):
    ended = []
    monkeypatch.setattr(processes, "joined", lambda: joined)
    monkeypatch.setattr(processes, "end", lambda error: ended.append(error.code))
    assert CliRunner().invoke(main, arguments).exit_code == code
    assert ended == ([code] if joined else [])


def test_a_process_alone_has_not_joined(tmp_path):
    processes.start(CONFIG, tmp_path)
    assert not processes.joined()
