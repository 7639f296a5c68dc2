"""Lists of items: captions in the form of the official release, and plain lists of ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gcdp_bench.core.rng import derive_seed
from gcdp_bench.datasets.disk import id_of
from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.validation import check_caption, check_id, parse_json, read_lines, shown

NAME_KEYS = ("id", "file_name")
TEXT_KEYS = ("caption", "captions", "text")
FORM = '{"id": ..., "caption": ...} or {"file_name": ..., "text": [captions]}'


@dataclass(frozen=True)
class BadLine:
    """A line of a manifest that is not read."""

    where: str  # file and line
    problem: str


def read_manifest(path: Path, *, suffix: str = "") -> dict[str, tuple[str, ...]]:
    """Captions by id; see `scan_manifest`. An "id" may have a picture's suffix too.

    Args:
        path: the `*_captions.jsonl`.
        suffix: what a file's name has after the id, before the dot ("_leftImg8bit").

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line has another form; it is named.
    """
    captions, bad = scan_manifest(path, suffix=suffix, files=True)
    for line in bad:
        raise ValueError(f"{line.where}: {line.problem}")
    return captions


def scan_manifest(
    path: Path, *, suffix: str = "", files: bool = False
) -> tuple[dict[str, tuple[str, ...]], list[BadLine]]:
    """Captions by id, from lines of the form `FORM`, and the lines that are not.

    A line has one caption or a list of them; lines of one id add up. "file_name" may have folders
    and a picture's suffix. Blank lines are left out.

    Args:
        path: the `*_captions.jsonl`.
        suffix: what a file's name has after the id, before the dot.
        files: read "id" like "file_name".

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is not text.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected captions, one JSON object a line, found none")
    captions: dict[str, tuple[str, ...]] = {}
    bad = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            name, texts = _parse_line(line)
            name = check_id((id_of(name) if files else name).removesuffix(suffix))
        except ValueError as error:
            bad.append(BadLine(f"{path} line {number}", str(error)))
            continue
        captions[name] = (*captions.get(name, ()), *texts)
    return captions, bad


def read_ids(path: Path) -> tuple[str, ...]:
    """Ids in the order of a manifest (`.jsonl`), or of a plain list, one file name or id a line.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line has another form, or an id occurs twice.
    """
    if path.suffix.lower() == ".jsonl":
        return tuple(read_manifest(path))
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected ids, one a line, found none")
    lines = (line.strip() for line in read_lines(path))
    ids = tuple(id_of(line) for line in lines if line)
    if len(set(ids)) != len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise ValueError(f"{path}: id {twice!r} occurs twice; remove one")
    return ids


def write_ids(path: Path, ids: Iterable[str]) -> None:
    """Write ids, one a line, complete or not at all."""
    with replacing(path) as temporary:
        temporary.write_text("".join(f"{name}\n" for name in ids), encoding="utf-8")


def choose_caption(captions: Sequence[str], item: str, seed: int | None) -> str:
    """One of the captions of `item`: by `seed` and the id alone, the first for None."""
    if seed is None:
        return captions[0]
    return captions[derive_seed("caption", seed, item) % len(captions)]


def _parse_line(line: str) -> tuple[str, tuple[str, ...]]:
    expected = f"expected {FORM}, got {shown(line)}"
    try:
        entry = parse_json(line)
        key = next(key for key in NAME_KEYS if key in entry)
        name, texts = entry[key], next(entry[key] for key in TEXT_KEYS if key in entry)
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise ValueError(expected) from error
    listed = isinstance(texts, list)
    texts = texts if listed else [texts]
    if not isinstance(name, str) or not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(expected)
    if listed and not all(text.strip() for text in texts):
        raise ValueError(f"{expected}; a list has no empty captions")
    return name if key == "id" else id_of(name), tuple(check_caption(text) for text in texts)
