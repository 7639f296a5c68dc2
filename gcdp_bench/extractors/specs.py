"""Every network that evaluates: how it is asked for, found and loaded, and what it provides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from gcdp_bench.core import plugins
from gcdp_bench.core.types import (
    Extractor,
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
    FEATURE_PROTOCOLS,
    FID_PROTOCOLS,
    HRNET,
    check_features,
    split_resize,
)
from gcdp_bench.extractors.registry import find_weights
from gcdp_bench.extractors.segmenter import SegmenterFeatures, TrainedSegmenter
from gcdp_bench.extractors.segmenter_standard import StandardSegmenter
from gcdp_bench.extractors.trained import ATTRIBUTES, EVALUATORS, SEGMENTER
from gcdp_bench.training.runs import PRETRAINED, Run, Weights, as_weights, find_run, refuse_all

T = TypeVar("T")
Kind = Literal["pretrained", "standard"]
CLIP_ROLE, ATTRIBUTES_ROLE, FEATURES = "clip", "attributes", "features "
PROVIDED: Mapping[str, tuple[str, ...]] = {
    "segmenter": ("counts", "confusions"),
    "clip": ("cosines", "too_long"),
    "features": ("features",),
    "attributes": ("attributes",),
}
"""First word of a network's role -> first words of the arrays that it provides."""


