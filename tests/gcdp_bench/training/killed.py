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
from gcdp_bench.training import checkpoint
from tests.gcdp_bench.training.launched import arguments
from tests.kills import finished, fork, killed_at

SETTINGS = (
    "batch_size=2",
    "steps=6",
    "checkpoint_every=2",
    "validate_every=4",
    "preview_every=99",
    "warmup_steps=0",
)


def start(data: Path, run: Path, before: Callable[[], None] = lambda: None) -> int:
    """Start `gcdp-bench train ... --resume` in a process that calls `before` first."""
    return fork(arguments(data, run, *SETTINGS, resume=True), run.with_name("log.txt"), before)


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
    assert finished(start(data, folder / "whole"))
    length_sec = time.monotonic() - started
    step = 0
    for number in range(1, num + 1):
        if number % 2:
            pid, delay_sec = start(data, run), source.uniform(0.2, 0.8) * length_sec
            time.sleep(delay_sec)
            moment = f"after {delay_sec:.2f} s"
            os.kill(pid, signal.SIGKILL)
        else:
            write = source.randint(1, 40)
            pid, moment = start(data, run, killed_at(write)), f"at wait {write} for the disk"
        ended = "it had finished" if finished(pid) else "killed"
        now = last_step(run)
        assert now >= step, "a kill lost a checkpoint"
        hidden = sorted(path.name for path in run.rglob(".*.tmp"))
        print(f"{number}: {moment}: {ended}; newest checkpoint {step} -> {now}; left: {hidden}")
        step = now
        if ended != "killed":
            run.rename(folder / f"finished-{number}")
            step = 0
    assert finished(start(data, run))
    print(f"then undisturbed: newest checkpoint {step} -> {last_step(run)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
