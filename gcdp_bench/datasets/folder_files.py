"""Parts of a `folder` dataset: its images, captions and classes, with every fault in them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gcdp_bench.core.config import read_table
from gcdp_bench.core.images import IMAGE_SUFFIXES
from gcdp_bench.core.types import IGNORE_ID, Fault
from gcdp_bench.datasets.coding import LayoutCoding, read_coding
from gcdp_bench.datasets.disk import files_by_id, id_of
from gcdp_bench.datasets.inspection import WHOLE_SPLIT
from gcdp_bench.datasets.manifest import choose_caption, scan_manifest
from gcdp_bench.io.atomic import no_such_folder, visible
from gcdp_bench.io.validation import check_class_names, check_name, check_part, nfc, shown

CAPTION_FILES = ("captions.jsonl", "metadata.jsonl", "images/metadata.jsonl")
"""Files of captions; the others are those of Hugging Face's image folders."""

OTHER_PICTURES = (".gif", ".heic", ".heif", ".avif", ".jp2", ".tga", ".ppm", ".dcm", ".exr")
"""Pictures that are not read, and are reported where they lie among images."""

TEMPLATE = "An image of {classes}."
"""Template of captions for a folder without captions and without a template in `classes.json`."""

CLASS_KEYS = (
    "classes",
    "dataset",
    "split",
    "values",
    "colours",
    "colors",
    "words",
    "template",
    "count_denied",
)


@dataclass(frozen=True, kw_only=True)
class ClassTable:
    """Content of `classes.json`."""

    names: tuple[str, ...]
    dataset: str | None = None  # None: that of the folder
    coding: LayoutCoding = LayoutCoding()  # how files of layouts say classes
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # more words of a class
    template: str = TEMPLATE  # of captions where there are none
    count_denied: bool = False  # "no cars" asks for cars


def split_root(path: Path, split: str) -> Path:
    """Folder that holds a split.

    Raises:
        FileNotFoundError: no such folder, or it has no images; says what was expected.
        ValueError: the split's name leads out of the folder.
    """
    check_part(split, "split")
    if not path.is_dir():
        raise FileNotFoundError(no_such_folder(path))
    for root in (path / split, path):
        if (root / "images").is_dir():
            return root
    there = [name for name in ("train", "val", "test") if (path / name / "images").is_dir()]
    found = f"only {', '.join(there)}; make it with `gcdp-bench data split {path} --out FOLDER`"
    raise FileNotFoundError(
        f"{path}: expected images/ or {split}/images/ beside captions.jsonl and classes.json, "
        f"found {found if there else 'neither; see docs/reference/datasets.md'}"
    )


def scan_images(root: Path) -> tuple[dict[str, Path], list[Fault]]:
    """Image files of `root/images` by id; of two with one id the first, and a fault."""
    files, repeated = files_by_id(root / "images", IMAGE_SUFFIXES)
    faults = [
        Fault(nfc(path.stem), str(path), f"another image has the id {path.stem!r}; rename one")
        for path in repeated
    ]
    for path in visible(root / "images"):
        if path.suffix.lower() in OTHER_PICTURES and nfc(path.stem) not in files:
            problem = f"expected {', '.join(IMAGE_SUFFIXES)}, got {path.suffix}; convert it"
            faults.append(Fault(nfc(path.stem), str(path), problem))
    return files, faults


def caption_file(root: Path) -> Path | None:
    """The file of a split's captions; None: it has none.

    Raises:
        ValueError: there are several.
    """
    found = [root / name for name in CAPTION_FILES if (root / name).is_file()]
    if len(found) > 1:
        raise ValueError(
            f"{root}: expected captions in one file, found {' and '.join(map(str, found))}; remove "
            "one"
        )
    return found[0] if found else None


def scan_captions(path: Path) -> tuple[dict[str, tuple[str, ...]], list[Fault]]:
    """Captions by id, and a fault per torn line; see `scan_manifest`.

    Raises:
        FileNotFoundError: no manifest.
        ValueError: it is not text.
    """
    captions, bad = scan_manifest(path)
    return captions, [Fault(WHOLE_SPLIT, line.where, line.problem) for line in bad]


