"""The extractors of one evaluation, and how they are chosen and loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

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
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.extractors.attributes import AttributeClassifier
from gcdp_bench.extractors.clip import SmallClip
from gcdp_bench.extractors.clip_standard import NAME as CLIP
from gcdp_bench.extractors.clip_standard import ClipFeatures, StandardClip
from gcdp_bench.extractors.dinov2 import NAME as DINOV2
from gcdp_bench.extractors.dinov2 import DinoV2
from gcdp_bench.extractors.inception import NAME as INCEPTION
from gcdp_bench.extractors.inception import Inception, InceptionNetwork
from gcdp_bench.extractors.names import (
    DEFAULT_FEATURES,
    FID_PROTOCOLS,
    HRNET,
    FidProtocol,
    check_features,
    split_resize,
)
from gcdp_bench.extractors.registry import find_weights
from gcdp_bench.extractors.segmenter import SegmenterFeatures, TrainedSegmenter
from gcdp_bench.extractors.segmenter_standard import StandardSegmenter
from gcdp_bench.training.runs import PRETRAINED, Run, Weights, as_weights, find_run, refuse_all

T = TypeVar("T")
Kind = Literal["pretrained", "standard"]
CLIP_ROLE, ATTRIBUTES_ROLE = "clip", "attributes"
PROVIDED: Mapping[str, tuple[str, ...]] = {
    "segmenter": ("counts", "confusions"),
    "clip": ("cosines", "too_long"),
    "features": ("features",),
    "attributes": ("attributes",),
}
"""First word of a network's role -> first words of the arrays that it provides."""


@dataclass(frozen=True, kw_only=True)
class ExtractorRequest:
    """Which networks evaluate. The defaults are those of the dataset, see `runs.find_run`.

    A segmenter is named by the folder of one trained here; by `pretrained`, for the small one that
    ships; by `hrnet-w48-cityscapes`, for the checkpoint in the user's weights store; or by an
    OpenMMLab checkpoint file. To the last two, "@native" or "@HEIGHTxWIDTH" may be appended: the
    size at which HRNet-W48 looks.
    """

    dataset: DatasetIdentity
    kind: Kind = "pretrained"  # decides the defaults, and which CLIP `clip` means
    segmenter: str | None = None  # None: the dataset's; HRNet-W48 for standard on cityscapes
    other_segmenters: tuple[str, ...] = ()  # second opinions
    clip: Weights = None  # run folder ("pretrained") or weights file ("standard")
    features: tuple[str, ...] | None = None  # of FEATURE_PROTOCOLS; None: DEFAULT_FEATURES
    inception: Path | None = None  # weights file of tf1, clean and torch
    dinov2: Path | None = None  # folder in Hugging Face's format
    use_attributes: bool = False  # whether attribute recall is measured
    attributes: Weights = None  # run folder of an attribute classifier
    device: str = "cpu"  # of the standard networks; the small ones stay on the CPU

    def __post_init__(self):
        check_features(self.protocols)
        if "cmmd" in self.protocols and self.kind != "standard":
            raise ValueError("features: cmmd needs the standard CLIP; add --extractors standard")
        if self.clip == PRETRAINED and self.kind == "standard":
            raise ValueError(
                "clip: expected a weights file of the standard CLIP, got pretrained, which is the "
                "small one; leave --clip out, or --extractors standard"
            )

    @property
    def protocols(self) -> tuple[str, ...]:
        """Feature protocols, the first one first."""
        return DEFAULT_FEATURES[self.kind] if self.features is None else self.features


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


def segmenter_role(name: str) -> str:
    """Role of the segmenter of a name."""
    return f"segmenter {name}"


def features_role(protocol: str) -> str:
    """Role of the network whose features a protocol compares."""
    return f"features {protocol}"


def arrays_of(role: str) -> tuple[str, ...]:
    """Names of the arrays that the network of a role provides."""
    kind, _, name = role.partition(" ")
    return tuple(f"{array} {name}".rstrip() for array in PROVIDED[kind])


@dataclass(frozen=True)
class Networks:
    """Where the networks of one evaluation are."""

    segmenters: tuple[tuple[Run, str | None], ...]
    """The first extractor first, each with the size at which HRNet-W48 looks; None: trained
    here."""
    clip: Run
    attributes: Run | None = None
    inception: Run | None = None
    dinov2: Run | None = None

    def __str__(self) -> str:
        """A line per network."""
        others = (self.clip, self.inception, self.dinov2, self.attributes)
        runs = [*(run for run, _ in self.segmenters), *(run for run in others if run is not None)]
        return "\n".join(map(str, runs))

    def pinned(self, request: ExtractorRequest) -> ExtractorRequest:
        """The request that finds the same networks, whatever is trained meanwhile."""
        segmenter, _ = self.segmenters[0]
        return replace(
            request,
            segmenter=str(segmenter.weights) if segmenter.is_found else request.segmenter,
            clip=self.clip.weights if self.clip.is_found else request.clip,
            attributes=None if self.attributes is None else self.attributes.weights,
        )


