"""Any directory of images, layouts and captions; also what `sample` writes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gcdp_bench.config import read_json, write_json
from gcdp_bench.datasets.captions import parse_caption
from gcdp_bench.images import (
    Size,
    read_image,
    read_layout,
    resize_images,
    resize_layouts,
    write_image,
    write_layout,
)
from gcdp_bench.protocols import IGNORE_ID, Triplet

SUFFIXES = (".png", ".jpg", ".jpeg")


class Folder:
    """`images/{id}.png|jpg`, `layouts/{id}.png`, `captions.jsonl`, `classes.json`.

    A line of `captions.jsonl` is {"id": ..., "caption": ...}; `classes.json` is
    {"classes": [names], "dataset": name}. If `FOLDER/SPLIT/images` exists, the split is read from
    `FOLDER/SPLIT`, else the folder itself is the split.

    Args:
        path: the folder.
        split: "train", "val" or "test"; any name when the folder has no splits.
        image_size: (height, width) to resize to; None keeps the size of the first image.
        require_layouts: False accepts a folder without `layouts/`; its layouts are all ignored.

    Raises:
        FileNotFoundError: a part is missing.
        ValueError: captions and images do not match, or a manifest cannot be read.
    """

    def __init__(
        self,
        path: Path,
        split: str = "test",
        *,
        image_size: Size | None = None,
        require_layouts: bool = True,
    ):
        root = split_root(path, split)
        classes = _read_classes(root)
        self.name = str(classes.get("dataset", path.name))
        self.split = split
        self.class_names: tuple[str, ...] = tuple(classes["classes"])
        self._images = _image_files(root)
        self._captions = read_captions(root / "captions.jsonl")
        self._layouts = root / "layouts"
        self.has_layouts = self._layouts.is_dir()
        if require_layouts and not self.has_layouts:
            raise FileNotFoundError(f"{self._layouts}: expected a folder of layouts, found none")
        _check_match(root, self._images, self._captions)
        self._ids = sorted(self._images)
        self.image_size = image_size or native_size(path, split)

    def __len__(self) -> int:
        """Number of images."""
        return len(self._ids)

    def __getitem__(self, index: int) -> Triplet:
        """Triplet `index` in the order of ids."""
        name = self._ids[index]
        image = read_image(self._images[name])  # (3, h, w)
        layout = torch.full(image.shape[-2:], IGNORE_ID, dtype=torch.uint8)
        if self.has_layouts:
            path = self._layouts / f"{name}.png"
            layout = read_checked_layout(path, image, self.class_names)
        return Triplet(
            name,
            resize_images(image[None], self.image_size)[0],
            resize_layouts(layout[None], self.image_size)[0],
            self._captions[name],
        )

    def caption_classes(self, caption: str) -> frozenset[int]:
        """See `Dataset.caption_classes`."""
        return parse_caption(caption, self.class_names)


class FolderWriter:
    """Writes samples so that the folder is at any moment a dataset of complete triplets.

    A sample's files are written first and its line of `captions.jsonl` last; a sample without its
    line does not exist.
    """

    def __init__(self, path: Path, *, class_names: Sequence[str], dataset: str, split: str):
        self._path = path
        self._manifest = path / "captions.jsonl"
        (path / "images").mkdir(parents=True, exist_ok=True)
        write_json(
            path / "classes.json",
            {"classes": list(class_names), "dataset": dataset, "split": split},
        )
        self._drop_torn_line()
        self._held = set(read_captions(self._manifest)) if self._manifest.exists() else set()
        self._drop_unlisted()

    def holds(self, name: str) -> bool:
        """Whether the sample is complete."""
        return name in self._held

    def write(self, name: str, image: Tensor, layout: Tensor | None, caption: str) -> None:
        """Add a sample.

        Args:
            name: its id, a file name without suffix.
            image: uint8 (3, H, W).
            layout: uint8 (H, W), or None for an image-only generator.
            caption: what it was made for.
        """
        write_image(self._path / "images" / f"{name}.png", image)
        if layout is not None:
            (self._path / "layouts").mkdir(exist_ok=True)
            write_layout(self._path / "layouts" / f"{name}.png", layout)
        line = json.dumps({"id": name, "caption": caption}, ensure_ascii=False)
        with self._manifest.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._held.add(name)

    def _drop_torn_line(self) -> None:
        """Cut a last line that a crash left without its end."""
        if not self._manifest.exists():
            return
        content = self._manifest.read_bytes()
        if content and not content.endswith(b"\n"):
            os.truncate(self._manifest, content.rfind(b"\n") + 1)

    def _drop_unlisted(self) -> None:
        """Remove files of a sample that a crash left without its line."""
        for folder in ("images", "layouts"):
            for path in (self._path / folder).glob("*"):
                if path.stem not in self._held:
                    path.unlink()


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


def native_size(path: Path, split: str = "test") -> Size:
    """(height, width) of the first image."""
    root = split_root(path, split)
    images = _image_files(root)
    if not images:
        raise FileNotFoundError(f"{root / 'images'}: expected .png or .jpg files, found none")
    _, height, width = read_image(images[min(images)]).shape
    return height, width


def read_checked_layout(path: Path, image: Tensor, class_names: Sequence[str]) -> Tensor:
    """Layout uint8 (H, W) of the image's size with known ids only.

    Raises:
        FileNotFoundError: no such file.
        ValueError: unreadable, another size than the image (3, H, W), or an unknown id.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected the layout of this image, found none")
    layout = read_layout(path)
    if layout.shape != image.shape[-2:]:
        raise ValueError(
            f"{path}: expected the image's size {tuple(image.shape[-2:])}, got "
            f"{tuple(layout.shape)}; image and layout must match pixel by pixel"
        )
    known = (layout < len(class_names)) | (layout == IGNORE_ID)
    if not bool(known.all()):
        raise ValueError(
            f"{path}: layout has class {int(layout[~known][0])}, expected 0 to "
            f"{len(class_names) - 1} or {IGNORE_ID} (ignore); remap it or extend the classes"
        )
    return layout


