"""One pass of every extractor over images: all that metrics are computed from, without pixels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gcdp_bench.core.batching import in_batches
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
    """Counts of one segmenter, which has K_j classes, the first ones of the dataset's."""

    counts: NDArray[np.int64]  # (N, K_j), pixels of each class
    confusions: NDArray[np.int64]  # (N, K_j, K_j), rows: the image's own layout; zeros without one


@dataclass(frozen=True)
class FeatureCache:
    """Images as the extractors see them: named arrays whose axis 0 is the image.

    `arrays` holds what each network provides (`specs.arrays_of`):

        cosines, too_long                  CLIP's; float32 (N,), NaN without captions; bool (N,)
        counts NAME, confusions NAME       a segmenter's, see `SegmentationCounts`
        features PROTOCOL                  float32 (N, D)
        layouts                            int64 (N, K), pixels of each class in the own layouts
        attributes                         float32 (N, A), probabilities

    An array that is missing was not computed.
    """

    ids: tuple[str, ...]
    captions: tuple[str, ...]  # what was prompted
    num_pixels: int  # of an image
    arrays: Mapping[str, NDArray]

    def __post_init__(self):
        for name, array in self.arrays.items():
            if array.shape[:1] != (len(self),):
                raise ValueError(f"{name}: expected {len(self)} images, got shape {array.shape}")

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)

    @property
    def segmenters(self) -> dict[str, SegmentationCounts]:
        """By the segmenter's name, the primary one first."""
        return {
            name: SegmentationCounts(counts, self.arrays[f"confusions {name}"])
            for name, counts in self._named("counts").items()
        }

    @property
    def features(self) -> dict[str, NDArray[np.float32]]:
        """By protocol, the primary one first, (N, D)."""
        return self._named("features")

    @property
    def cosines(self) -> NDArray[np.float32]:
        """CLIP's of image and caption, (N,)."""
        return self.arrays["cosines"]

    @property
    def too_long(self) -> NDArray[np.bool_]:
        """Captions of which CLIP reads only the beginning, (N,)."""
        return self.arrays["too_long"]

    @property
    def layouts(self) -> NDArray[np.int64] | None:
        """Pixels of each class in the images' own layouts, (N, K)."""
        return self.arrays.get("layouts")

    def with_arrays(self, arrays: Mapping[str, NDArray]) -> FeatureCache:
        """The same images with further or other arrays.

        Raises:
            ValueError: they are of another number of images.
        """
        return replace(self, arrays={**self.arrays, **arrays})

    def part(self, start: int, stop: int | None) -> FeatureCache:
        """The images from `start` up to `stop`."""
        return self.take(np.arange(len(self))[start:stop])

    def take(self, places: NDArray[np.int64]) -> FeatureCache:
        """The images at `places`, in that order."""
        return replace(
            self,
            ids=tuple(self.ids[place] for place in places),
            captions=tuple(self.captions[place] for place in places),
            arrays={name: array[places] for name, array in self.arrays.items()},
        )

    @classmethod
    def concat(cls, parts: Sequence[FeatureCache]) -> FeatureCache:
        """The images of all parts, which hold the same arrays."""
        return replace(
            parts[0],
            ids=tuple(name for part in parts for name in part.ids),
            captions=tuple(caption for part in parts for caption in part.captions),
            arrays={
                name: np.concatenate([part.arrays[name] for part in parts])
                for name in parts[0].arrays
            },
        )

    def save(self, path: Path) -> None:
        """Write everything to one .npz file, complete or not at all."""
        segmenters, protocols = [*self._named("counts")], [*self._named("features")]
        stored = _stored_names(segmenters, protocols)
        stored |= {name: name for name in self.arrays if name not in stored}
        arrays = {
            "ids": np.array(self.ids),
            "captions": np.array(self.captions),
            "num_pixels": np.array(self.num_pixels),
            "segmenters": np.array(segmenters),
            "protocols": np.array(protocols),
            **{stored_name: self.arrays[name] for name, stored_name in stored.items()},
        }
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
            ids, captions, num_pixels, segmenters, protocols = (
                arrays.pop(name).tolist()
                for name in ("ids", "captions", "num_pixels", "segmenters", "protocols")
            )
            stored = _stored_names(segmenters, protocols)
            own = {name: arrays.pop(stored_name) for name, stored_name in stored.items()}
            return cls(tuple(ids), tuple(captions), int(num_pixels), own | arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: expected all arrays of one pass, got {reason(error)}; {remedy}"
            ) from error

    def _named(self, kind: str) -> dict[str, NDArray]:
        """Arrays "KIND NAME" by NAME."""
        words = {name: name.partition(" ") for name in self.arrays}
        return {of: self.arrays[name] for name, (first, _, of) in words.items() if first == kind}


def _stored_names(segmenters: Sequence[str], protocols: Sequence[str]) -> dict[str, str]:
    """Arrays that every file has, with their names there: segmenters' are numbered."""
    return {
        "cosines": "cosines",
        "too_long": "too_long",
        **{
            f"{kind} {name}": f"{kind}-{place}"
            for place, name in enumerate(segmenters)
            for kind in ("counts", "confusions")
        },
        **{f"features {protocol}": f"features-{protocol}" for protocol in protocols},
    }


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """Options of an evaluation pass."""

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

    Arrays of the other extractors are missing, CLIP's cosines are NaN.

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
        parts = list(in_batches(range(num), look, size=BATCH, what=task))
    progress.finish()
    return FeatureCache.concat(parts)


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

    matches = list(in_batches(range(len(seen)), match, size=BATCH, what="match captions"))
    arrays = {
        "cosines": np.concatenate([match.cosines for match in matches]),
        "too_long": np.concatenate([match.too_long for match in matches]),
    }
    return replace(seen, captions=tuple(captions)).with_arrays(arrays)


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
    arrays: dict[str, NDArray] = {}
    running = [
        extractor for extractor in extractors.segmenters if segmenter_role(extractor.name) in roles
    ]
    predictions = {extractor.name: extractor.predict(images) for extractor in running}
    for extractor in running:
        known = len(extractor.class_names)
        own = torch.where(layouts < known, layouts, IGNORE_ID)  # classes it cannot see are dropped
        predicted = predictions[extractor.name].layouts
        arrays[f"counts {extractor.name}"] = class_counts(predicted, known)
        arrays[f"confusions {extractor.name}"] = confusion_matrices(own, predicted, known)
    for extractor in extractors.features:
        if features_role(extractor.protocol) in roles:
            features = extractors.features_of(extractor, images, predictions)
            arrays[f"features {extractor.protocol}"] = features.float().cpu().numpy()
    if eval_options.match_captions and CLIP_ROLE in roles:
        match = extractors.clip.cosines(images, captions)
    else:
        match = TextMatch(np.full(num, np.nan, np.float32), np.zeros(num, bool))
    arrays |= {"cosines": match.cosines, "too_long": match.too_long}
    if eval_options.has_layouts:
        arrays["layouts"] = class_counts(layouts, num_classes)
    if extractors.attributes is not None and ATTRIBUTES_ROLE in roles:
        arrays["attributes"] = extractors.attributes.predict(images).cpu().numpy()
    ids = tuple(triplet.id for triplet in batch)
    primary = predictions.get(extractors.segmenters[0].name)
    seen = FeatureCache(ids, tuple(captions), height * width, arrays)
    return seen, None if primary is None else primary.layouts
