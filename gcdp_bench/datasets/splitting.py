"""A folder of one's own into train, val and test: a new folder, drawn by a seed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from gcdp_bench.core.progress import Progress
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.folder_files import classes_file
from gcdp_bench.io.atomic import replacing_folder
from gcdp_bench.io.validation import MAX_PROBLEMS, shown

SPLITS = ("train", "val", "test")


def split_folder(
    source: Path,
    out: Path,
    shares: Mapping[str, float],
    *,
    seed: int = 0,
    group: str | None = None,
    link: bool = False,
    progress: Progress,
) -> dict[str, int]:
    """Write a folder with the splits train, val and test, complete or not at all.

    A folder without splits is divided into three. Of a folder with train and without val or test
    the missing ones are taken out of train; splits that are there stay as they are. Which items a
    split gets depends on the seed and each item's id alone. The source is not changed.

    Args:
        source: a folder dataset.
        out: the new folder; it must not exist, or be empty.
        shares: of val and test in the items that are divided, in (0, 1).
        seed: of the draw.
        group: regular expression; items whose ids match it alike stay in one split.
        link: hard links instead of copies, which take no room.
        progress: told of every item.

    Returns:
        Number of items by split.

    Raises:
        FileExistsError: `out` holds something.
        FileNotFoundError: there is nothing to divide, or a layout is missing; all are named.
        ValueError: faults of the source, nothing is missing, too few items, or a bad share or
            expression.
        OSError: links or files cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out}: expected a new or an empty folder; choose another --out")
    for name, share in shares.items():
        if not 0.0 < share < 1.0:
            raise ValueError(f"{name}: expected a share above 0 and below 1, got {share:g}")
    parts = _parts(source)
    missing = [name for name in SPLITS if name not in parts]
    ids = parts["train"].ids
    assigned = _assign(ids, {name: shares[name] for name in missing}, seed, group)
    for part in parts.values():
        _check_layouts(part)
    num = sum(map(len, parts.values()))
    progress.start("split", num, unit="item")
    with replacing_folder(out) as folder:
        for name in SPLITS:
            of = parts["train" if name in missing else name]
            kept = of.ids if name in parts and name != "train" else assigned[name]
            _write(of, kept, folder / name, link=link, progress=progress)
        shutil.copyfile(classes_file(parts["train"].root), folder / "classes.json")
    progress.finish()
    return {name: len(assigned[name]) if name in assigned else len(parts[name]) for name in SPLITS}


def _parts(source: Path) -> dict[str, Folder]:
    """Splits that are there; "train" is what is divided."""

    def opened(split: str) -> Folder:
        return Folder(source, split, image_size=(1, 1), resize="stretch", require_layouts=False)

    there = [name for name in SPLITS if (source / name / "images").is_dir()]
    if len(there) == len(SPLITS):
        raise ValueError(f"{source}: expected a split to be missing, found {', '.join(there)}")
    if there and "train" not in there:
        raise FileNotFoundError(
            f"{source}: expected train/images/ to take splits from, found {', '.join(there)}"
        )
    return {name: opened(name) for name in there or ["train"]}


def _assign(
    ids: Sequence[str], shares: Mapping[str, float], seed: int, group: str | None
) -> dict[str, list[str]]:
    """Ids of train and of each missing split, whole groups, in the order of ids."""
    try:
        pattern = re.compile(group) if group is not None else None
    except re.error as error:
        raise ValueError(
            f"group: expected a regular expression, got {shown(group)}: {error}"
        ) from error
    groups: dict[str, list[str]] = {}
    for name in ids:
        match = None if pattern is None else pattern.search(name)
        if pattern is not None and match is None:
            raise ValueError(f"group: {shown(name)} does not match {shown(group)}; widen it")
        key = name if match is None else "|".join(map(str, match.groups() or (match[0],)))
        groups.setdefault(key, []).append(name)
    left = sorted(groups, key=lambda key: derive_seed("split", seed, key))
    if len(left) <= len(shares):
        what = "images" if group is None else "groups of images"
        raise ValueError(f"expected more than {len(shares)} {what} to divide, got {len(left)}")
    assigned: dict[str, list[str]] = {}
    for place, (name, share) in enumerate(shares.items(), start=1):
        wanted, taken = max(1, round(len(ids) * share)), []
        while len(taken) < wanted and len(left) > len(shares) - place + 1:
            taken += groups[left.pop(0)]
        assigned[name] = sorted(taken)
    assigned["train"] = sorted(name for key in left for name in groups[key])
    return assigned


def _check_layouts(folder: Folder) -> None:
    if not folder.has_layouts:
        return
    lost = [path for path in map(folder.layout_path, folder.ids) if not path.exists()]
    if lost:
        named = ", ".join(map(str, lost[:MAX_PROBLEMS]))
        more = f" and {len(lost) - MAX_PROBLEMS} others" if len(lost) > MAX_PROBLEMS else ""
        raise FileNotFoundError(
            f"{named}{more}: expected the layouts of images, found none; restore them or remove "
            "the images"
        )


def _write(
    source: Folder, ids: Sequence[str], folder: Path, *, link: bool, progress: Progress
) -> None:
    lines = []
    for name in ids:
        files = [("images", source.image_path(name))]
        if source.has_layouts:
            files.append(("layouts", source.layout_path(name)))
        for part, path in files:
            target = folder / part / f"{name}{path.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            _place(path, target, link=link)
        for caption in source.captions_of(name):
            lines.append(json.dumps({"id": name, "caption": caption}, ensure_ascii=False) + "\n")
        progress.advance()
    if source.own_captions() is not None:
        (folder / "captions.jsonl").write_text("".join(lines), encoding="utf-8")


def _place(path: Path, target: Path, *, link: bool) -> None:
    if not link:
        shutil.copyfile(path, target)
        return
    try:
        os.link(path.resolve(), target)
    except OSError as error:
        raise OSError(
            f"{target}: expected a link to {path}, got: {error.strerror}; leave --link out"
        ) from error
