"""Files that are complete or absent, and folders that are checked before the work starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Temporary path beside `path` to write to; it takes the place of `path` when all went well.

    The folder is made if need be. After an error the temporary file is gone and `path` is as it
    was. Processes of one machine may write the same path: the last one wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: an empty one beside `path`, which takes its place with all it holds.

    After an error the temporary folder is gone and `path` is as it was. One process at a time.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def output_folder(path: Path) -> Path:
    """Make `path` and write a trial file, so that an unwritable place is known before slow work.

    Raises:
        OSError: it cannot be made or written to; the message names it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise OSError(
            f"{path}: expected a folder that can be written, got: {error.strerror}; choose another"
        ) from error
    return path
