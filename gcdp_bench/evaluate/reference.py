"""Real images of a split as the judges see them; kept on disk under a hash of all it depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdp_bench.evaluate.observed import Judging, Observed, observe
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.files import remove_leftovers
from gcdp_bench.locks import exclusive
from gcdp_bench.metrics.segmentation_distance import area_percent
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import Dataset
from gcdp_bench.provenance import PRECISION

CACHE_VERSION = 2
DIGEST_LENGTH = 16


@dataclass(frozen=True)
class Reference:
    """The real side of every comparison."""

    dataset: Dataset
    digest: str  # of images and layouts, in any order
    captioned: frozenset[int]  # ids that some caption of the split names
    observed: Observed
    file: Path  # where `observed` is kept

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names."""
        return self.dataset.class_names


def reference_statistics(
    dataset: Dataset,
    judges: Extractors,
    cache_dir: Path,
    progress: Progress,
    *,
    check: Callable[[str], None] = lambda digest: None,
) -> Reference:
    """What the judges see in a real split.

    The cache key is the SHA-256 of the sorted hashes of every image with its layout, of the order,
    and of every judge's name, weights and resizer and the precision: one changed pixel misses it.
    Of several processes, one looks and the others wait.

    Args:
        dataset: the split.
        judges: the networks.
        cache_dir: where what they saw is kept.
        progress: told of every batch.
        check: called with `Reference.digest` before the judges look.
    """
    hashes, captions, captioned = _read_all(dataset, progress)
    digest = _sha("".join(sorted(hashes)))
    check(digest)
    key = _sha(f"{CACHE_VERSION}{PRECISION}{judges.identity}{''.join(hashes)}")
    path = cache_dir / f"reference-{key}.npz"
    with exclusive(path):
        remove_leftovers(cache_dir)
        if not path.exists():
            judging = Judging(captions=captions, match_captions=False)
            task = f"reference {dataset.name}"
            observe(dataset, judges, judging, progress=progress, task=task).save(path)
    return Reference(dataset, digest, captioned, Observed.load(path), path)


def class_proportions(reference: Reference) -> pd.DataFrame:
    """Share of each class in the pixels and in the images of a real split (Figure 6c)."""
    assert reference.observed.layouts is not None
    areas = area_percent(reference.observed.layouts)  # (M, K)
    return pd.DataFrame(
        {
            "dataset": reference.dataset.name,
            "class": list(reference.class_names),
            "pixel_share": areas.mean(0) / 100.0,
            "image_share": (areas > 0).mean(0),
        }
    )


def _read_all(dataset: Dataset, progress: Progress) -> tuple[list[str], list[str], frozenset[int]]:
    """Hash of every image with its layout, every caption, and all classes that captions name."""
    hashes, captions = [], []
    captioned: frozenset[int] = frozenset()
    progress.start(f"read {dataset.name}", len(dataset), unit="image")
    for index in range(len(dataset)):
        triplet = dataset[index]
        content = hashlib.sha256(triplet.image.numpy().tobytes())
        content.update(triplet.layout.numpy().tobytes())
        hashes.append(content.hexdigest())
        captions.append(triplet.caption)
        captioned |= dataset.caption_classes(triplet.caption)
        progress.advance()
    progress.finish()
    return hashes, captions, captioned


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
