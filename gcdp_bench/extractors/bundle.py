"""The extractors of one evaluation, and how they are chosen and loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from gcdp_bench.core.config import digest
from gcdp_bench.core.finite import require_finite
from gcdp_bench.core.images import Size
from gcdp_bench.core.types import (
    Dataset,
    Extractor,
    FeatureExtractor,
    ImageTextScorer,
    Prediction,
    Segmenter,
)
from gcdp_bench.extractors.attributes import AttributeClassifier
from gcdp_bench.extractors.clip import SmallClip
from gcdp_bench.extractors.segmenter import SegmenterFeatures, TrainedSegmenter
from gcdp_bench.extractors.specs import (
    ATTRIBUTES_ROLE,
    CLIP_ROLE,
    FEATURES,
    SPECS,
    ExtractorRequest,
    ExtractorSpec,
    all_or_none,
    arrays_of,
    features_role,
    load_segmenter,
    segmenter_role,
    specs_of,
)
from gcdp_bench.training.runs import Run

__all__ = [
    "ATTRIBUTES_ROLE",
    "CLIP_ROLE",
    "ExtractorRequest",
    "ExtractorSpec",
    "Extractors",
    "Networks",
    "arrays_of",
    "features_role",
    "find_networks",
    "load_extractors",
    "load_segmenter",
    "segmenter_role",
]


@dataclass(frozen=True)
class Extractors:
    """Every network of one evaluation."""

    segmenter: Segmenter  # the first extractor of layouts
    clip: ImageTextScorer
    features: tuple[FeatureExtractor, ...]  # the first one's distance is the evaluation's FID
    other_segmenters: tuple[Segmenter, ...] = ()  # second opinions
    attributes: AttributeClassifier | None = None

    def __post_init__(self):
        for what, names in (
            ("segmenter", [extractor.name for extractor in self.segmenters]),
            ("feature protocol", [extractor.protocol for extractor in self.features]),
        ):
            repeated = [name for name, num in Counter(names).items() if num > 1]
            if repeated:
                raise ValueError(
                    f"expected each {what} once, got {repeated[0]} more than once; "
                    "rows are told apart by it"
                )

    @property
    def segmenters(self) -> tuple[Segmenter, ...]:
        """All extractors of layouts, the first one first."""
        return (self.segmenter, *self.other_segmenters)

    @property
    def networks(self) -> dict[str, Extractor]:
        """Every network by its role."""
        networks: dict[str, Extractor] = {
            segmenter_role(extractor.name): extractor for extractor in self.segmenters
        }
        networks |= {CLIP_ROLE: self.clip}
        networks |= {features_role(extractor.protocol): extractor for extractor in self.features}
        if self.attributes is not None:
            networks[ATTRIBUTES_ROLE] = self.attributes
        return networks

    @property
    def digests(self) -> dict[str, str]:
        """Hash of each network's weights, by its role."""
        return {role: network.digest for role, network in self.networks.items()}

    @property
    def identity(self) -> str:
        """Hash over the roles, names, resizes and weights of all extractors, in no order."""
        resizers = [
            (extractor.name, extractor.resizer)
            for extractor in (*self.segmenters, self.clip, *self.features)
        ]
        names = [] if self.attributes is None else [self.attributes.name]
        return digest([sorted(self.digests.items()), sorted(resizers), names])

    @property
    def required_sizes(self) -> dict[str, Size]:
        """The one image size that a network was trained for, by its name; not of the standard ones,
        which bring images to their own.
        """
        extractors = (*self.segmenters, self.clip, self.attributes)
        own = [
            j
            for j in extractors
            if isinstance(j, (TrainedSegmenter, SmallClip, AttributeClassifier))
        ]
        return {extractor.name: extractor.config.image_size for extractor in own}

    @property
    def trained_kinds(self) -> list[str]:
        """Kinds of those networks, as `train` names them."""
        kinds = {
            "segmenter": TrainedSegmenter,
            "clip": SmallClip,
            "attributes": AttributeClassifier,
        }
        extractors = (*self.segmenters, self.clip, self.attributes)
        return [
            name for name, kind in kinds.items() if any(isinstance(j, kind) for j in extractors)
        ]

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset that a segmenter, CLIP or the attribute classifier cannot evaluate.

        Raises:
            ValueError: says what does not fit and what to do.
        """
        for extractor in self.segmenters:
            extractor.check(dataset)
        if self.attributes is not None:
            self.attributes.check(dataset)
        if isinstance(self.clip, SmallClip):
            self.clip.check_size(dataset.image_size)

    def features_of(
        self, extractor: FeatureExtractor, images: Tensor, predictions: Mapping[str, Prediction]
    ) -> Tensor:
        """Features float32 (B, D) of `images`; a segmenter's are those of its prediction.

        Args:
            extractor: one of `features`.
            images: uint8 (B, 3, H, W).
            predictions: of the same images, by segmenter's name.

        Raises:
            NotFinite: a feature is not finite.
        """
        if isinstance(extractor, SegmenterFeatures) and extractor.name in predictions:
            features = predictions[extractor.name].features
        else:
            features = extractor.features(images)
        require_finite(f"features of {extractor.name}", features, remedy="give other weights")
        return features


@dataclass(frozen=True)
class Networks:
    """Paths of the networks of one evaluation."""

    runs: tuple[tuple[ExtractorSpec, tuple[Run, ...]], ...]

    def __str__(self) -> str:
        """A line per network."""
        return "\n".join(str(run) for _, runs in self.runs for run in runs)

    def pinned(self, request: ExtractorRequest) -> ExtractorRequest:
        """The request that finds the same networks, whatever is trained meanwhile."""
        first = {spec.name: runs[0] for spec, runs in self.runs if runs}
        segmenter, clip = first["segmenter"], first["clip"]
        attributes = first.get("attributes")
        return replace(
            request,
            segmenter=str(segmenter.weights) if segmenter.is_found else request.segmenter,
            clip=clip.weights if clip.is_found else request.clip,
            attributes=None if attributes is None else attributes.weights,
        )


def find_networks(request: ExtractorRequest) -> Networks:
    """Look for all networks; nothing is loaded.

    Raises:
        FileNotFoundError: some are missing; says for all of them how to get them.
        ValueError: a run of the dataset's name is of other data, see `runs.find_run`; a file that
            no extractor uses.
    """
    _check_files(request)
    specs = [spec for spec in specs_of(request) if spec.is_used(request)]
    found = all_or_none([partial(spec.find, request) for spec in specs])
    return Networks(tuple(zip(specs, map(tuple, found), strict=True)))


def load_extractors(request: ExtractorRequest) -> Extractors:
    """Load the extractors.

    Raises:
        FileNotFoundError: weights are missing; says for all of them how to get them.
        ValueError: unknown or repeated protocols, networks of other data, a file that no extractor
            uses, damaged weights.
    """
    loaded: list[tuple[str, Any]] = [
        network
        for spec, runs in find_networks(request).runs
        for network in spec.load(runs, request)
    ]
    roles = dict(loaded)
    first, *others = [network for role, network in loaded if role.startswith(segmenter_role(""))]
    return Extractors(
        first,
        roles[CLIP_ROLE],
        tuple(roles[features_role(protocol)] for protocol in request.protocols),
        tuple(others),
        roles.get(ATTRIBUTES_ROLE),
    )


def _check_files(request: ExtractorRequest) -> None:
    """Refuse a file that nothing would read."""
    for spec in SPECS:
        if not spec.is_used(request) and getattr(request, spec.name) is not None:
            raise ValueError(
                f"--{spec.name}: none of the features {', '.join(request.protocols)} uses it; add "
                f"--features {spec.provides[0].removeprefix(FEATURES)}, or leave it out"
            )