def find_networks(request: ExtractorRequest) -> Networks:
    """Look for all networks; nothing is loaded.

    Raises:
        FileNotFoundError: some are missing; says for all of them how to get them.
        ValueError: a run of the dataset's name is of other data, see `runs.find_run`; a file that
            no extractor uses.
    """
    _check_files(request)
    problems: list[FileNotFoundError | ValueError] = []

    def attempt(find: Callable[[], T]) -> T | None:
        try:
            return find()
        except (FileNotFoundError, ValueError) as error:
            problems.append(error)
            return None

    def trained(network: str, given: Weights) -> Run | None:
        return attempt(lambda: find_run(network, request.dataset, given))

    def published(name: str, given: Path | None) -> Run | None:
        return attempt(lambda: _published(name, given))

    segmenters = [
        attempt(partial(_find_segmenter, given, request)) for given in _given_segmenters(request)
    ]
    if request.kind == "standard":
        assert request.clip != PRETRAINED
        clip = published(CLIP, request.clip)
    else:
        clip = trained("clip", request.clip)
    uses_inception = bool(set(FID_PROTOCOLS) & set(request.protocols))
    inception = published(INCEPTION, request.inception) if uses_inception else None
    dinov2 = published(DINOV2, request.dinov2) if "dinov2" in request.protocols else None
    attributes = trained("attributes", request.attributes) if request.use_attributes else None
    refuse_all(problems)
    assert clip is not None
    found = tuple(segmenter for segmenter in segmenters if segmenter is not None)
    return Networks(found, clip, attributes, inception, dinov2)


def load_extractors(request: ExtractorRequest) -> Extractors:
    """Load the extractors.

    Raises:
        FileNotFoundError: weights are missing; says for all of them how to get them.
        ValueError: unknown or repeated protocols, networks of other data, a file that no extractor
            uses, damaged weights.
    """
    protocols, device = request.protocols, request.device
    networks = find_networks(request)
    fid: list[FidProtocol] = [name for name in FID_PROTOCOLS if name in protocols]
    first, *others = [_load_segmenter(run, resize, request) for run, resize in networks.segmenters]
    extractors: dict[str, FeatureExtractor] = {"hrnet": SegmenterFeatures(first)}
    if request.kind == "standard":
        clip = StandardClip.load(networks.clip.folder, device=device)
        extractors["cmmd"] = ClipFeatures(clip)
    else:
        clip = SmallClip.load(
            networks.clip.folder, trained_on=networks.clip.trained_on(request.dataset)
        )
    if networks.inception is not None:
        network = InceptionNetwork(networks.inception.folder, device=device)
        extractors |= {protocol: Inception(network, protocol) for protocol in fid}
    if networks.dinov2 is not None:
        extractors["dinov2"] = DinoV2.load(networks.dinov2.folder, device=device)
    attributes = networks.attributes
    return Extractors(
        first,
        clip,
        tuple(extractors[protocol] for protocol in protocols),
        tuple(others),
        None
        if attributes is None
        else AttributeClassifier.load(
            attributes.folder, trained_on=attributes.trained_on(request.dataset)
        ),
    )


def load_segmenter(given: str | None, request: ExtractorRequest) -> Segmenter:
    """Load one extractor of layouts.

    Args:
        given: as `JudgeRequest.segmenter`.
        request: for which dataset, and where to run.

    Raises:
        FileNotFoundError: there is none; says how to get or to train one.
        ValueError: the weights are damaged or of another network, or of other data.
    """
    return _load_segmenter(*_find_segmenter(given, request), request)


def _load_segmenter(run: Run, resize: str | None, request: ExtractorRequest) -> Segmenter:
    if resize is None:
        return TrainedSegmenter.load(run.folder, trained_on=run.trained_on(request.dataset))
    return StandardSegmenter.load(run.folder, resize=resize, device=request.device)


def _given_segmenters(request: ExtractorRequest) -> tuple[str | None, ...]:
    return (request.segmenter, *request.other_segmenters)


def _find_segmenter(given: str | None, request: ExtractorRequest) -> tuple[Run, str | None]:
    """The network, and the size at which HRNet-W48 looks; None: a segmenter trained here."""
    if given is None and request.kind == "standard" and request.dataset.family == "cityscapes":
        given = HRNET
    if given is None or given == PRETRAINED:
        return find_run("segmenter", request.dataset, as_weights(given)), None
    name, resize = split_resize(given)
    if name == HRNET:
        return _published(HRNET, None), resize
    if Path(name).is_file():
        return _published(HRNET, Path(name)), resize
    return find_run("segmenter", request.dataset, Path(given)), None


def _published(name: str, given: Path | None) -> Run:
    path = find_weights(name, given)
    return Run(network=name, folder=path, origin="published", records={})


def _check_files(request: ExtractorRequest) -> None:
    """Refuse a file that nothing would read."""
    protocols = request.protocols
    for option, path, users in (
        ("inception", request.inception, FID_PROTOCOLS),
        ("dinov2", request.dinov2, ("dinov2",)),
    ):
        if path is not None and not set(users) & set(protocols):
            raise ValueError(
                f"--{option}: none of the features {', '.join(protocols)} uses it; "
                f"add --features {users[0]}, or leave it out"
            )
