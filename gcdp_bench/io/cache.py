"""The user's cache: what takes long to make and can be made again, shared by all results folders.

    GCDP_CACHE/statistics/LABEL-KEY.npz       what a network extracted from real images or controls
    GCDP_CACHE/celeba-layouts/TREE/ID.png     merged layouts of one CelebAMask-HQ tree

Without `GCDP_CACHE` it is the platform's folder for caches. An entry is named by the digest of all
that its content depends on, so that it never has to be invalidated; it is complete or absent. When
the entries take more than `GCDP_CACHE_LIMIT`, those that were not used for the longest time go.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

from gcdp_bench.io.atomic import remove_folder, remove_leftovers, replacing
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.npz import read_arrays
from gcdp_bench.io.validation import reason, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOME_VARIABLE = "GCDP_CACHE"
LIMIT_VARIABLE = "GCDP_CACHE_LIMIT"
DEFAULT_LIMIT = "10 GB"
STATISTICS, LAYOUTS = "statistics", "celeba-layouts"
KINDS = {
    STATISTICS: "what networks extracted from real images and controls",
    LAYOUTS: "merged layouts of CelebAMask-HQ",
}
"""Folders of the cache; nothing else in it is ever listed or removed."""

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
SIZE = re.compile(r"\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>[KMGT]?)B?\s*", re.ASCII | re.IGNORECASE)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One file, or one folder of merged layouts."""

    kind: str
    path: Path
    num_bytes: int
    used_sec: float  # since 1970, when it was last read or written


def cache_home() -> Path:
    """Folder of the cache: the environment variable GCDP_CACHE, else the platform's."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named) if named else user_cache_path("gcdp-bench", appauthor=False)


def cache_limit() -> int:
    """Bytes that all entries may take together: GCDP_CACHE_LIMIT, else `DEFAULT_LIMIT`.

    Raises:
        ValueError: the variable holds no size.
    """
    text = os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT
    match = SIZE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{LIMIT_VARIABLE}: expected a size such as 500MB, 10 GB or 0, got {shown(text)}"
        )
    return int(float(match["number"]) * UNITS[match["unit"].upper()])


class UserCache:
    """Arrays under keys. A failure to write is reported once, and everything goes on without it.

    Several processes and machines may share one: a file appears under its name when it is whole,
    and one that disappears while it is read counts as absent.

    Args:
        home: folder; None: `cache_home()`.
        limit: bytes of all entries together; None: `cache_limit()`. 0 keeps nothing.
    """

    def __init__(self, home: Path | None = None, *, limit: int | None = None):
        self.home = cache_home() if home is None else home
        self.limit = cache_limit() if limit is None else limit
        self._is_writable = self.limit > 0

    def starts_with(self, start: str) -> bool:
        """Whether there are arrays under a key that begins with `start`."""
        return next(self._folder.glob(f"*-{start}-*.npz"), None) is not None

    def read(self, key: str) -> dict[str, NDArray[np.generic]] | None:
        """Arrays that `write` kept; None: there are none, or the file is damaged, which is said."""
        for path in self._folder.glob(f"*-{key}.npz"):
            try:
                arrays = read_arrays(path, remedy="it is made again")
            except FileNotFoundError:
                continue
            except ValueError as error:
                logger.warning("%s", error)
                continue
            with suppress(OSError):  # a cache that others fill can be read-only
                os.utime(path)
            return arrays
        return None

    def write(self, label: str, key: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Keep arrays under a key, and remove the least recently used entries above the limit.

        Args:
            label: for people; of letters, digits and ` ()+,=@.-_`.
            key: digest of all that the arrays depend on.
            arrays: by name.
        """
        import numpy as np

        if not self._is_writable:
            return
        path = self._folder / f"{label}-{key}.npz"
        try:
            remove_leftovers(self._folder)
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        except OSError as error:
            self._give_up(error)
        else:
            self.trim()

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Hold the lock of a key, so that of several processes one makes what all need."""
        with ExitStack() as stack:
            if self._is_writable:
                try:
                    stack.enter_context(exclusive(self._folder / key))
                except (OSError, NotImplementedError) as error:  # the latter: no locks there
                    self._give_up(error)
            yield

    def entries(self) -> list[Entry]:
        """Everything that is kept, the least recently used first."""
        found = [_entry(STATISTICS, path) for path in self._folder.glob("*.npz")]
        found += [_entry(LAYOUTS, path) for path in (self.home / LAYOUTS).glob("*")]
        return sorted((e for e in found if e is not None), key=lambda entry: entry.used_sec)

    def trim(self) -> None:
        """Remove the least recently used entries until the others fit the limit."""
        entries = self.entries()
        total = sum(entry.num_bytes for entry in entries)
        for entry in entries:
            if total <= self.limit:
                break
            _remove(entry.path)
            total -= entry.num_bytes

    def clear(self, kinds: Sequence[str] = ()) -> list[Entry]:
        """Remove the entries of some kinds, locks and what killed processes left too.

        Args:
            kinds: of `KINDS`; none: all.

        Returns:
            The entries that were removed.

        Raises:
            ValueError: unknown kind.
            OSError: one cannot be removed.
        """
        kinds = kinds or tuple(KINDS)
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise ValueError(f"expected some of {', '.join(KINDS)}, got {', '.join(unknown)}")
        doomed = [entry for entry in self.entries() if entry.kind in kinds]
        for kind in kinds:
            if (self.home / kind).is_dir():
                remove_folder(self.home / kind)
        return doomed

    @property
    def _folder(self) -> Path:
        return self.home / STATISTICS

    def _give_up(self, error: Exception) -> None:
        self._is_writable = False
        logger.warning(
            "%s: expected a cache that can be written, got: %s; what it would keep is made again "
            "the next time: set %s to a folder of your own",
            self.home,
            reason(error),
            HOME_VARIABLE,
        )


def _entry(kind: str, path: Path) -> Entry | None:
    """Entry at a path; None: it is hidden, or was removed meanwhile."""
    if path.name.startswith("."):
        return None
    try:
        if not path.is_dir():
            info = path.stat()
            return Entry(kind, path, info.st_size, info.st_mtime)
        with os.scandir(path) as files:
            return Entry(kind, path, sum(f.stat().st_size for f in files), path.stat().st_mtime)
    except FileNotFoundError:
        return None


def _remove(path: Path) -> None:
    """Another process may do the same; on some systems a file that is read cannot be removed."""
    with suppress(OSError):
        if path.is_dir():
            remove_folder(path)
        else:
            path.unlink(missing_ok=True)
