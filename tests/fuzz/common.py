"""How examples are drawn, what a clear refusal is, and files that are built byte by byte."""

import resource
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from click.testing import CliRunner
from hypothesis import HealthCheck, settings

from gcdp_bench.cli import main

MEGABYTE = 10**6
LONGEST_MESSAGE = 4000  # characters


def examples(num: int) -> settings:
    """Settings of a test with `num` examples, the same ones on every run."""
    return settings(
        max_examples=num,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


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
    assert not isinstance(message, bytes) and message.strip(), "expected a message"
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
