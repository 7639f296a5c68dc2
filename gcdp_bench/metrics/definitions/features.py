"""Distances and overlaps of sets of features; one entry per protocol, named in the suffix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gcdp_bench.metrics.definitions.definition import (
    BLURRED,
    CONSTANT,
    FRECHET_INTERVAL,
    NOISE,
    NOT_NEGATIVE,
    SHARE,
    Definition,
)


@dataclass(frozen=True, kw_only=True)
class _Protocol:
    """A network, the way images reach it, and what is computed from its features."""

    short: str  # for titles
    extractor: str
    resize: str
    trap: str
    frechet: str  # name of the Fréchet distance
    worst: float  # Fréchet distance up to which a hypervolume counts: no model, no data moves it
    is_full: bool = False  # KID, precision, recall, density and coverage too


_INCEPTION = "Inception-v3 of the TF1 graph (2015-12-05), 2048 pooled features"
_SQUASHED = "A 2:1 image is squashed to a square."

PROTOCOLS: Mapping[str, _Protocol] = {
    "tf1": _Protocol(
        short="Inception-v3 on TF1's grid",
        extractor=_INCEPTION,
        resize="to 299x299 on the bilinear grid of TF1 (corners not aligned, not antialiased), as "
        "torch-fidelity and the first FID code do",
        trap=_SQUASHED,
        frechet="fid-tf1",
        worst=200.0,
        is_full=True,
    ),
    "clean": _Protocol(
        short="Inception-v3, clean resize",
        extractor=_INCEPTION,
        resize="to 299x299 by Pillow's antialiased bicubic filter in float, as clean-fid does",
        trap=_SQUASHED,
        frechet="fid-clean",
        worst=200.0,
    ),
    "torch": _Protocol(
        short="Inception-v3, PyTorch's resize",
        extractor=_INCEPTION,
        resize="to 299x299 by PyTorch's bilinear filter, pixel centres, not antialiased, as "
        "pytorch-fid does",
        trap=_SQUASHED,
        frechet="fid-torch",
        worst=200.0,
    ),
    "hrnet": _Protocol(
        short="the segmenter's features",
        extractor="the first segmenter, globally averaged features of all branches",
        resize="the segmenter's, see the row's `resizer`",
        trap="Not an Inception FID: no value of a paper compares with it.",
        frechet="fid-hrnet",
        worst=50.0,
        is_full=True,
    ),
    "dinov2": _Protocol(
        short="DINOv2",
        extractor="DINOv2 ViT-L/14, class token, 1024 features",
        resize="to 224x224 by Pillow's antialiased bicubic filter, rounded to uint8, as dgm-eval "
        "does",
        trap="Its best guidance is often higher than FID's: one sweep, two optima.",
        frechet="fd-dinov2",
        worst=2000.0,
    ),
}
"""Suffix of a metric -> what it is computed in."""

_REAL = "real images of the split named in the row (for real-vs-real: the rest of that split)"

_FRECHET = Definition(
    title="Fréchet distance",
    formula="|m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)), means and covariances (ddof 1) in "
    "float64; the trace of the root is the nuclear norm of X Y^T / sqrt((N - 1)(M - 1))",
    unit="squared feature units, 0 to infinity",
    higher_is_better=False,
    source="Heusel et al. 2017, arXiv 1706.08500",
    extractor="",
    resize="",
    compared_with=_REAL,
    interval=FRECHET_INTERVAL,
    bounds=NOT_NEGATIVE,
    controls=(NOISE, CONSTANT, BLURRED),
    traps=(
        "Biased upwards at small N: compare equal N only, and with the real-vs-real row, which is "
        "what it is when nothing differs.",
        "The resize moves it: fid-tf1, fid-clean and fid-torch are three numbers.",
        "Published values are plain ones and carry no interval: ends do not belong to them.",
    ),
)

_KID = Definition(
    title="Kernel distance",
    formula="unbiased MMD^2 with the kernel (x.y / D + 1)^3: of all images where a side has at "
    "most 1000, else the mean over 100 seeded subsets of 1000",
    unit="kernel units, about 0 for equal distributions; may be negative",
    higher_is_better=False,
    source="Bińkowski et al. 2018, arXiv 1801.01401",
    extractor="",
    resize="",
    compared_with=_REAL,
    interval="normal, with the jackknife error over both sides; it and `corrected` are cut at 0",
    bounds=NOT_NEGATIVE,
    controls=(NOISE, CONSTANT, BLURRED),
    traps=(
        "Unbiased, hence the one to read at small N; some programs print it times 1000.",
        "The spread over subsets, which other programs print after a +-, is not its error.",
    ),
)

_PRDC_SOURCES = {
    "precision": "Kynkäänniemi et al. 2019, arXiv 1904.06991",
    "recall": "Kynkäänniemi et al. 2019, arXiv 1904.06991",
    "density": "Naeem et al. 2020, arXiv 2002.09797",
    "coverage": "Naeem et al. 2020, arXiv 2002.09797",
}
_PRDC_TEXTS = {
    "precision": (
        "Precision",
        "share of samples inside the k-nearest-neighbour ball of some real image, k = 3",
        "share, 0 to 1",
        "One real outlier with a large ball makes many samples count.",
    ),
    "recall": (
        "Recall (variety)",
        "share of real images inside the k-nearest-neighbour ball of some sample, k = 3",
        "share, 0 to 1",
        "Not Semantic Recall: it asks for variety, not for what captions name.",
    ),
    "density": (
        "Density",
        "1 / (k N) times the number of pairs with the sample inside the real image's "
        "k-nearest-neighbour ball, k = 5",
        "about 1 for equal distributions; can exceed 1",
        "Above 1 means samples crowd where real images are dense: it is not better than 1.",
    ),
    "coverage": (
        "Coverage",
        "share of real images whose k-nearest-neighbour ball holds a sample, k = 5",
        "share, 0 to 1",
        "Falls with fewer samples than real images.",
    ),
}


def frechet_name(protocol: str) -> str:
    """Name of the Fréchet distance in a protocol's features: FID of Inception's, else FD."""
    return PROTOCOLS[protocol].frechet


def _in_protocol(definition: Definition, protocol: str) -> Definition:
    place = PROTOCOLS[protocol]
    return replace(
        definition,
        title=f"{definition.title}, {place.short}",
        extractor=place.extractor,
        resize=place.resize,
        traps=(*definition.traps, place.trap),
    )


def _prdc(name: str) -> Definition:
    title, formula, unit, trap = _PRDC_TEXTS[name]
    return Definition(
        title=title,
        formula=formula,
        unit=unit,
        higher_is_better=True,
        source=_PRDC_SOURCES[name],
        extractor="",
        resize="",
        compared_with=_REAL,
        interval="of the side that is averaged, the other side fixed, so that the choice of the "
        "other set is not in it: bounded, of density basic bootstrap",
        bounds=NOT_NEGATIVE if name == "density" else SHARE,
        controls=(NOISE, CONSTANT) if name == "precision" else (),
        traps=(trap, "Depends on N and M through k: compare equal sizes only."),
    )


_CMMD = Definition(
    title="CLIP maximum mean discrepancy",
    formula="1000 times the MMD^2 (all pairs) of unit CLIP embeddings with the kernel "
    "exp(-|x - y|^2 / (2 sigma^2)), sigma = 10",
    unit="kernel units times 1000; 0 for equal sets",
    higher_is_better=False,
    source="Jayasumana et al. 2024, arXiv 2401.09603",
    extractor="CLIP ViT-L/14-336, image embedding",
    resize="CLIP's own: shorter side to 336 by Pillow's bicubic filter, centre crop",
    compared_with=_REAL,
    interval="normal, with the jackknife error over both sides, around `corrected`, the unbiased "
    "estimate; both are cut at 0",
    bounds=NOT_NEGATIVE,
    controls=(NOISE, CONSTANT, BLURRED),
    traps=(
        "The published estimate counts each image with itself: biased upwards at small N.",
        "Of a 256x512 image the crop does not see the outer quarters.",
    ),
)

_MEMORISED = Definition(
    title="Share of samples memorised",
    formula="share of samples x with d(x, t) <= min over t' of d(t, t'), t the training image "
    "nearest to x and t' any other training image, d Euclidean; 1 - AuthPct",
    unit="share, 0 to 1",
    higher_is_better=None,
    source="Alaa et al. 2022, arXiv 2102.08921 (authenticity)",
    extractor="the first feature network of the extractors",
    resize="as that network's protocol says",
    compared_with="the training images, and the same share of real images of another split",
    interval="Wilson's score interval, training set fixed",
    bounds=SHARE,
    traps=(
        "1 for copies, but not 0 without them: fresh draws of the distribution give 2/3 on a "
        "line, towards 1/2 in many dimensions, less where few images are the neighbours of many. "
        "Compare with the share of unseen real images.",
        "0 is no virtue: samples far from every real image give it too.",
        "Needs the images that the generator was trained on, not a part of them.",
        "Near-duplicates in the training set (frames of a video) shrink the distances between real "
        "images: only closer copies count there. Look at the gallery.",
    ),
)

FULL = tuple(name for name, protocol in PROTOCOLS.items() if protocol.is_full)
"""Protocols with more than a Fréchet distance."""

FRECHET_DEFINITIONS: Mapping[str, Definition] = {
    protocol.frechet: replace(_in_protocol(_FRECHET, name), worst=protocol.worst)
    for name, protocol in PROTOCOLS.items()
}
KID_DEFINITIONS: Mapping[str, Definition] = {
    f"kid-{protocol}": _in_protocol(_KID, protocol) for protocol in FULL
}
PRDC_DEFINITIONS: Mapping[str, Definition] = {
    f"{name}-{protocol}": _in_protocol(_prdc(name), protocol)
    for protocol in FULL
    for name in _PRDC_TEXTS
}
CMMD_DEFINITIONS: Mapping[str, Definition] = {"cmmd": _CMMD}
MEMORISATION_DEFINITIONS: Mapping[str, Definition] = {"memorised_share": _MEMORISED}
