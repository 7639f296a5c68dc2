"""One process at a time, and no lock outlives its holder."""

import os
import signal
import time

import pytest

from gcdp_bench.io.locks import exclusive
from tests.forks import forked


def held_by_another(path):
    """A process that holds the lock of `path` until it is killed."""
    ready, tell = os.pipe()

    def hold():
        with exclusive(path):
            os.write(tell, b"x")
            time.sleep(60)

    pid = forked(hold)
    os.read(ready, 1)
    os.close(ready)
    os.close(tell)
    return pid


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_free_lock_is_taken_and_given_back(tmp_path):
    path = tmp_path / "new" / "table"
    for _ in range(2):
        with exclusive(path) as mine:
            assert mine
    assert [entry.name for entry in path.parent.iterdir()] == [".table.lock"]


def test_a_lock_that_another_process_holds(tmp_path):
    path = tmp_path / "table"
    pid = held_by_another(path)
    try:
        with exclusive(path, wait=False) as mine:
            assert not mine
        waits = []

        def waiting():
            waits.append(1)
            end(pid)  # its lock is released by its death

        with exclusive(path, waiting=waiting) as mine:
            assert mine and waits == [1]
    finally:
        if not waits:
            end(pid)


def test_an_error_releases_the_lock(tmp_path):
    with pytest.raises(KeyError):
        with exclusive(tmp_path / "table"):
            raise KeyError
    with exclusive(tmp_path / "table", wait=False) as mine:
        assert mine
