"""Folders in object stores: worked on as a local copy, brought and sent by fsspec.

A folder in a store is named by its URL. Its local copy lies in the user's cache, or where
`GCDP_STORES` says, and remembers the URL in the hidden file `.store.json`. Hidden files (this one,
locks, what is being written) never travel.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from gcdp_bench.core.config import from_dict, read_json, write_json
from gcdp_bench.core.progress import Progress, Silent
from gcdp_bench.io.atomic import is_hidden, replacing
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.validation import reason, shown

HOME_VARIABLE = "GCDP_STORES"
RECORD = ".store.json"
URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<place>.*)", re.IGNORECASE | re.DOTALL)
PACKAGES = {
    "s3": "gcdp-bench[s3]",
    "s3a": "gcdp-bench[s3]",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "hf": "huggingface_hub",
    "abfs": "adlfs",
    "az": "adlfs",
}
CHANGED = ("LastModified", "last_modified", "updated", "mtime", "created")
"""Keys under which fsspec's file systems have the time of an object."""

AT_ONCE = 64  # files on their way


@dataclass(frozen=True)
class _Object:
    """A file in the store."""

    path: str  # with the bucket
    num_bytes: int
    changed_sec: float  # since 1970; 0 where the store does not say

    @classmethod
    def of(cls, path: str, info: Mapping[str, Any]) -> _Object:
        """From what fsspec says of a file."""
        changed = next((info[key] for key in CHANGED if key in info), 0.0)
        if isinstance(changed, str):
            changed = datetime.fromisoformat(changed)
        if isinstance(changed, datetime):
            changed = changed.timestamp()
        return cls(path, int(info["size"] or 0), float(changed))


class Store:
    """A folder in an object store, and its local copy.

    Args:
        url: SCHEME://BUCKET/FOLDER of a file system that fsspec knows.
        path: the local copy.
        writer: of this copy alone, among all copies of the folder.
    """

    def __init__(self, url: str, path: Path, writer: str):
        self.url, self.path, self.writer = url, path, writer

    def pull(
        self,
        *names: str,
        into: Path | None = None,
        again: bool = False,
        progress: Progress | None = None,
    ) -> list[Path]:
        """Bring files, or folders with all they hold, that the local copy lacks.

        A file is taken for the same if its size is. Files that the store lacks are left out.

        Args:
            names: relative to the folder.
            into: folder to write to, under the same names; None: the local copy.
            again: bring files that are here, too.
            progress: told of every batch of files.

        Returns:
            Local paths of everything that lies there under the names, fetched now or before.

        Raises:
            OSError: the store does not answer, or refuses.
            ValueError: the store holds a name that leads elsewhere.
        """
        into = self.path if into is None else into
        found = {into / name: held for name, held in self._find(names).items()}
        missing = [path for path, held in found.items() if again or not _same_size(path, held)]
        for paths in _shown(missing, f"fetch from {self.url}", progress):
            with ExitStack() as files:
                temporary = [str(files.enter_context(replacing(path))) for path in paths]
                with self._one_message():
                    self._files.get([found[path].path for path in paths], temporary)
        return list(found)

    def push(
        self,
        *names: str,
        source: Path | None = None,
        below: str = "",
        progress: Progress | None = None,
    ) -> None:
        """Send files, or folders with all they hold, that the store lacks or has older.

        Names are sent one after the other: what comes last proves that all is there.

        Args:
            names: relative to the local copy; one that is not here is left out.
            source: folder to send from; None: the local copy.
            below: folder in the store to send to.
            progress: told of every batch of files.

        Raises:
            OSError: the store does not answer, or refuses.
        """
        source = self.path if source is None else source
        for name in names:
            here = {path.relative_to(source).as_posix(): path for path in _visible(source / name)}
            held = self._find([_below(below, name)]) if here else {}
            changed = [
                inner
                for inner, path in here.items()
                if not _up_to_date(path, held.get(_below(below, inner)))
            ]
            for inners in _shown(changed, f"send to {self.url}", progress):
                places = [self._place(_below(below, inner)) for inner in inners]
                with self._one_message():
                    self._files.put([str(here[inner]) for inner in inners], places)

    def versions(self, name: str) -> dict[str, tuple[int, float]]:
        """Size and time of writing of every file of the store in a folder."""
        return {
            inner: (held.num_bytes, held.changed_sec) for inner, held in self._find([name]).items()
        }

    def open(self) -> None:
        """Load what reads the scheme; asks nothing of the store.

        Raises:
            ValueError: no package reads it.
        """
        _ = self._opened

    def check(self) -> None:
        """Write an object and remove it.

        Raises:
            OSError: the store does not answer, or refuses.
        """
        trial = self._place(f"trial-{uuid.uuid4().hex}")
        with self._one_message():
            self._files.pipe_file(trial, b"gcdp-bench")
            self._files.rm_file(trial)

    def _find(self, names: Iterable[str]) -> dict[str, _Object]:
        """Every file of the store under the names, by its own; hidden ones are left out."""
        found: dict[str, _Object] = {}
        with self._one_message():
            self._files.invalidate_cache()
            for name in names:
                with suppress(FileNotFoundError):
                    for path, info in self._files.find(self._place(name), detail=True).items():
                        found[path] = _Object.of(path, info or self._files.info(path))
        names_of = {
            _checked(path.removeprefix(f"{self._root}/"), self.url): held
            for path, held in found.items()
        }
        return {name: held for name, held in names_of.items() if not is_hidden(name)}

    def _place(self, name: str) -> str:
        return self._root if name == "." else f"{self._root}/{name}"

    @property
    def _files(self) -> Any:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system, and the folder in its words."""
        from fsspec.core import url_to_fs

        match = URL.fullmatch(self.url)
        assert match is not None
        scheme = match["scheme"].lower()
        try:
            files, root = url_to_fs(self.url)
        except ImportError as error:
            package = PACKAGES.get(scheme, f"the one of {scheme}://")
            raise ValueError(
                f"{self.url}: expected a package that reads {scheme}://, found none; "
                f"pip install '{package}'"
            ) from error
        except ValueError as error:
            raise ValueError(
                f"{self.url}: expected a scheme that fsspec knows, such as s3://, gs:// or hf://, "
                f"got {scheme}:// ({reason(error)})"
            ) from error
        return files, root.rstrip("/")

    @contextmanager
    def _one_message(self) -> Iterator[None]:
        """Turn any exception of a store's library into one message."""
        try:
            yield
        except Exception as error:  # every store's library has its own
            problem = f"{type(error).__name__}: {reason(error)}"
            raise OSError(
                f"{self.url}: expected a store that answers, got {problem}; "
                "check the name, the credentials and the endpoint (docs/how-to/cluster.md). "
                f"The files made so far are in {self.path}: the same command goes on from there"
            ) from error


