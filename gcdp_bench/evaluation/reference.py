"""The real side of every comparison: what networks extract from the images of a split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from gcdp_bench.core.config import digest
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import Dataset
from gcdp_bench.evaluation.cached import extract_cached
from gcdp_bench.evaluation.features import FeatureCache
from gcdp_bench.extractors.bundle import CLIP_ROLE, Extractors
from gcdp_bench.extractors.inference import COMPUTATION, computation_of
from gcdp_bench.io.atomic import remove_leftovers
from gcdp_bench.io.cache import UserCache
from gcdp_bench.io.locks import exclusive
from gcdp_bench.metrics.segmentation_distance import area_percent
from gcdp_bench.results.object_store import fetched

DIGEST_LENGTH = 16


@dataclass(frozen=True)
class Reference:
    """The real side of every comparison."""

    dataset: Dataset
    digest: str  # of images and layouts, in any order
    captioned: frozenset[int]  # ids that some caption of the split names
    observed: FeatureCache

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names."""
        return self.dataset.class_names


def reference_statistics(
    dataset: Dataset,
    extractors: Extractors,
    cache: UserCache,
    progress: Progress,
    *,
    roles: Collection[str] | None = None,
    check: Callable[[str], None] = lambda digest: None,
) -> Reference:
    """Features of a real split from all networks but CLIP, each once per content (`cached`).

    Args:
        dataset: the split.
        extractors: the networks.
        cache: where it is kept.
        progress: told of every batch.
        roles: of `Extractors.networks`, if not of all but CLIP.
        check: called with `Reference.digest`.
    """
    roles = extractors.networks.keys() - {CLIP_ROLE} if roles is None else roles
    seen = extract_cached(
        dataset, extractors, cache, roles=roles, progress=progress, task=f"read {dataset.name}"
    )
    pairs = _sha("".join(sorted(content.pair for content in seen.contents)))
    check(pairs)
    captions = set(seen.observed.captions)
    captioned = frozenset[int]().union(*(dataset.caption_classes(text) for text in captions))
    return Reference(dataset, pairs, captioned, seen.observed)


def kept_reference(
    dataset: Dataset,
    extractors: Extractors,
    cache: UserCache,
    folder: Path,
    progress: Progress,
    *,
    check: Callable[[str], None] = lambda digest: None,
) -> tuple[Reference, Path]:
    """`reference_statistics` with a copy in a results folder, from which it is read the next time.

    So the folder can be moved, all its points are compared with the same numbers on whichever
    machine they are scored, and nothing depends on a user's cache. The copy is that of the images
    and the weights; a network of lower precision than float32 has one of its own.

    Args:
        dataset: the split.
        extractors: the networks.
        cache: of the user.
        folder: `references/` of a results folder; of several processes one writes, others wait.
        progress: told of every batch.
        check: called with `Reference.digest`.

    Returns:
        The reference, and the file of what was extracted.

    Raises:
        ValueError: the copy is damaged.
    """
    start = digest([dataset.name, extractors.identity, *_reduced(extractors)])
    with exclusive(folder / start):
        remove_leftovers(folder)
        is_held = any(fetched(folder).glob(f"{start}-*.npz"))

        def look(roles: Collection[str] | None) -> tuple[Reference, Path]:
            found = reference_statistics(
                dataset, extractors, cache, progress, roles=roles, check=check
            )
            observed = found.observed
            rest = digest([found.digest, observed.ids, observed.captions])
            return found, folder / f"{start}-{rest}.npz"

        reference, path = look(() if is_held else None)
        if path.exists():
            return replace(reference, observed=FeatureCache.load(path)), path
        if is_held:
            reference, path = look(None)
        reference.observed.save(path)
        return reference, path


def _reduced(extractors: Extractors) -> list[str]:
    """Networks that compute in less than float32, with their precision."""
    computations = {role: computation_of(one) for role, one in extractors.networks.items()}
    return sorted(
        f"{role}: {computation}"
        for role, computation in computations.items()
        if not computation.startswith(COMPUTATION)
    )


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


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
