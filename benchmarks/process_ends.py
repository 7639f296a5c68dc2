"""Ends of processes that train together: exit codes and signals of many launches.

    python -m benchmarks.process_ends --launches 300 --via torchrun
    python -m benchmarks.process_ends --launches 300 --via accelerate
    python -m benchmarks.process_ends --launches 300 --via fork [--fsdp] [--idle] [--plain-end]

`fork` imports the program once and forks both processes of a launch from there, with the variables
that torchrun sets: the same training and the same end, without two thirds of the time. `--fsdp`
splits the weights; its collectives are the ones whose tensors Python knows.

`--idle` makes a rare race likely: each process has one core, and gloo's threads run only where the
rest of the process leaves it, so that a thread is late to free the tensors of a collective.
`--plain-end` is the end before `processes.end`: the interpreter's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from gcdp_bench.cli import main as command_line
from tests.gcdp_bench.training import fsdp_on_cpu
from tests.gcdp_bench.training.launched import SMALL

SETTINGS = (
    *SMALL,
    "stage.image_size=[8,12]",
    "batch_size=4",
    "steps=2",
    "checkpoint_every=2",
    "validate_every=99",
    "preview_every=99",
)
NUM_PROCESSES = 2


def arguments(out: Path) -> list[str]:
    """A training of two steps on embedded scenes, which takes a second."""
    pairs = [part for setting in SETTINGS for part in ("--set", setting)]
    command = ["train", "reference", "--dataset", "synth-city-25", "--stage", "base"]
    return [*command, "--out", str(out), *pairs]


def launched(via: str, out: Path) -> list[str]:
    """Exit codes of one launch, "signal 6" for an abort: of the launcher, which fails with any."""
    port = str(_free_port())
    launcher = {
        "torchrun": [
            "-m",
            "torch.distributed.run",
            "--nproc-per-node",
            str(NUM_PROCESSES),
            "--master-port",
            port,
            "-m",
            "gcdp_bench",
        ],
        "accelerate": [
            "-m",
            "accelerate.commands.launch",
            "--cpu",
            "--num_processes",
            str(NUM_PROCESSES),
            "--num_machines",
            "1",
            "--mixed_precision",
            "no",
            "--dynamo_backend",
            "no",
            "--main_process_port",
            port,
            "-m",
            "gcdp_bench",
        ],
    }[via]
    done = subprocess.run(
        [sys.executable, *launcher, *arguments(out)],
        capture_output=True,
        text=True,
        env=os.environ | _environment(),
    )
    if "SIGABRT" in done.stderr or "terminate called" in done.stderr:
        return ["signal 6"]
    return [f"exit {done.returncode}"]


def forked(out: Path, options: argparse.Namespace) -> list[str]:
    """Exit codes and signals of both processes; in such a process this does not return."""
    port, children = _free_port(), []
    for rank in range(NUM_PROCESSES):
        child = os.fork()
        if child == 0:
            _be_process(rank, port, out, options)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    return [
        f"signal {os.WTERMSIG(status)}"
        if os.WIFSIGNALED(status)
        else f"exit {os.WEXITSTATUS(status)}"
        for status in statuses
    ]


def _be_process(rank: int, port: int, out: Path, options: argparse.Namespace) -> None:
    """Train as process `rank` and end as the command does."""
    import torch.distributed as dist

    from gcdp_bench.training import processes

    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(NUM_PROCESSES),
        "LOCAL_WORLD_SIZE": str(NUM_PROCESSES),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    join = dist.init_process_group

    def join_idly(*args, **settings):
        join(*args, **settings)
        core = sorted(os.sched_getaffinity(0))[rank % len(os.sched_getaffinity(0))]
        for task in Path("/proc/self/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})
            if "gloo_run" in (task / "comm").read_text():
                os.sched_setscheduler(int(task.name), os.SCHED_IDLE, os.sched_param(0))

    if options.idle:
        dist.init_process_group = join_idly
    if options.plain_end:
        processes.joined = lambda: False
    if options.fsdp:
        os.environ |= fsdp_on_cpu.FSDP
        fsdp_on_cpu.main(arguments(out))
    command_line(arguments(out))


def _environment() -> dict[str, str]:
    return {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "GLOO_SOCKET_IFNAME": "lo"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _import_all() -> None:
    """Import the modules of a training, so that a fork has them."""
    import accelerate.optimizer  # noqa: F401
    import torch
    import torch._dynamo
    import torch.nn.parallel
    import torch.utils.tensorboard

    import gcdp_bench.cli.train
    import gcdp_bench.train  # noqa: F401
    import reference_model.task  # noqa: F401

    torch.set_num_threads(1)


def main() -> None:
    """Launch and count."""
    parser = argparse.ArgumentParser(description="Count how processes end.")
    parser.add_argument("--launches", type=int, default=300)
    parser.add_argument("--via", choices=("torchrun", "accelerate", "fork"), default="fork")
    parser.add_argument("--fsdp", action="store_true")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--plain-end", action="store_true")
    options = parser.parse_args()
    if options.via == "fork":
        os.environ |= _environment()
        _import_all()
    ends: Counter[str] = Counter()
    folder = Path(tempfile.mkdtemp())  # a forked process must not remove it
    for number in range(options.launches):
        out = folder / str(number)
        if options.via == "fork":
            ends.update(forked(out, options))
        else:
            ends.update(launched(options.via, out))
        if (number + 1) % 10 == 0:
            print(f"{number + 1} launches via {options.via}: {dict(ends)}", flush=True)
    shutil.rmtree(folder)
    print(f"{options.launches} launches via {options.via}: {dict(ends)}")


if __name__ == "__main__":
    main()
