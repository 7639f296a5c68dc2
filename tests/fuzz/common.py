"""What a clear refusal is, and files that are built byte by byte."""

import os
import resource
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from click.testing import CliRunner
from hypothesis import strategies as st

from gcdp_bench.cli import main

MEGABYTE = 10**6
LONGEST_MESSAGE = 4000  # characters


def refused(call: Callable[[], Any], *names: object) -> str:
    """Message of the refusal of `call`, which must name all of `names`."""
    outcome, message = attempt(call)
    assert message is not None, f"expected a refusal, got {outcome!r}"
    for name in names:
        assert str(name) in message
    return message


def attempt(call: Callable[[], Any]) -> tuple[Any, str | None]:
    """What `call` returns, or the message of its refusal; every other exception is a failure."""
    try:
        return call(), None
    except (ValueError, OSError) as error:
        message = str(error)
    assert message.strip(), "expected a message"
    assert len(message) < LONGEST_MESSAGE
    assert "\0" not in message
    return None, message


def command_refused(arguments: Sequence[object], *names: object) -> str:
    """Output of a command that must end with code 1 or 2 and one line of error with `names`."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code in (1, 2), result.output
    assert isinstance(result.exception, SystemExit)
    lines = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1 and "Traceback" not in result.output
    for name in names:
        assert str(name) in lines[0]
    return lines[0]


@contextmanager
def memory_within(megabytes: float) -> Iterator[None]:
    """Refuse code whose Python objects and arrays take more at their peak."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < megabytes * MEGABYTE, f"took {peak / MEGABYTE:.1f} MB"


@contextmanager
def resident_within(megabytes: float) -> Iterator[None]:
    """Refuse code that makes the process larger than it ever was by more than that."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000  # of kB
    assert grown < megabytes, f"resident memory grew by {grown:.0f} MB"


def changed(content: bytes, cut: int, changes: Sequence[tuple[int, int]]) -> bytes:
    """`content` without its last `cut` bytes, with other bytes at some places."""
    kept = bytearray(content[: max(1, len(content) - cut)])
    for place, value in changes:
        kept[place % len(kept)] = value
    return bytes(kept)


DAMAGE = st.tuples(
    st.one_of(st.just(0), st.integers(0, 3000)),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=5),
)
"""What `changed` does to a file."""


CODE: dict[str, Callable[[Path], tuple]] = {
    "open": lambda mark: (open, (str(mark), "w")),
    "mkdir": lambda mark: (os.mkdir, (str(mark),)),
    "exec": lambda mark: (exec, (f"import os; os.mkdir({str(mark)!r})",)),
    "torch.save": lambda mark: (torch.save, (torch.zeros(1), str(mark))),
    "getattr": lambda mark: (getattr, (Path(mark), "touch")),
}
"""Calls that leave a file or a folder at the given place."""


class Payload:
    """Runs something when it is unpickled by a reader that trusts it."""

    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk with its length and check sum."""
    head = struct.pack(">I", len(content)) + kind + content
    return head + struct.pack(">I", zlib.crc32(kind + content))


def png(
    width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b""
) -> bytes:
    """A PNG file; every row of `rows` begins with its filter byte, which nobody checks."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )
