"""Files that are complete or absent, and folders that are checked before the work starts."""

from __future__ import annotations

import difflib
import errno
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from tempfile import TemporaryFile

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SYSTEM_NAMES = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "__macosx",
        "@eadir",
        "$recycle.bin",
        "system volume information",
    }
)
"""Files and folders, in lower case, that systems leave in the folders of their users."""

LEFTOVER = re.compile(r"\..+\.(?P<pid>\d+)@(?P<host>[^@]+)\.tmp")  # see `replacing`


def is_hidden(path: PurePath | str) -> bool:
    """Whether a name, or a part of a relative path, is hidden ("._a.png") or a system's own."""
    parts = PurePath(path).parts
    return any(part.startswith(".") or part.lower() in SYSTEM_NAMES for part in parts)


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """Entries of a folder that match a pattern, also one of "**" or with folders, in the order of
    their names; without hidden ones and those of systems, in hidden folders too.
    """
    if pattern != "*":
        found = (path for path in folder.glob(pattern) if not is_hidden(path.relative_to(folder)))
        return sorted(found)
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in names if not is_hidden(name)]


def no_such_folder(path: Path) -> str:
    """Message about a path that is no folder, with the nearest existing one."""
    if path.exists():
        return f"{path}: expected a folder, got a file; give the folder"
    lost = path
    while not lost.parent.is_dir():
        lost = lost.parent
    there = [folder.name for folder in visible(lost.parent) if folder.is_dir()]
    near = difflib.get_close_matches(lost.name, there, n=1)
    if not near:
        return f"{path}: no such folder; correct the path"
    found = lost.parent / near[0]
    whole = found / path.relative_to(lost)
    return f"{path}: no such folder; did you mean {whole if whole.is_dir() else found}?"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Temporary path beside `path` to write to; it takes the place of `path` when all went well.

    The folder is made if need be. Content and name are on the disk before this ends. After an error
    the temporary file is gone and `path` is as it was; what a killed process leaves is hidden, and
    `remove_leftovers` takes it away. Processes may write the same path: the last one wins.

    Raises:
        OSError: no room is left; the message names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}@{socket.gethostname()}.tmp")
    try:
        with _room_for(path):
            yield temporary
            _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: an empty one beside `path`, which takes its place with all it holds.

    After an error the temporary folder is gone and `path` is as it was. One process at a time; what
    a killed one leaves is hidden, and removed by the next.

    Raises:
        OSError: no room is left; the message names `path`.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        with _room_for(path):
            yield temporary
            for folder, _, names in os.walk(temporary):
                for name in names:
                    _sync(Path(folder, name))
                _sync(Path(folder))
        remove_folder(path)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Remove a folder, if it is there, so that nobody sees a part of it under its name."""
    doomed = path.with_name(f".{path.name}.old.tmp")
    shutil.rmtree(doomed, ignore_errors=True)
    if path.exists():
        path.replace(doomed)
        shutil.rmtree(doomed)


def remove_leftovers(folder: Path) -> None:
    """Remove from `folder`, not from those below, the temporary files of dead processes of this
    machine; those of other machines may be in use.
    """
    for entry in folder.glob(".*.tmp"):
        match = LEFTOVER.fullmatch(entry.name)
        if match and match["host"] == socket.gethostname() and not _alive(int(match["pid"])):
            entry.unlink(missing_ok=True)


def output_folder(path: Path) -> Path:
    """Make `path` and write a trial file, so that an unwritable place is known before slow work;
    what killed processes left in it is removed.

    Raises:
        OSError: it cannot be made or written to; the message names it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
        remove_leftovers(path)
    except OSError as error:
        raise OSError(
            f"{path}: expected a folder that can be written, got: {error.strerror}; choose another"
        ) from error
    return path


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    """Say of a full disk what could not be written, whichever library met it."""
    try:
        yield
    except OSError as error:
        codes = [code for code in NO_ROOM if code == error.errno or os.strerror(code) in str(error)]
        if not codes:
            raise
        raise OSError(
            codes[0],
            f"{os.strerror(codes[0])}; what was there before is unharmed: make room and run the "
            "same command again",
            str(path),
        ) from error


def _sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _alive(pid: int) -> bool:
    """Whether a process of this machine runs, anybody's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
