"""Parts of a `folder` dataset: its images, captions and classes, with every fault in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gcdp_bench.config import read_table
from gcdp_bench.datasets.inspection import WHOLE_SPLIT
from gcdp_bench.protocols import IGNORE_ID, Fault
from gcdp_bench.texts import (
    check_caption,
    check_class_names,
    check_id,
    check_name,
    parse_json,
    read_lines,
    shown,
)

SUFFIXES = (".png", ".jpg", ".jpeg")


def split_root(path: Path, split: str) -> Path:
    """Folder that holds a split.

    Raises:
        FileNotFoundError: it has no images; says what was expected.
    """
    for root in (path / split, path):
        if (root / "images").is_dir():
            return root
    raise FileNotFoundError(
        f"{path}: expected images/ or {split}/images/ beside captions.jsonl and classes.json, "
        "found neither; see docs/datasets.md"
    )


def scan_images(root: Path) -> tuple[dict[str, Path], list[Fault]]:
    """Image files of `root/images` by id; of two with one id the first, and a fault."""
    files: dict[str, Path] = {}
    faults = []
    for path in sorted((root / "images").iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            if path.stem in files:
                problem = f"another image has the id {path.stem!r}; rename one"
                faults.append(Fault(path.stem, str(path), problem))
            else:
                files[path.stem] = path
    return files, faults


def scan_captions(path: Path) -> tuple[dict[str, str], list[Fault]]:
    """Captions by id; of two lines with one id the first, and a fault; a fault per torn line.

    Raises:
        FileNotFoundError: no manifest.
        ValueError: it is not text.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected captions, one JSON object a line, found none")
    captions: dict[str, str] = {}
    faults = []
    for number, line in enumerate(read_lines(path), start=1):
        where = f"{path} line {number}"
        try:
            name, caption = _parse_line(line, where)
        except ValueError as error:
            problem = str(error).removeprefix(f"{where}: ")
            faults.append(Fault(WHOLE_SPLIT, where, problem))
            continue
        if name in captions:
            faults.append(Fault(name, where, f"id {name!r} occurs twice; remove one"))
            continue
        captions[name] = caption
    return captions, faults


def read_captions(path: Path) -> dict[str, str]:
    """Captions by id.

    Raises:
        FileNotFoundError: no manifest.
        ValueError: a line is not {"id", "caption"}, an id is no file name or repeats, or a caption
            has control characters or more than `texts.MAX_CAPTION`; the line is named.
    """
    captions, faults = scan_captions(path)
    refuse(faults)
    return captions


def read_classes(root: Path) -> dict[str, Any]:
    """`classes.json` of the split or of the folder above it: {"classes": [names], ...}.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it has another form, or more classes than a layout can tell apart.
    """
    path = root / "classes.json"
    if not path.exists():
        path = root.parent / "classes.json"
    if not path.exists():
        raise FileNotFoundError(
            f'{root / "classes.json"}: expected {{"classes": [names]}}, found none'
        )
    classes = read_table(path)
    names = classes.get("classes")
    if not isinstance(names, list) or not 1 <= len(names) <= IGNORE_ID:
        raise ValueError(
            f'{path}: expected {{"classes": [names]}} with at least one name and at most '
            f"{IGNORE_ID}, got {shown(names)}; correct the file"
        )
    try:
        check_class_names(names)
        check_name(classes.get("dataset", "-"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return classes


def match_faults(root: Path, images: dict[str, Path], captions: dict[str, str]) -> Iterator[Fault]:
    """Images without a caption, then captions without an image."""
    manifest = root / "captions.jsonl"
    for name, path in images.items():
        if name not in captions:
            problem = (
                f"expected a caption in {manifest}, found none; add its line or remove the image"
            )
            yield Fault(name, str(path), problem)
    for name in captions:
        if name not in images:
            problem = (
                f"id {name!r} has no image in {root / 'images'}; restore the image or remove "
                "the line"
            )
            yield Fault(name, str(manifest), problem)


def refuse(faults: list[Fault]) -> None:
    """Raise the first fault, if there is one.

    Raises:
        ValueError: "file: problem".
    """
    for fault in faults:
        raise ValueError(f"{fault.file}: {fault.problem}")


def _parse_line(line: str, where: str) -> tuple[str, str]:
    try:
        entry: Any = parse_json(line)
        name, caption = entry["id"], entry["caption"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'{where}: expected {{"id": ..., "caption": ...}}, got {shown(line)}'
        ) from error
    if not isinstance(name, str) or not isinstance(caption, str):
        raise ValueError(f"{where}: expected text for id and caption")
    try:
        return check_id(name), check_caption(caption)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
