"""Layouts of CelebAMask-HQ: one mask a part of the face, merged once and kept."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from gcdp_bench.core.config import digest
from gcdp_bench.core.images import read_image, write_layout
from gcdp_bench.core.progress import Progress
from gcdp_bench.datasets.celeba.tree import Tree, existing
from gcdp_bench.datasets.disk import files_by_id
from gcdp_bench.datasets.layouts import read_existing_layout
from gcdp_bench.io.atomic import output_folder
from gcdp_bench.io.cache import cache_limit

PART_NAMES = (
    "skin",
    "nose",
    "eye_g",
    "l_eye",
    "r_eye",
    "l_brow",
    "r_brow",
    "l_ear",
    "r_ear",
    "mouth",
    "u_lip",
    "l_lip",
    "hair",
    "hat",
    "ear_r",
    "neck_l",
    "neck",
    "cloth",
)
"""Classes 1 to 18 in the order in which they are painted, the later over the earlier (g_mask.py of
CelebAMask-HQ). Other face parsers use other ids and another order."""

MIN_SAMPLE, MAX_SAMPLE = 20, 60  # layouts from which on their numbering is evaluated, and at most

PER_FOLDER = 2000  # consecutive ids whose masks lie in one folder


logger = logging.getLogger(__name__)


class Layouts:
    """Layouts by id: `preprocessed/{id}.png` if it is there, else merged from the masks and kept.

    Args:
        tree: where the masks lie.
        cache: folder for merged layouts, in which every tree has its own; None: `preprocessed/`
            beside the masks.
    """

    def __init__(self, tree: Tree, cache: Path | None):
        self._tree = tree
        self._cache = tree.preprocessed if cache is None else cache / _identity(tree)
        self._keeps = cache is None or cache_limit() > 0  # until a layout cannot be written
        with suppress(OSError):  # it is not there yet, or cannot be written
            os.utime(self._cache)
        self._listed: dict[int, dict[str, dict[str, Path]]] = {}

    def path(self, name: str) -> Path:
        """File of a merged layout: where it is, or where it will be."""
        pretrained = existing(self._tree.preprocessed, name, (".png",))
        return pretrained if pretrained.exists() else self._cache / f"{name}.png"

    def read(self, name: str, *, keep: bool = True) -> Tensor:
        """Layout uint8 (h, w) of an id; one that is merged now is written unless `keep` is off.

        If it cannot be written, that is said once.

        Raises:
            FileNotFoundError: it has no masks.
            ValueError: a file cannot be decoded, a mask is of no known part or of another size.
        """
        path = self.path(name)
        with suppress(FileNotFoundError):  # it may be removed from the cache at any time
            return read_existing_layout(path)
        layout = self.merge(name)
        if keep and self._keeps:
            try:
                write_layout(path, layout)
            except OSError as error:
                self._keeps = False
                logger.warning("merged layouts are not kept and made again: %s", error)
        return layout

    def merge(self, name: str) -> Tensor:
        """Paint the masks of an id over background (0) in the order of `PART_NAMES`.

        A mask is where any channel of its file is not 0.

        Returns:
            uint8 (h, w), the masks' size.

        Raises:
            FileNotFoundError, ValueError: as `read`.
        """
        layout = None
        masks = self._masks(name)
        for part in self.parts(name):
            path = masks[part]
            mask = (read_image(path) != 0).any(0)  # (h, w)
            if layout is None:
                layout = torch.zeros_like(mask, dtype=torch.uint8)
            if mask.shape != layout.shape:
                raise ValueError(
                    f"{path}: expected the size of the face's other masks {tuple(layout.shape)}, "
                    f"got {tuple(mask.shape)}; restore the file that CelebAMask-HQ ships"
                )
            layout[mask] = PART_NAMES.index(part) + 1
        assert layout is not None
        return layout

    def parts(self, name: str) -> Sequence[str]:
        """Parts of which an id has masks, in the order in which they are painted.

        Raises:
            FileNotFoundError: there are none.
            ValueError: a file's part is not of `PART_NAMES`.
        """
        found = self._masks(name)
        if not found:
            number = int(name)
            folder = self._tree.parts / str(number // PER_FOLDER)
            raise FileNotFoundError(
                f"{folder / f'{number:05d}_*.png'}: expected masks of the parts of this face, or "
                f"{self._tree.preprocessed / name}.png, found none"
            )
        for part, path in found.items():
            if part not in PART_NAMES:
                raise ValueError(
                    f"{path}: expected one of the parts "
                    f"{', '.join(PART_NAMES)}; rename or remove the file"
                )
        return sorted(found, key=PART_NAMES.index)

    def has_masks(self, name: str) -> bool:
        """Whether there is a mask of any part."""
        return bool(self._masks(name))

    def unmerged(self, names: Sequence[str]) -> list[str]:
        """Ids whose merged layout is nowhere yet."""
        folders = dict.fromkeys((self._tree.preprocessed, self._cache))
        merged = {name for folder in folders for name in files_by_id(folder, (".png",))[0]}
        return [name for name in names if name not in merged]

    def check_writable(self) -> None:
        """Refuse a cache that cannot be written to.

        Raises:
            OSError: says how to give another.
        """
        try:
            output_folder(self._cache)
        except OSError as error:
            raise OSError(
                f"{error}: merged layouts are kept there; set GCDP_CACHE to a folder of your own"
            ) from error

    def prepare(self, names: Sequence[str], progress: Progress) -> int:
        """Merge and keep the layouts that are not there yet; an interrupted run is continued.

        Returns:
            How many were merged.

        Raises:
            FileNotFoundError, ValueError: as `read`; those merged before are kept.
            OSError: one cannot be written.
        """
        left = self.unmerged(names)
        if left:
            self.check_writable()
        progress.start("merge layouts", len(names), done=len(names) - len(left), unit="face")
        for name in left:
            write_layout(self._cache / f"{name}.png", self.merge(name))
            progress.advance()
        progress.finish()
        return len(left)

    def require_official_ids(self, names: Sequence[str]) -> None:
        """Refuse merged layouts that number the parts as other face parsers do.

        A third of the faces at most wears a necklace, nine of ten show clothes. In the other common
        numbering, whose clothes are 16 and hats 18, it is the other way round.

        Raises:
            ValueError: layouts that lie there, of a sample of `names`, are numbered so.
        """
        folder = self._tree.preprocessed
        merged = files_by_id(folder, (".png",))[0]
        there = [merged[name] for name in names if name in merged]
        if len(there) < MIN_SAMPLE:
            return
        step = max(1, len(there) // MAX_SAMPLE)
        present = [set(read_existing_layout(path).unique().tolist()) for path in there[::step]]
        necklaces, clothes = (
            sum(PART_NAMES.index(part) + 1 in ids for ids in present) / len(present)
            for part in ("neck_l", "cloth")
        )
        if necklaces > 0.5 > clothes:
            raise ValueError(
                f"{folder}: {100 * necklaces:.0f} % of the layouts have class 16 and "
                f"{100 * clothes:.0f} % class 18, expected necklaces (16) to be rare and clothes "
                "(18) frequent; they are numbered as another face parser does: remove the folder "
                "and run `gcdp-bench data prepare celeba-100`"
            )

    def _masks(self, name: str) -> dict[str, Path]:
        """Masks of an id by part."""
        return self._listing(int(name) // PER_FOLDER).get(f"{int(name):05d}", {})

    def _listing(self, folder: int) -> dict[str, dict[str, Path]]:
        """Masks by padded id and part in one folder of masks."""
        if folder not in self._listed:
            listed: dict[str, dict[str, Path]] = {}
            for stem, path in files_by_id(self._tree.parts / str(folder), (".png",))[0].items():
                padded, separator, part = stem.partition("_")
                if separator:
                    listed.setdefault(padded, {})[part] = path
            self._listed[folder] = listed
        return self._listed[folder]


def _identity(tree: Tree) -> str:
    """Digest of where masks lie and of when files came to their folders or left them."""
    folders = sorted(path for path in tree.parts.glob("*") if path.name.isdigit())
    times = [(path.name, path.stat().st_mtime_ns) for path in folders]
    return digest([str(tree.parts.resolve()), times])
