"""Run by a test: a training is killed again and again, and continued by the same command.

    python -m tests.gcdp_bench.training.killed FOLDER DATA SEED NUM

Trains `FOLDER/whole` undisturbed, then `FOLDER/killed` with NUM kills (`kill -9`): every other one
after a random time, the others at a random one of the moments at which a file is complete but not
yet in its place. Prints a line per kill. A training that came to its end all the same is moved to
`FOLDER/finished-NUMBER`, and the next begins anew. Each training is a process of its own; they are
forked, so that the time goes into training and not into imports.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import accelerate  # noqa: F401  (what every training imports)
import torch._dynamo  # noqa: F401
import torch.utils.tensorboard  # noqa: F401

import reference_model.presets
import reference_model.task
import reference_model.text  # noqa: F401
from gcdp_bench import files
from gcdp_bench.cli import main as command_line
from gcdp_bench.training import checkpoint
from tests.gcdp_bench.training.launched import arguments

SETTINGS = ("batch_size=2", "steps=6", "checkpoint_every=2", "validate_every=4",
            "preview_every=99", "warmup_steps=0")  # fmt: skip


def fork(data: Path, run: Path, before: Callable[[], None] = lambda: None) -> int:
    """Start `gcdp-bench train ... --resume` in a process that calls `before` first."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        before()
        log = os.open(run.with_name("log.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        command_line(arguments(data, run, *SETTINGS, resume=True), standalone_mode=False)
        status = 0
    finally:
        os._exit(status)


def killed_at(number: int) -> Callable[[], None]:
    """Let the process die when it waits for the disk the `number`-th time, from 1."""

    def prepare() -> None:
        sync, calls = files._sync, iter(range(1, number))

        def die(path: Path) -> None:
            if next(calls, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            sync(path)

        files._sync = die

    return prepare


def finished(pid: int) -> bool:
    """Wait for a process; whether it came to its end. A failure of its own ends this one."""
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, f"status {status}"
    return True


def last_step(run: Path) -> int:
    """Of the newest checkpoint; every one that is listed must be readable."""
    found = checkpoint.checkpoints(run)
    for folder in found:
        for name in ("network", "averaged", "optimizer"):
            checkpoint.load_weights(folder / f"{name}.safetensors")
    return int(found[-1].name.removeprefix("step-")) if found else 0


def main(folder: Path, data: Path, seed: int, num: int) -> None:
    source, run = random.Random(seed), folder / "killed"
    started = time.monotonic()
    assert finished(fork(data, folder / "whole"))
    length_sec = time.monotonic() - started
    step = 0
    for number in range(1, num + 1):
        if number % 2:
            pid, delay_sec = fork(data, run), source.uniform(0.2, 0.8) * length_sec
            time.sleep(delay_sec)
            moment = f"after {delay_sec:.2f} s"
            os.kill(pid, signal.SIGKILL)
        else:
            write = source.randint(1, 40)
            pid, moment = fork(data, run, killed_at(write)), f"at wait {write} for the disk"
        ended = "it had finished" if finished(pid) else "killed"
        now = last_step(run)
        assert now >= step, "a kill lost a checkpoint"
        hidden = sorted(path.name for path in run.rglob(".*.tmp"))
        print(f"{number}: {moment}: {ended}; newest checkpoint {step} -> {now}; left: {hidden}")
        step = now
        if ended != "killed":
            run.rename(folder / f"finished-{number}")
            step = 0
    assert finished(fork(data, run))
    print(f"then undisturbed: newest checkpoint {step} -> {last_step(run)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
