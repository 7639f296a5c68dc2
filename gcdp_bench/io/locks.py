"""Work that one process at a time may do, of all that share a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def exclusive(
    path: Path, *, wait: bool = True, waiting: Callable[[], None] = lambda: None
) -> Iterator[bool]:
    """Hold the lock of `path`, a hidden file beside it, which stays.

    The system releases the lock of a process that dies.

    Args:
        path: what is worked on; it need not exist, its folder is made.
        wait: while another process holds the lock.
        waiting: called once before a wait.

    Yields:
        Whether the lock is held; always, where it is waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        if wait:
            waiting()
            lock.acquire()
    try:
        yield lock.is_locked
    finally:
        lock.release()
