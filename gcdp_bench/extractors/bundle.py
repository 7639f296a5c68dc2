"""The judges of one evaluation, and how they are chosen and loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from torch import Tensor

from gcdp_bench.config import digest
from gcdp_bench.extractors.attributes import AttributeClassifier
from gcdp_bench.extractors.clip import SmallClip
from gcdp_bench.extractors.clip_standard import NAME as CLIP
from gcdp_bench.extractors.clip_standard import ClipFeatures, StandardClip
from gcdp_bench.extractors.dinov2 import NAME as DINOV2
from gcdp_bench.extractors.dinov2 import DinoV2
from gcdp_bench.extractors.inception import (
    FID_PROTOCOLS,
    FidProtocol,
    Inception,
    InceptionNetwork,
)
from gcdp_bench.extractors.inception import NAME as INCEPTION
from gcdp_bench.extractors.names import HRNET, FeatureProtocol, check_features, split_resize
from gcdp_bench.extractors.registry import find_weights
from gcdp_bench.extractors.segmenter import Segmenter, SegmenterFeatures
from gcdp_bench.extractors.segmenter_standard import StandardSegmenter
from gcdp_bench.extractors.weights import family, find_judge
from gcdp_bench.finite import require_finite
from gcdp_bench.images import Size
from gcdp_bench.protocols import Dataset, FeatureJudge, Judge, LayoutJudge, Prediction, TextJudge

Kind = Literal["shipped", "standard"]
DEFAULT_FEATURES: Mapping[Kind, tuple[FeatureProtocol, ...]] = {
    "shipped": ("hrnet",),
    "standard": ("tf1",),
}
CLIP_ROLE, ATTRIBUTES_ROLE = "clip", "attributes"


@dataclass(frozen=True, kw_only=True)
class JudgeRequest:
    """Which networks judge. The defaults are the small shipped ones.

    A segmenter is named by the folder of one trained here; by `hrnet-w48-cityscapes`, for the
    checkpoint in the user's weights store; or by an OpenMMLab checkpoint file. To the last two,
    "@native" or "@HEIGHTxWIDTH" may be appended: the size at which HRNet-W48 looks.
    """

    dataset: str  # name or folder; its family has the shipped judges
    kind: Kind = "shipped"  # decides the defaults, and which CLIP `clip` means
    segmenter: str | None = None  # None: the dataset's; HRNet-W48 for standard on cityscapes
    other_segmenters: tuple[str, ...] = ()  # second opinions
    clip: Path | None = None  # run folder ("shipped") or weights file ("standard")
    features: tuple[str, ...] | None = None  # of FEATURE_PROTOCOLS; None: DEFAULT_FEATURES
    inception: Path | None = None  # weights file of tf1, clean and torch
    dinov2: Path | None = None  # folder in Hugging Face's format
    use_attributes: bool = False  # whether attribute recall is measured
    attributes: Path | None = None  # run folder of an attribute classifier
    device: str = "cpu"  # of the standard networks; the small ones stay on the CPU

    def __post_init__(self):
        check_features(self.protocols)
        if "cmmd" in self.protocols and self.kind != "standard":
            raise ValueError("features: cmmd needs the standard CLIP; add --extractors standard")

    @property
    def protocols(self) -> tuple[str, ...]:
        """Feature protocols, the first one first."""
        return DEFAULT_FEATURES[self.kind] if self.features is None else self.features


@dataclass(frozen=True)
class Extractors:
    """Every network of one evaluation."""

    segmenter: LayoutJudge  # the first judge of layouts
    clip: TextJudge
    features: tuple[FeatureJudge, ...]  # the first one's distance is the evaluation's FID
    other_segmenters: tuple[LayoutJudge, ...] = ()  # second opinions
    attributes: AttributeClassifier | None = None

    def __post_init__(self):
        for what, names in (
            ("segmenter", [judge.name for judge in self.segmenters]),
            ("feature protocol", [judge.protocol for judge in self.features]),
        ):
            repeated = [name for name, num in Counter(names).items() if num > 1]
            if repeated:
                raise ValueError(f"expected each {what} once, got {repeated[0]} more than once; "
                                 "rows are told apart by it")  # fmt: skip

    @property
    def segmenters(self) -> tuple[LayoutJudge, ...]:
        """All judges of layouts, the first one first."""
        return (self.segmenter, *self.other_segmenters)

    @property
    def networks(self) -> dict[str, Judge]:
        """Every network by its role."""
        networks: dict[str, Judge] = {
            segmenter_role(judge.name): judge for judge in self.segmenters
        }
        networks |= {CLIP_ROLE: self.clip}
        networks |= {features_role(judge.protocol): judge for judge in self.features}
        if self.attributes is not None:
            networks[ATTRIBUTES_ROLE] = self.attributes
        return networks

    @property
    def digests(self) -> dict[str, str]:
        """Hash of each network's weights, by its role."""
        return {role: network.digest for role, network in self.networks.items()}

    @property
    def identity(self) -> str:
        """Hash over the roles, names, resizes and weights of all judges, in no order."""
        resizers = [
            (judge.name, judge.resizer) for judge in (*self.segmenters, self.clip, *self.features)
        ]
        names = [] if self.attributes is None else [self.attributes.name]
        return digest([sorted(self.digests.items()), sorted(resizers), names])

    @property
    def required_sizes(self) -> dict[str, Size]:
        """The one image size that a network was trained for, by its name; not of the standard ones,
        which bring images to their own.
        """
        judges = (*self.segmenters, self.clip, self.attributes)
        own = [j for j in judges if isinstance(j, (Segmenter, SmallClip, AttributeClassifier))]
        return {judge.name: judge.config.image_size for judge in own}

    @property
    def trained_kinds(self) -> list[str]:
        """Kinds of those networks, as `train` names them."""
        kinds = {"segmenter": Segmenter, "clip": SmallClip, "attributes": AttributeClassifier}
        judges = (*self.segmenters, self.clip, self.attributes)
        return [name for name, kind in kinds.items() if any(isinstance(j, kind) for j in judges)]

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset that a segmenter, CLIP or the attribute classifier cannot judge.

        Raises:
            ValueError: says what does not fit and what to do.
        """
        for judge in self.segmenters:
            judge.check(dataset)
        if self.attributes is not None:
            self.attributes.check(dataset)
        if isinstance(self.clip, SmallClip):
            self.clip.check_size(dataset.image_size)

    def features_of(
        self, judge: FeatureJudge, images: Tensor, predictions: Mapping[str, Prediction]
    ) -> Tensor:
        """Features float32 (B, D) of `images`; a segmenter's are those of its prediction.

        Args:
            judge: one of `features`.
            images: uint8 (B, 3, H, W).
            predictions: of the same images, by segmenter's name.

        Raises:
            NotFinite: a feature is not finite.
        """
        if isinstance(judge, SegmenterFeatures) and judge.name in predictions:
            features = predictions[judge.name].features
        else:
            features = judge.features(images)
        require_finite(f"features of {judge.name}", features, remedy="give other weights")
        return features


def segmenter_role(name: str) -> str:
    """Role of the segmenter of a name."""
    return f"segmenter {name}"


def features_role(protocol: str) -> str:
    """Role of the network whose features a protocol compares."""
    return f"features {protocol}"


def load_extractors(request: JudgeRequest) -> Extractors:
    """Load the judges.

    Raises:
        FileNotFoundError: weights are missing; says for all of them how to get them.
        ValueError: unknown or repeated protocols, a file that no judge uses, damaged weights.
    """
    protocols = request.protocols
    _check_files(request)
    fid: list[FidProtocol] = [name for name in FID_PROTOCOLS if name in protocols]
    given = (request.segmenter, *request.other_segmenters)
    _require(request, given)
    first, *others = [load_segmenter(one, request) for one in given]
    judges: dict[str, FeatureJudge] = {"hrnet": SegmenterFeatures(first)}
    if request.kind == "standard":
        clip = StandardClip.load(request.clip, device=request.device)
        judges["cmmd"] = ClipFeatures(clip)
    else:
        clip = SmallClip.load(find_judge("clip", request.dataset, request.clip))
    if fid:
        network = InceptionNetwork(request.inception, device=request.device)
        judges |= {protocol: Inception(network, protocol) for protocol in fid}
    if "dinov2" in protocols:
        judges["dinov2"] = DinoV2.load(request.dinov2, device=request.device)
    return Extractors(
        first,
        clip,
        tuple(judges[protocol] for protocol in protocols),
        tuple(others),
        AttributeClassifier.load(find_judge("attributes", request.dataset, request.attributes))
        if request.use_attributes
        else None,
    )


def load_segmenter(given: str | None, request: JudgeRequest) -> LayoutJudge:
    """Load one judge of layouts.

    Args:
        given: as `JudgeRequest.segmenter`.
        request: for which dataset, and where to run.

    Raises:
        FileNotFoundError: there is none; says how to get or to train one.
        ValueError: the weights are damaged or of another network.
    """
    path, resize = _find_segmenter(given, request)
    if resize is None:
        return Segmenter.load(path)
    return StandardSegmenter.load(path, resize=resize, device=request.device)


def _find_segmenter(given: str | None, request: JudgeRequest) -> tuple[Path, str | None]:
    """Its weights, and the size at which HRNet-W48 looks; None: a segmenter trained here."""
    if given is None and request.kind == "standard" and family(request.dataset) == "cityscapes":
        given = HRNET
    if given is None:
        return find_judge("segmenter", request.dataset, None), None
    name, resize = split_resize(given)
    if name == HRNET:
        return find_weights(HRNET, None), resize
    if Path(name).is_file():
        return Path(name), resize
    return find_judge("segmenter", request.dataset, Path(given)), None


def _check_files(request: JudgeRequest) -> None:
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


def _require(request: JudgeRequest, segmenters: Sequence[str | None]) -> None:
    """Look for all weights; one error names everything that is missing."""
    finders: list[Callable[[], object]] = [
        partial(_find_segmenter, given, request) for given in segmenters
    ]
    if request.kind == "standard":
        finders.append(partial(find_weights, CLIP, request.clip))
    else:
        finders.append(partial(find_judge, "clip", request.dataset, request.clip))
    if set(FID_PROTOCOLS) & set(request.protocols):
        finders.append(partial(find_weights, INCEPTION, request.inception))
    if "dinov2" in request.protocols:
        finders.append(partial(find_weights, DINOV2, request.dinov2))
    if request.use_attributes:
        finders.append(partial(find_judge, "attributes", request.dataset, request.attributes))
    missing = []
    for find in finders:
        try:
            find()
        except FileNotFoundError as error:
            missing.append(str(error))
    if missing:
        raise FileNotFoundError("\n".join(missing))