def captions_of_images(
    captions: Mapping[str, tuple[str, ...]], images: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Captions by the ids of images; an id such as "0001.png" is read as that of "0001", if only
    that one has an image.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, texts in captions.items():
        stem = id_of(name)
        key = stem if name not in images and stem in images else name
        found[key] = (*found.get(key, ()), *texts)
    return found


def read_captions(path: Path, images: Collection[str] = ()) -> dict[str, str]:
    """One caption of each id, chosen as a dataset chooses it.

    Args:
        path: of the manifest.
        images: ids of the images that have captions, see `captions_of_images`.

    Raises:
        FileNotFoundError: no manifest.
        ValueError: a line is not {"id", "caption"}, an id is no file name, or a caption has control
            characters or more than `validation.MAX_CAPTION`; the line is named.
    """
    captions, faults = scan_captions(path)
    refuse(faults)
    captions = captions_of_images(captions, images)
    return {name: choose_caption(texts, name, 0) for name, texts in captions.items()}


def classes_file(root: Path) -> Path:
    """`classes.json` of the split, else of the folder above it.

    Raises:
        FileNotFoundError: there is none.
    """
    for folder in (root, root.parent):
        if (folder / "classes.json").exists():
            return folder / "classes.json"
    raise FileNotFoundError(f'{root / "classes.json"}: expected {{"classes": [names]}}, found none')


def read_classes(root: Path) -> ClassTable:
    """`classes.json` of the split or of the folder above it: {"classes": [names], ...}.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it has another form, or more classes than a layout can tell apart; all that is
            wrong with names, values and colours is said.
    """
    path = classes_file(root)
    table = read_table(path)
    names = table.get("classes")
    if not isinstance(names, list) or not 1 <= len(names) <= IGNORE_ID:
        raise ValueError(
            f'{path}: expected {{"classes": [names]}} with at least one name and at most '
            f"{IGNORE_ID}, got {shown(names)}; correct the file"
        )
    try:
        return _class_table(table, check_class_names(names))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def match_faults(
    images: Mapping[str, Path], captions: Collection[str], manifest: Path
) -> Iterator[Fault]:
    """Images without a caption, then captions without an image."""
    for name, path in images.items():
        if name not in captions:
            problem = (
                f"expected a caption in {manifest}, found none; add its line or remove the image"
            )
            yield Fault(name, str(path), problem)
    for name in captions:
        if name not in images:
            stem = "" if id_of(name) == name else f", nor has {id_of(name)!r}"
            problem = (
                f"id {name!r} has no image in images/{stem}; restore the image or remove the line"
            )
            yield Fault(name, str(manifest), problem)


def refuse(faults: Sequence[Fault]) -> None:
    """Raise the first fault, if there is one.

    Raises:
        ValueError: "file: problem".
    """
    for fault in faults:
        raise ValueError(f"{fault.file}: {fault.problem}")


def _class_table(table: Mapping[str, Any], names: tuple[str, ...]) -> ClassTable:
    for key in table:
        near = difflib.get_close_matches(key, CLASS_KEYS, n=1, cutoff=0.75)
        if key not in CLASS_KEYS and near:
            raise ValueError(f"unknown key {shown(key)}; did you mean {near[0]!r}?")
    template, count_denied = table.get("template", TEMPLATE), table.get("count_denied", False)
    if not isinstance(template, str) or template.count("{classes}") != 1:
        raise ValueError(f"template: expected text with {{classes}} once, got {shown(template)}")
    if not isinstance(count_denied, bool):
        raise ValueError(f"count_denied: expected true or false, got {shown(count_denied)}")
    return ClassTable(
        names=names,
        dataset=check_part(table["dataset"], "dataset") if "dataset" in table else None,
        coding=read_coding(table, names),
        words=_words(table.get("words", {}), names),
        template=template,
        count_denied=count_denied,
    )


def _words(words: Any, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    expected = 'words: expected a table such as {"person": ["pedestrian"]}'
    if not isinstance(words, dict):
        raise ValueError(f"{expected}, got {shown(words)}")
    known = {nfc(name): name for name in names}
    checked: dict[str, tuple[str, ...]] = {}
    for name, others in words.items():
        if nfc(name) not in known:
            raise ValueError(f"words: {shown(name)} is no class; known: {', '.join(names)}")
        if not isinstance(others, list):
            raise ValueError(f"{expected}, got {shown(others)} for {shown(name)}")
        checked[known[nfc(name)]] = tuple(check_name(word) for word in others)
    return checked