@dataclass(frozen=True, kw_only=True)
class ExtractorRequest:
    """The networks that evaluate; the defaults are those of the dataset, see `runs.find_run`.

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
    features: tuple[str, ...] | None = None  # see `names.check_features`; None: DEFAULT_FEATURES
    inception: Path | None = None  # weights file of tf1, clean and torch
    dinov2: Path | None = None  # folder in Hugging Face's format
    use_attributes: bool = False  # whether attribute recall is measured
    attributes: Weights = None  # run folder of an attribute classifier
    device: str = "cpu"  # where all of them run

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


def segmenter_role(name: str) -> str:
    """Role of the segmenter of a name."""
    return f"segmenter {name}"


def features_role(protocol: str) -> str:
    """Role of the network whose features a protocol compares."""
    return FEATURES + protocol


def arrays_of(role: str) -> tuple[str, ...]:
    """Names of the arrays that the network of a role provides."""
    kind, _, name = role.partition(" ")
    return tuple(f"{array} {name}".rstrip() for array in PROVIDED[kind])


@dataclass(frozen=True, kw_only=True)
class ExtractorSpec:
    """A kind of networks: how they are found and loaded, and the roles that they have then.

    A package adds one that provides features as an entry point of the group
    `gcdp_bench.extractors`, under the name of their protocol in `--features`.
    """

    name: str
    find: Callable[[ExtractorRequest], Sequence[Run]]
    load: Callable[[Sequence[Run], ExtractorRequest], Iterable[tuple[str, Extractor]]]  # by role
    provides: tuple[str, ...]  # roles; features alone are asked for by `ExtractorRequest.features`

    def is_used(self, request: ExtractorRequest) -> bool:
        """Whether an evaluation needs them."""
        protocols = [role.removeprefix(FEATURES) for role in self.provides]
        has_more = not all(role.startswith(FEATURES) for role in self.provides)
        return has_more or bool(set(protocols) & set(request.protocols))


def load_segmenter(given: str | None, request: ExtractorRequest) -> Segmenter:
    """Load one extractor of layouts.

    Args:
        given: as `ExtractorRequest.segmenter`.
        request: for which dataset, and where to run.

    Raises:
        FileNotFoundError: there is none; says how to get or to train one.
        ValueError: the weights are damaged or of another network, or of other data.
    """
    return _load_segmenter(_find_segmenter(given, request), given, request)


def _given_segmenters(request: ExtractorRequest) -> tuple[str | None, ...]:
    return (request.segmenter, *request.other_segmenters)


def _find_segmenters(request: ExtractorRequest) -> list[Run]:
    finds = [partial(_find_segmenter, given, request) for given in _given_segmenters(request)]
    return all_or_none(finds)


def _find_segmenter(given: str | None, request: ExtractorRequest) -> Run:
    if given is None and request.kind == "standard" and request.dataset.family == "cityscapes":
        given = HRNET
    if given is None or given == PRETRAINED:
        return find_run(SEGMENTER, request.dataset, as_weights(given))
    name, _ = split_resize(given)
    if name == HRNET:
        return _published(HRNET, None)
    if Path(name).is_file():
        return _published(HRNET, Path(name))
    return find_run(SEGMENTER, request.dataset, Path(given))


def _load_segmenter(run: Run, given: str | None, request: ExtractorRequest) -> Segmenter:
    if run.origin == "published":
        _, resize = split_resize(given or HRNET)
        return StandardSegmenter.load(run.folder, resize=resize, device=request.device)
    return TrainedSegmenter.load(run.folder, device=request.device, trained_on=_data(run, request))


def _load_segmenters(
    runs: Sequence[Run], request: ExtractorRequest
) -> Iterator[tuple[str, Extractor]]:
    given = zip(runs, _given_segmenters(request), strict=True)
    segmenters = [_load_segmenter(run, name, request) for run, name in given]
    for segmenter in segmenters:
        yield segmenter_role(segmenter.name), segmenter
    yield features_role("hrnet"), SegmenterFeatures(segmenters[0])


def _find_clip(request: ExtractorRequest) -> list[Run]:
    if request.kind == "standard":
        assert request.clip is None or isinstance(request.clip, Path)
        return [_published(CLIP, request.clip)]
    return [find_run(EVALUATORS["clip"], request.dataset, request.clip)]


def _load_clip(runs: Sequence[Run], request: ExtractorRequest) -> Iterator[tuple[str, Extractor]]:
    (run,) = runs
    if request.kind == "standard":
        clip = StandardClip.load(run.folder, device=request.device)
        yield features_role("cmmd"), ClipFeatures(clip)
    else:
        clip = SmallClip.load(run.folder, device=request.device, trained_on=_data(run, request))
    yield CLIP_ROLE, clip


def _load_inception(
    runs: Sequence[Run], request: ExtractorRequest
) -> Iterator[tuple[str, Extractor]]:
    (run,) = runs
    network = InceptionNetwork(run.folder, device=request.device)
    for protocol in FID_PROTOCOLS:
        if protocol in request.protocols:
            yield features_role(protocol), Inception(network, protocol)


def _load_dinov2(runs: Sequence[Run], request: ExtractorRequest) -> Iterator[tuple[str, Extractor]]:
    (run,) = runs
    yield features_role("dinov2"), DinoV2.load(run.folder, device=request.device)


def _find_attributes(request: ExtractorRequest) -> list[Run]:
    if not request.use_attributes:
        return []
    return [find_run(ATTRIBUTES, request.dataset, request.attributes)]


def _load_attributes(
    runs: Sequence[Run], request: ExtractorRequest
) -> Iterator[tuple[str, Extractor]]:
    for run in runs:
        trained_on = _data(run, request)
        network = AttributeClassifier.load(run.folder, device=request.device, trained_on=trained_on)
        yield ATTRIBUTES_ROLE, network


SPECS = (
    ExtractorSpec(
        name="segmenter",
        find=_find_segmenters,
        load=_load_segmenters,
        provides=("segmenter", "features hrnet"),
    ),
    ExtractorSpec(
        name="clip", find=_find_clip, load=_load_clip, provides=(CLIP_ROLE, "features cmmd")
    ),
    ExtractorSpec(
        name="inception",
        find=lambda request: [_published(INCEPTION, request.inception)],
        load=_load_inception,
        provides=("features tf1", "features clean", "features torch"),
    ),
    ExtractorSpec(
        name="dinov2",
        find=lambda request: [_published(DINOV2, request.dinov2)],
        load=_load_dinov2,
        provides=("features dinov2",),
    ),
    ExtractorSpec(
        name="attributes",
        find=_find_attributes,
        load=_load_attributes,
        provides=(ATTRIBUTES_ROLE,),
    ),
)
"""Every network that evaluates."""


def specs_of(request: ExtractorRequest) -> tuple[ExtractorSpec, ...]:
    """`SPECS`, and those of installed packages whose features are asked for."""
    theirs = [name for name in request.protocols if name not in FEATURE_PROTOCOLS]
    return (*SPECS, *map(_installed_spec, theirs))


def _installed_spec(protocol: str) -> ExtractorSpec:
    """The extractor behind an entry point.

    Raises:
        ValueError: it cannot be imported or is malformed; names package, entry point and remedy.
    """
    spec = plugins.load(plugins.EXTRACTORS, protocol)
    if not isinstance(spec, ExtractorSpec) or spec.provides != (features_role(protocol),):
        where = plugins.described(plugins.named(plugins.EXTRACTORS)[protocol])
        raise ValueError(
            f"{where}: expected a gcdp_bench.extractors.specs.ExtractorSpec that provides "
            f"({features_role(protocol)!r},), got {spec}; point the entry point at one"
        )
    return spec


def all_or_none(finds: Sequence[Callable[[], T]]) -> list[T]:
    """Results of all of them, or one error with the lines of all that find nothing."""
    found: list[T] = []
    problems: list[FileNotFoundError | ValueError] = []
    for find in finds:
        try:
            found.append(find())
        except (FileNotFoundError, ValueError) as error:
            problems.append(error)
    refuse_all(problems)
    return found


def _published(name: str, given: Path | None) -> Run:
    path = find_weights(name, given)
    return Run(network=name, folder=path, origin="published", records={})


def _data(run: Run, request: ExtractorRequest) -> str | None:
    return run.trained_on(request.dataset)
