"""Lists of items: captions in the form of the official release, and plain lists of ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gcdp_bench.files import replacing
from gcdp_bench.seeds import derive_seed
from gcdp_bench.texts import check_caption, parse_json, read_lines, shown


def read_manifest(path: Path, *, suffix: str = "") -> dict[str, tuple[str, ...]]:
    """Captions by id, from lines {"file_name": ..., "text": [captions]}.

    Args:
        path: the `*_captions.jsonl`.
        suffix: what a file's name has after the id, before the dot ("_leftImg8bit").

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line has another form, or an image occurs twice; the line is named.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected captions, one JSON object a line, found none")
    captions: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        name, texts = _parse_line(line, f"{path} line {number}")
        name = Path(name).stem.removesuffix(suffix)
        if name in captions:
            raise ValueError(f"{path} line {number}: {name!r} occurs twice; remove one")
        captions[name] = texts
    return captions


def read_ids(path: Path) -> tuple[str, ...]:
    """Ids in the order of a manifest (`.jsonl`), or of a plain list, one file name or id a line.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line has another form, or an id occurs twice.
    """
    if path.suffix == ".jsonl":
        return tuple(read_manifest(path))
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected ids, one a line, found none")
    lines = (line.strip() for line in read_lines(path))
    ids = tuple(Path(line).stem for line in lines if line)
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


def _parse_line(line: str, where: str) -> tuple[str, tuple[str, ...]]:
    expected = f'{where}: expected {{"file_name": ..., "text": [captions]}}, got {shown(line)}'
    try:
        entry = parse_json(line)
        name, texts = entry["file_name"], entry["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(expected) from error
    if not isinstance(name, str) or not isinstance(texts, list) or not texts:
        raise ValueError(expected)
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(expected)
    try:
        return name, tuple(check_caption(text) for text in texts)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
