"""How CelebA-HQ is opened, and its layouts merged."""

from __future__ import annotations

from pathlib import Path

from gcdp_bench.core.images import Size
from gcdp_bench.core.progress import Progress
from gcdp_bench.datasets.celeba.dataset import AttributedCelebA, CelebA
from gcdp_bench.datasets.celeba.tree import find_tree
from gcdp_bench.datasets.opening import ANY_SIZE, required_root
from gcdp_bench.io.cache import LAYOUTS, cache_home

FIRST_CAPTIONS = {"test-first": "test"}  # split -> the split whose images it has


def open_celeba(
    split: str,
    image_size: Size,
    data_root: Path | None,
    *,
    fraction: int,
    resize: str = "none",
    strict: bool = True,
) -> CelebA:
    """See `opening.OpenFiles`; layouts that are merged when they are read are kept in the user's
    cache.

    Args:
        split: also "test-first": "test" with the first of each face's captions.
        image_size: (height, width).
        data_root: folder of its files.
        fraction: percent of the training images.
        resize: see `framing.frame`.
        strict: refuse faulty items.
    """
    return _open(split, image_size, data_root, fraction, cache_home(), resize=resize, strict=strict)


def prepare_celeba(
    data_root: Path | None, cache: Path | None, progress: Progress, *, fraction: int
) -> int:
    """Merge the layouts of every split, beside the masks or in the folder `cache`; how many."""
    return sum(
        _open(split, ANY_SIZE, data_root, fraction, cache, strict=False).prepare(progress)
        for split in ("train", "val", "test")
    )


def _open(
    split: str,
    size: Size,
    data_root: Path | None,
    fraction: int,
    cache: Path | None,
    *,
    resize: str = "none",
    strict: bool,
) -> CelebA:
    root = required_root(data_root, f"celeba-{fraction}")
    kind = CelebA if find_tree(root).attributes is None else AttributedCelebA
    return kind(
        root,
        FIRST_CAPTIONS.get(split, split),
        image_size=size,
        resize=resize,
        fraction=fraction,
        caption_seed=None if split in FIRST_CAPTIONS else 0,
        cache=None if cache is None else cache / LAYOUTS,
        strict=strict,
    )
