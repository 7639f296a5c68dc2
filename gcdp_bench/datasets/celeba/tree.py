"""Paths of the parts of CelebAMask-HQ and Multi-Modal CelebA-HQ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gcdp_bench.core.images import IMAGE_SUFFIXES

FOLDERS = ("celeba", "CelebAMask-HQ", "multi-modal-celeba", "MM-CelebA-HQ")
"""Folders under the data root in which the tree is looked for."""

INNER = ("CelebAMask-HQ", "multi-modal-celeba")  # archives that were unpacked side by side
IMAGES = ("CelebA-HQ-img", "image/images", "image")
PARTS = ("CelebAMask-HQ-mask-anno", "CelebAMaskHQ-mask-anno")
CAPTIONS = (
    "text/celeba-caption",
    "celeba-caption",
    "text/celeba_caption",
    "celeba_caption",
)
TRAIN_IDS, TEST_IDS = "train/filenames.pickle", "test/filenames.pickle"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
ATTRIBUTES = "CelebAMask-HQ-attribute-anno.txt"


@dataclass(frozen=True, kw_only=True)
class Tree:
    """Parts of the dataset; those that need not be there are None when they are not."""

    root: Path
    images: Path
    parts: Path  # {id // 2000}/{id:05d}_{part}.png
    preprocessed: Path  # {id}.png: merged layouts
    captions: Path
    train_ids: Path | None
    test_ids: Path | None
    mapping: Path | None
    attributes: Path | None

    def image(self, name: str) -> Path:
        """Photograph of an id."""
        return existing(self.images, name, (".jpg", *IMAGE_SUFFIXES))

    def caption_file(self, name: str) -> Path:
        """Captions of an id, one a line."""
        return existing(self.captions, name, (".txt",))


def existing(folder: Path, name: str, suffixes: tuple[str, ...]) -> Path:
    """The file of an id with one of the suffixes, in lower or upper case; else where the first
    should lie.
    """
    usual = folder / f"{name}{suffixes[0]}"
    if usual.exists():
        return usual
    spelled = (spelling for suffix in suffixes for spelling in (suffix, suffix.upper()))
    paths = (folder / f"{name}{spelling}" for spelling in spelled)
    return next((path for path in paths if path.exists()), usual)


def find_tree(root: Path) -> Tree:
    """The tree in `root`, or in one of `FOLDERS` under it.

    Its archives may have been unpacked into one folder, or each into its own below it.

    Raises:
        FileNotFoundError: there are no images, layouts or captions; says where was looked.
    """
    for folder in (root, *(root / name for name in FOLDERS)):
        if _first(folder, IMAGES) is not None:
            return _read_tree(folder)
    raise FileNotFoundError(
        f"{root}: expected CelebA-HQ's images ({' or '.join(IMAGES)}) in it or in "
        f"{'/, '.join(FOLDERS)}/, found none; give their folder with --data-root"
    )


def _read_tree(root: Path) -> Tree:
    parts = _required(root, PARTS, "layouts")
    images = _required(root, IMAGES, "images")
    return Tree(
        root=root,
        images=images,
        parts=parts,
        preprocessed=parts / "preprocessed",
        captions=_required(root, CAPTIONS, "captions"),
        train_ids=_first(root, (TRAIN_IDS,)),
        test_ids=_first(root, (TEST_IDS,)),
        mapping=_first(root, (MAPPING,)),
        attributes=_first(root, (ATTRIBUTES,)),
    )


def _required(root: Path, names: tuple[str, ...], what: str) -> Path:
    found = _first(root, names)
    if found is None:
        raise FileNotFoundError(
            f"{root}: expected CelebA-HQ's {what} in {' or '.join(names)}, found none; see "
            "docs/reference/datasets.md"
        )
    return found


def _first(root: Path, names: tuple[str, ...]) -> Path | None:
    candidates = (folder / name for name in names for folder in (root, *_inner(root)))
    return next((path for path in candidates if path.exists()), None)


def _inner(root: Path) -> tuple[Path, ...]:
    return tuple(root / name for name in INNER)
