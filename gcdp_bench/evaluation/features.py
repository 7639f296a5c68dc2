"""One pass of every extractor over images: all that metrics are computed from, without pixels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.core.batching import Batches
from gcdp_bench.core.images import write_layout
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import IGNORE_ID, Dataset, TextMatch, Triplet
from gcdp_bench.extractors.bundle import (
    ATTRIBUTES_ROLE,
    CLIP_ROLE,
    Extractors,
    features_role,
    segmenter_role,
)
from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.npz import read_arrays
from gcdp_bench.io.validation import reason
from gcdp_bench.metrics.layout_iou import confusion_matrices
from gcdp_bench.metrics.semantic_recall import class_counts

BATCH = 32


@dataclass(frozen=True)
class SegmentationCounts:
    """What one segmenter saw; it tells K_j classes apart, the first ones of the dataset's."""

    counts: NDArray[np.int64]  # (N, K_j), pixels of each class
    confusions: NDArray[np.int64]  # (N, K_j, K_j), rows: the image's own layout; zeros without one


@dataclass(frozen=True)
class FeatureCache:
    """Images as the extractors see them; axis 0 of every array is the image."""

    ids: tuple[str, ...]
    captions: tuple[str, ...]  # what was prompted
    num_pixels: int  # of an image
    segmenters: dict[str, SegmentationCounts]  # by the segmenter's name, the primary one first
    layouts: NDArray[np.int64] | None  # (N, K), pixels of each class in the images' own layouts
    features: dict[str, NDArray[np.float32]]  # by protocol, (N, D)
    cosines: NDArray[np.float32]  # (N,), NaN where captions were not matched
    too_long: NDArray[np.bool_]  # (N,)
    attributes: NDArray[np.float32] | None  # (N, A), probabilities

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    def part(self, start: int, stop: int | None) -> FeatureCache:
        """The images from `start` up to `stop`."""
        return self.take(np.arange(len(self))[start:stop])

    def take(self, places: NDArray[np.int64]) -> FeatureCache:
        """The images at `places`, in that order."""
        return FeatureCache(
            tuple(self.ids[place] for place in places),
            tuple(self.captions[place] for place in places),
            self.num_pixels,
            {
                name: SegmentationCounts(seen.counts[places], seen.confusions[places])
                for name, seen in self.segmenters.items()
            },
            None if self.layouts is None else self.layouts[places],
            {protocol: values[places] for protocol, values in self.features.items()},
            self.cosines[places],
            self.too_long[places],
            None if self.attributes is None else self.attributes[places],
        )

    def save(self, path: Path) -> None:
        """Write everything to one .npz file, complete or not at all."""
        arrays: dict[str, NDArray] = {
            "ids": np.array(self.ids),
            "captions": np.array(self.captions),
            "num_pixels": np.array(self.num_pixels),
            "segmenters": np.array(list(self.segmenters)),
            "protocols": np.array(list(self.features)),
            "cosines": self.cosines,
            "too_long": self.too_long,
        }
        for place, seen in enumerate(self.segmenters.values()):
            arrays |= {f"counts-{place}": seen.counts, f"confusions-{place}": seen.confusions}
        arrays |= {f"features-{protocol}": values for protocol, values in self.features.items()}
        if self.layouts is not None:
            arrays["layouts"] = self.layouts
        if self.attributes is not None:
            arrays["attributes"] = self.attributes
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> FeatureCache:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: no such file.
            ValueError: it is damaged.
        """
        remedy = "remove it and rerun the sweep"
        arrays = read_arrays(path, remedy=remedy)
        try:
            return cls._of_arrays(arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: expected all arrays of one pass, got {reason(error)}; {remedy}"
            ) from error

    @classmethod
    def _of_arrays(cls, arrays: dict[str, NDArray]) -> FeatureCache:
        return cls(
            tuple(arrays["ids"].tolist()),
            tuple(arrays["captions"].tolist()),
            int(arrays["num_pixels"]),
            {
                name: SegmentationCounts(arrays[f"counts-{place}"], arrays[f"confusions-{place}"])
                for place, name in enumerate(arrays["segmenters"].tolist())
            },
            arrays.get("layouts"),
            {name: arrays[f"features-{name}"] for name in arrays["protocols"].tolist()},
            arrays["cosines"],
            arrays["too_long"],
            arrays.get("attributes"),
        )


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """How a pass is made."""

    num: int | None = None  # look at the first ones only; None: all
    captions: Sequence[str] | None = None  # ask for these instead of the images' own captions
    has_layouts: bool = True  # False: an image-only generator's
    match_captions: bool = True  # False: CLIP is not called
    roles: Collection[str] | None = None  # of `Extractors.networks`, which run; None: all
    predicted_dir: Path | None = None  # the primary segmenter's layouts are written here as PNG


@torch.no_grad()
def extract_features(
    images: Dataset,
    extractors: Extractors,
    eval_options: EvalOptions,
    *,
    progress: Progress,
    task: str,
) -> FeatureCache:
    """Show every image once to every extractor, or to those of `eval_options.roles`.

    What the others would have seen is missing: from the mappings by name, NaN, or None.

    Args:
        images: real or generated.
        extractors: the networks.
        eval_options: what to look at and what to ask for.
        progress: told of every batch.
        task: what the progress bar says.
    """
    num = len(images) if eval_options.num is None else eval_options.num
    progress.start(task, num, unit="image")

    def look(places: Sequence[int]) -> FeatureCache:
        batch = [images[place] for place in places]
        prompted = (
            [t.caption for t in batch]
            if eval_options.captions is None
            else [eval_options.captions[place] for place in places]
        )
        seen, predicted = _look(batch, prompted, len(images.class_names), extractors, eval_options)
        if eval_options.predicted_dir is not None and predicted is not None:
            for triplet, layout in zip(batch, predicted, strict=True):
                write_layout(eval_options.predicted_dir / f"{triplet.id}.png", layout)
        progress.advance(len(batch))
        return seen

    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        parts = list(Batches(BATCH, task).run(range(num), look))
    progress.finish()
    return _joined(parts)


def rescore_captions(
    images: Dataset, seen: FeatureCache, captions: Sequence[str], extractors: Extractors
) -> FeatureCache:
    """The same images matched with other captions; only CLIP looks again.

    Args:
        images: those of `seen`, first ones first.
        seen: an earlier pass.
        captions: N captions.
        extractors: whose CLIP is called.
    """

    def match(places: Sequence[int]) -> TextMatch:
        pixels = torch.stack([images[place].image for place in places])  # (B, 3, H, W)
        return extractors.clip.cosines(pixels, [captions[place] for place in places])

    matches = list(Batches(BATCH, "match captions").run(range(len(seen)), match))
    return replace(
        seen,
        captions=tuple(captions),
        cosines=np.concatenate([match.cosines for match in matches]),
        too_long=np.concatenate([match.too_long for match in matches]),
    )


def _look(
    batch: Sequence[Triplet],
    captions: list[str],
    num_classes: int,
    extractors: Extractors,
    eval_options: EvalOptions,
) -> tuple[FeatureCache, Tensor | None]:
    """One batch; also the primary segmenter's layouts uint8 (B, H, W), if it ran."""
    images = torch.stack([triplet.image for triplet in batch])  # (B, 3, H, W)
    layouts = torch.stack([triplet.layout for triplet in batch])  # (B, H, W)
    num, _, height, width = images.shape
    roles = extractors.networks.keys() if eval_options.roles is None else eval_options.roles
    segmenters: dict[str, SegmentationCounts] = {}
    running = [
        extractor for extractor in extractors.segmenters if segmenter_role(extractor.name) in roles
    ]
    predictions = {extractor.name: extractor.predict(images) for extractor in running}
    for extractor in running:
        known = len(extractor.class_names)
        own = torch.where(layouts < known, layouts, IGNORE_ID)  # classes it cannot see are dropped
        predicted = predictions[extractor.name].layouts
        segmenters[extractor.name] = SegmentationCounts(
            class_counts(predicted, known), confusion_matrices(own, predicted, known)
        )
    features = {
        extractor.protocol: extractors.features_of(extractor, images, predictions)
        .float()
        .cpu()
        .numpy()
        for extractor in extractors.features
        if features_role(extractor.protocol) in roles
    }
    cosines, too_long = np.full(num, np.nan, np.float32), np.zeros(num, bool)
    if eval_options.match_captions and CLIP_ROLE in roles:
        match = extractors.clip.cosines(images, captions)
        cosines, too_long = match.cosines, match.too_long
    attributes = None
    if extractors.attributes is not None and ATTRIBUTES_ROLE in roles:
        attributes = extractors.attributes.predict(images).cpu().numpy()
    observed = FeatureCache(
        tuple(triplet.id for triplet in batch),
        tuple(captions),
        height * width,
        segmenters,
        class_counts(layouts, num_classes) if eval_options.has_layouts else None,
        features,
        cosines,
        too_long,
        attributes,
    )
    primary = predictions.get(extractors.segmenters[0].name)
    return observed, None if primary is None else primary.layouts


def _joined(parts: Sequence[FeatureCache]) -> FeatureCache:
    first = parts[0]

    def join(arrays: Sequence[NDArray | None]) -> NDArray | None:
        present = [array for array in arrays if array is not None]
        return np.concatenate(present) if present else None

    return FeatureCache(
        tuple(name for part in parts for name in part.ids),
        tuple(caption for part in parts for caption in part.captions),
        first.num_pixels,
        {
            name: SegmentationCounts(
                np.concatenate([part.segmenters[name].counts for part in parts]),
                np.concatenate([part.segmenters[name].confusions for part in parts]),
            )
            for name in first.segmenters
        },
        join([part.layouts for part in parts]),
        {
            protocol: np.concatenate([part.features[protocol] for part in parts])
            for protocol in first.features
        },
        np.concatenate([part.cosines for part in parts]),
        np.concatenate([part.too_long for part in parts]),
        join([part.attributes for part in parts]),
    )
