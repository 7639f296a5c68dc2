"""The user's store of published weights: what is added is checked, and noticed when it changes.

Weights are copied into the store (a link would break when its target moves). Where the publisher
tells a SHA-256, or its first digits, another file is refused. Every file's SHA-256 is written down
when it is first added, and from then on it is expected: trust on first use. A folder without a
published digest is therefore as trustworthy as the place it came from.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from gcdp_bench.core.config import read_table, write_json
from gcdp_bench.core.progress import Progress
from gcdp_bench.extractors.registry import (
    WEIGHTS,
    WeightSpec,
    find_weights,
    is_complete,
    stored_path,
    weight_spec,
    weights_home,
)
from gcdp_bench.io.atomic import visible
from gcdp_bench.io.validation import reason, shown

RECORD = "digests.json"
MEGABYTE = 10**6
PART = 8 * MEGABYTE  # read at a time

Digests = Mapping[str, str]
"""File name (inside a folder, or of the single file) -> SHA-256, 64 hex digits."""

Fetch = Callable[[WeightSpec, Path], None]
"""Writes the weights of an entry to a path that does not exist yet."""


@dataclass(frozen=True)
class Check:
    """Result of `verify` for one entry of the registry."""

    name: str
    path: Path
    state: Literal["published", "recorded", "unknown", "mismatch"]
    """Equal to the publisher's digest, or to the one of the first use; nothing to compare with."""
    detail: str  # expected and got, or the digests


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """SHA-256 of a file, 64 hex digits; `progress` counts megabytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(PART):
            digest.update(part)
            if progress is not None:
                progress.advance(len(part) // MEGABYTE)
    return digest.hexdigest()


def digests_of(spec: WeightSpec, path: Path, progress: Progress) -> Digests:
    """SHA-256 of the file, or of every visible file of the folder."""
    files = _visible(path) if spec.is_folder else {spec.file_name: path}
    total = sum(file.stat().st_size for file in files.values()) // MEGABYTE
    progress.start(f"SHA-256 of {spec.name}", total, unit="MB")
    digests = {name: sha256_of(file, progress) for name, file in files.items()}
    progress.finish()
    return digests


def add_weights(name: str, source: Path, *, replace: bool = False, progress: Progress) -> Digests:
    """Copy weights into the store, complete or not at all; a file that lies there is recorded.

    Args:
        name: entry of the registry.
        source: a file, or a folder of which the entry's files are taken.
        replace: accept weights that differ from those of the first use.
        progress: counts megabytes.

    Raises:
        FileNotFoundError: `source` is not what the entry describes.
        ValueError: another file than the publisher's, or than that of the first use; nothing is
            changed.
        OSError: the store cannot be written.
    """
    spec = weight_spec(name)
    find_weights(name, source)
    if source.resolve() == stored_path(name).resolve():
        digests = _accepted(spec, source, replace, progress)
        _record(name, digests)
        return digests
    return _stage(spec, lambda _, path: _copy(spec, source, path), replace, progress)


def download_weights(
    name: str, *, fetch: Fetch, replace: bool = False, progress: Progress
) -> Digests:
    """Let `fetch` bring weights into the store, complete or not at all.

    Raises:
        OSError: the download failed, for whatever reason; says which, and how to do it by hand.
        ValueError: see `add_weights`.
    """
    spec = weight_spec(name)

    def guarded(spec: WeightSpec, path: Path) -> None:
        try:
            fetch(spec, path)
        except Exception as error:
            problem = f"{type(error).__name__}: {reason(error)}"
            raise OSError(_by_hand(spec, problem)) from error
        if not is_complete(spec, path):
            raise OSError(_by_hand(spec, "it brought no complete weights"))

    return _stage(spec, guarded, replace, progress)


def verify_weights(names: tuple[str, ...], progress: Progress) -> list[Check]:
    """Hash weights again and compare them with what is known of them.

    Args:
        names: entries of the registry; none: all that are in the store.
        progress: counts megabytes.

    Raises:
        FileNotFoundError: an entry of `names` is not in the store.
        ValueError: unknown name, or the record is damaged.
    """
    present = [name for name, spec in WEIGHTS.items() if is_complete(spec, stored_path(name))]
    return [_check(name, find_weights(name, None), progress) for name in names or present]


def recorded_digests(name: str) -> Digests | None:
    """Digests recorded when weights `name` were first added.

    Raises:
        ValueError: the record is not JSON, or no table of digests.
    """
    digests = _read_record().get(name)
    if digests is None:
        return None
    if not isinstance(digests, dict) or not all(isinstance(d, str) for d in digests.values()):
        raise ValueError(
            f"{weights_home() / RECORD}: expected digests of {name} by file, got {shown(digests)}; "
            "remove the file and add the weights again"
        )
    return digests


def _check(name: str, path: Path, progress: Progress) -> Check:
    spec, known = weight_spec(name), recorded_digests(name)
    got = digests_of(spec, path, progress)
    problem = _published_problem(spec, got) or (_difference(known, got) if known else "")
    if problem:
        return Check(name, path, "mismatch", problem)
    summary = ", ".join(f"{file} {digest}" for file, digest in got.items())
    if spec.sha256 is not None:
        return Check(name, path, "published", summary)
    return Check(name, path, "recorded" if known else "unknown", summary)


def _stage(spec: WeightSpec, bring: Fetch, replace: bool, progress: Progress) -> Digests:
    """Bring weights beside their place, check them, move them to it."""
    with _staging_folder() as folder:
        staged = folder / spec.file_name
        bring(spec, staged)
        digests = _accepted(spec, staged, replace, progress)
        target = stored_path(spec.name)
        if target.is_dir():
            target.rename(folder / "replaced")
        staged.replace(target)
    _record(spec.name, digests)
    return digests


def _accepted(spec: WeightSpec, path: Path, replace: bool, progress: Progress) -> Digests:
    got = digests_of(spec, path, progress)
    if problem := _published_problem(spec, got):
        raise ValueError(f"{spec.name}: {problem}; get it again: {spec.how}")
    known = recorded_digests(spec.name)
    if known and not replace and (problem := _difference(known, got)):
        raise ValueError(
            f"{spec.name}: {problem}, as recorded when it was first added; pass --replace if the "
            "new one is the right one"
        )
    return got


def _published_problem(spec: WeightSpec, got: Digests) -> str:
    digest = got.get(spec.file_name, "")
    if spec.sha256 is None or digest.startswith(spec.sha256):
        return ""
    return f"expected SHA-256 {spec.sha256}{_rest(spec.sha256)}, got {digest}"


def _rest(digest: str) -> str:
    return "" if len(digest) == 64 else "..."


def _difference(expected: Digests, got: Digests) -> str:
    for name in sorted(expected.keys() | got.keys()):
        if expected.get(name) != got.get(name):
            wanted, came = expected.get(name, "no such file"), got.get(name, "no such file")
            return f"{name}: expected SHA-256 {wanted}, got {came}"
    return ""


def _copy(spec: WeightSpec, source: Path, target: Path) -> None:
    if not spec.is_folder:
        shutil.copyfile(source, target)
        return
    target.mkdir()
    for name in (*spec.files, *spec.optional):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _visible(folder: Path) -> dict[str, Path]:
    """Files by relative path, without hidden files and folders (download tools leave such)."""
    return {
        str(path.relative_to(folder)): path for path in visible(folder, "**/*") if path.is_file()
    }


@contextmanager
def _staging_folder() -> Iterator[Path]:
    home = weights_home()
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".incoming-", dir=home) as folder:
        yield Path(folder)


def _read_record() -> dict[str, Any]:
    path = weights_home() / RECORD
    return read_table(path) if path.exists() else {}


def _record(name: str, digests: Digests) -> None:
    write_json(weights_home() / RECORD, {**_read_record(), name: dict(digests)})


def _by_hand(spec: WeightSpec, problem: str) -> str:
    return (
        f"{spec.name}: expected {spec.owner} to download {spec.source}, got {problem}; by hand: "
        f"{spec.how} (page: {spec.page}), then `gcdp-bench weights add {spec.name} PATH`"
    )
