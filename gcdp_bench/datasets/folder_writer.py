"""Samples to a folder that `datasets.folder` reads, by one process or by several at once."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from gcdp_bench.core.config import write_json
from gcdp_bench.core.images import PNG_LEVEL, write_image, write_layout
from gcdp_bench.datasets.folder_files import refuse, scan_captions
from gcdp_bench.io.atomic import remove_leftovers, replacing
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.validation import check_caption, check_id, nfc


@dataclass(frozen=True)
class Sample:
    """One sample for `FolderWriter`."""

    id: str  # a file name without suffix
    image: Tensor  # uint8 (3, H, W)
    layout: Tensor | None  # uint8 (H, W); None: of an image-only generator
    caption: str


class FolderWriter:
    """Writes samples so that the folder is at any moment a dataset of complete triplets.

    A sample's files are written first and its line of `captions.jsonl` last; a sample without its
    line does not exist.

    Args:
        path: the folder.
        class_names: of the layouts.
        dataset: what the samples are of.
        split: of that dataset.
        shared: several processes write to the folder, each its own samples. Files without a line
            may be another's and stay, until their sample is written again.
        png_level: see `images.write_image`.
    """

    def __init__(
        self,
        path: Path,
        *,
        class_names: Sequence[str],
        dataset: str,
        split: str,
        shared: bool = False,
        png_level: int = PNG_LEVEL,
    ):
        self._path, self._png_level = path, png_level
        self._manifest = path / "captions.jsonl"
        self._size = -1  # of the manifest, when it was last read or written here
        self._held: set[str] = set()
        (path / "images").mkdir(parents=True, exist_ok=True)
        write_json(
            path / "classes.json",
            {"classes": list(class_names), "dataset": dataset, "split": split},
        )
        with exclusive(self._manifest):
            self._catch_up()
            if not shared:
                self._drop_unlisted()
        for folder in ("images", "layouts"):
            remove_leftovers(path / folder)

    def holds(self, name: str) -> bool:
        """Whether the sample is complete, as far as this writer knows."""
        return nfc(name) in self._held

    def write(self, name: str, image: Tensor, layout: Tensor | None, caption: str) -> None:
        """Add one sample; see `write_all`."""
        self.write_all([Sample(name, image, layout, caption)])

    def write_all(self, samples: Sequence[Sample]) -> None:
        """Add samples; one that another process has added meanwhile is listed once.

        Raises:
            ValueError: an id is no file name, or `Folder` would not read a caption.
        """
        samples = [replace(sample, id=check_id(sample.id)) for sample in samples]
        for sample in samples:
            check_caption(sample.caption)
        level = self._png_level
        for sample in samples:
            write_image(self._path / "images" / f"{sample.id}.png", sample.image, level=level)
            if sample.layout is not None:
                (self._path / "layouts").mkdir(exist_ok=True)
                write_layout(
                    self._path / "layouts" / f"{sample.id}.png", sample.layout, level=level
                )
        with exclusive(self._manifest):
            self._catch_up()
            new = [sample for sample in samples if sample.id not in self._held]
            with self._manifest.open("ab") as file:
                file.writelines(_line(sample.id, sample.caption) for sample in new)
                file.flush()
                os.fsync(file.fileno())
                self._size = file.tell()
            self._held.update(sample.id for sample in new)

    def put_in_order(self) -> None:
        """Sort the manifest by id: it is the same whoever wrote which samples first."""
        with exclusive(self._manifest):
            captions = _read_captions(self._manifest)
            lines = [_line(name, text) for name in sorted(captions) for text in captions[name]]
            content = b"".join(lines)
            if self._manifest.read_bytes() != content:
                with replacing(self._manifest) as temporary:
                    temporary.write_bytes(content)

    def _catch_up(self) -> None:
        """Learn what others have added, and cut a last line that a crash left without its end."""
        if not self._manifest.exists():
            return
        if self._manifest.stat().st_size == self._size:
            return
        content = self._manifest.read_bytes()
        self._size = content.rfind(b"\n") + 1
        if self._size < len(content):
            os.truncate(self._manifest, self._size)
        self._held = set(_read_captions(self._manifest))

    def _drop_unlisted(self) -> None:
        """Remove files of a sample that a crash left without its line."""
        for folder in ("images", "layouts"):
            for path in (self._path / folder).glob("*"):
                if path.stem not in self._held:
                    path.unlink()


def _read_captions(manifest: Path) -> dict[str, tuple[str, ...]]:
    captions, faults = scan_captions(manifest)
    refuse(faults)
    return captions


def _line(name: str, caption: str) -> bytes:
    """A line of the manifest."""
    return (json.dumps({"id": name, "caption": caption}, ensure_ascii=False) + "\n").encode()