def read_captions(path: Path) -> dict[str, str]:
    """Captions by id.

    Raises:
        FileNotFoundError: no manifest.
        ValueError: a line is not {"id", "caption"}, or an id repeats; the line is named.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected captions, one JSON object a line, found none")
    captions: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry: Any = json.loads(line)
            name, caption = entry["id"], entry["caption"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path} line {number}: expected {{"id": ..., "caption": ...}}, got {line[:80]!r}'
            ) from error
        if not isinstance(name, str) or not isinstance(caption, str):
            raise ValueError(f"{path} line {number}: expected text for id and caption")
        if name in captions:
            raise ValueError(f"{path} line {number}: id {name!r} occurs twice; remove one")
        captions[name] = caption
    return captions


def _read_classes(root: Path) -> dict[str, Any]:
    path = root / "classes.json"
    if not path.exists():
        path = root.parent / "classes.json"
    if not path.exists():
        raise FileNotFoundError(
            f'{root / "classes.json"}: expected {{"classes": [names]}}, found none'
        )
    classes = read_json(path)
    names = classes.get("classes") if isinstance(classes, dict) else None
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise ValueError(f'{path}: expected {{"classes": [names]}} with at least one name')
    return classes


def _image_files(root: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted((root / "images").iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            if path.stem in files:
                raise ValueError(f"{path}: another image has the id {path.stem!r}; rename one")
            files[path.stem] = path
    return files


def _check_match(root: Path, images: dict[str, Path], captions: dict[str, str]) -> None:
    for name in images:
        if name not in captions:
            raise ValueError(
                f"{images[name]}: expected a caption in {root / 'captions.jsonl'}, found none; "
                "add its line or remove the image"
            )
    for name in captions:
        if name not in images:
            raise ValueError(
                f"{root / 'captions.jsonl'}: id {name!r} has no image in {root / 'images'}; "
                "restore the image or remove the line"
            )
