"""Commands in processes that are forked, so that their time goes into work, and killed."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import torch

from gcdp_bench.cli import main as command_line
from gcdp_bench.io import atomic as files
from tests.forks import forked


def fork(arguments: list[str], log: Path, before: Callable[[], None] = lambda: None) -> int:
    """Give a command in a process that calls `before` first."""

    def give() -> None:
        torch.set_num_threads(1)
        before()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        command_line(arguments, standalone_mode=False)

    return forked(give)


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
