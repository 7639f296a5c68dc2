"""What `guided` starts from is read, so that its changes reach all of the reader; what it found."""

from base64 import b64decode

import pytest

from tests.fuzz.common import attempt, refused, resident_within
from tests.fuzz.targets import TARGETS

REFUSED = dict.fromkeys(("array", "arrays"), "all arrays of one pass")  # what comes after parsing
FOUND = {
    "an archive on several disks": (
        "checkpoint",
        "UJGRkZGRkZGRkZGRkS+RkZGRkZGRkZGRkVBLBgeRkZGRkZGRL5GRkZGRkZGRkZGRUEsGB5GRkZGRkUsFBmR0AAAALQBQ"
        "SwUGAAAAAAZkdKCurq6uAAAAAAD/////AAAAAA==",
    ),
    "a bytearray of gigabytes": ("torchscript's pickle", "lpVfZnUAAAAAAAAAFfky+fn5+YD5"),
    "a longer one": ("pickled ids", "gASWswD//wAAAAD//wBZAA=="),
    "NUL in the unpickler's message": ("pickled ids", "aWlpXWlpBgAAAAAAAABpLA=="),
}
"""Bytes, in base 64, that once ended in another error than a refusal."""


@pytest.mark.parametrize("name", TARGETS)
def test_the_seed_is_read(name, tmp_path):
    target = TARGETS[name]
    path = tmp_path / target.name
    path.write_bytes(target.file(target.seed))
    if name in REFUSED:
        refused(lambda: target.read(path), REFUSED[name])
    else:
        target.read(path)


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_is_refused(name, tmp_path):
    target = TARGETS[FOUND[name][0]]
    path = tmp_path / target.name
    path.write_bytes(target.file(b64decode(FOUND[name][1])))
    with resident_within(64):
        _, message = attempt(lambda: target.read(path))
    assert message is not None