def is_remote(place: str) -> bool:
    """Whether it is the URL of a store, and no path."""
    match = URL.fullmatch(place)
    return match is not None and match["scheme"].lower() not in ("file", "local")


def open_store(url: str) -> Store:
    """The store of a URL, with its local copy, which is made when it is first used.

    Raises:
        ValueError: the URL names no folder, or no package reads its scheme.
    """
    url = url.rstrip("/")
    match = URL.fullmatch(url)
    if match is None or not match["place"].strip("/") or "::" in url or "\0" in url:
        raise ValueError(f"expected SCHEME://BUCKET/FOLDER, got {shown(url)}")
    name = re.sub(r"[^a-z0-9]+", "-", url.lower()).strip("-")[:60]
    path = _home() / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
    with exclusive(path / RECORD):
        if not (path / RECORD).exists():
            write_json(path / RECORD, _Record(url, uuid.uuid4().hex[:12]))
    store = store_of(path)
    assert store is not None
    store.open()
    return store


def store_of(path: Path) -> Store | None:
    """The store of whose local copy a path is a part; None: it is a plain local one.

    Raises:
        ValueError: the record of the copy is damaged.
    """
    for folder in (path, *path.parents):
        if (file := folder / RECORD).exists():
            record = from_dict(_Record, read_json(file), where=str(file))
            return Store(record.url, folder, record.writer)
    return None


def fetched(path: Path, *parts: str) -> Path:
    """`path`, a file or a folder; in a local copy, brought from the store if it is missing.

    Args:
        path: of a local copy or a plain one.
        parts: files and folders in it that are enough; none: all.

    Raises:
        OSError, ValueError: as `Store.pull`.
    """
    store = store_of(path)
    if store is not None:
        place = path.relative_to(store.path)
        store.pull(*((place / part).as_posix() for part in parts or (".",)))
    return path


def send(path: Path, *parts: str) -> None:
    """Send files or folders in a local copy to its store; in a plain folder, do nothing.

    Raises:
        OSError: as `Store.push`.
    """
    store = store_of(path)
    if store is not None:
        place = path.relative_to(store.path)
        store.push(*((place / part).as_posix() for part in parts or (".",)))


@dataclass(frozen=True)
class _Record:
    url: str
    writer: str


def _home() -> Path:
    named = os.environ.get(HOME_VARIABLE)
    return Path(named) if named else Path.home() / ".cache" / "gcdp-bench" / "stores"


def _visible(path: Path) -> list[Path]:
    """A file, or the files of a folder, without hidden ones."""
    if path.is_file():
        return [path]
    return sorted(
        file
        for folder, folders, names in os.walk(path)
        for file in _listed(Path(folder), folders, names)
    )


def _listed(folder: Path, folders: list[str], names: Sequence[str]) -> list[Path]:
    folders[:] = [name for name in folders if not is_hidden(name)]
    return [folder / name for name in names if not is_hidden(name)]


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _checked(name: str, url: str) -> str:
    """A name from a store that stays inside the local copy."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise ValueError(f"{url}: expected names of files inside it, got {shown(name)}; remove it")
    return name


def _same_size(path: Path, held: _Object) -> bool:
    return path.is_file() and path.stat().st_size == held.num_bytes


def _up_to_date(path: Path, held: _Object | None) -> bool:
    """Whether the store has a file as it is here."""
    if held is None or not _same_size(path, held):
        return False
    return path.stat().st_mtime < held.changed_sec


def _shown(items: Sequence[Any], task: str, progress: Progress | None) -> Iterator[Sequence[Any]]:
    """Items in parts, with progress if there are many."""
    progress = Silent() if progress is None or len(items) <= AT_ONCE else progress
    progress.start(task, len(items), unit="file")
    for start in range(0, len(items), AT_ONCE):
        part = items[start : start + AT_ONCE]
        yield part
        progress.advance(len(part))
    progress.finish()
