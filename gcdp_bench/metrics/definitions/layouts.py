"""Do layouts fit their images, and do they look like real ones? mIoU and FSD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gcdp_bench.metrics.definitions.captions import SEGMENTER, SEGMENTER_RESIZE
from gcdp_bench.metrics.definitions.definition import (
    BLURRED,
    CONSTANT,
    FRECHET_INTERVAL,
    NOISE,
    NOT_NEGATIVE,
    SHARE,
    Column,
    Definition,
)

_IOU_SIDE = "the layout that the segmenter sees in the generated image"
_SIZE_TRAP = "Depends on the size at which the segmenter looks: read the real-own row too."


def _iou(title: str, formula: str, *, traps: tuple[str, ...]) -> Definition:
    return Definition(
        title=title,
        formula=formula,
        unit="share, 0 to 1 (tables print percent)",
        higher_is_better=True,
        source="Cordts et al. 2016, arXiv 1604.01685 (Cityscapes' pixel-level benchmark)",
        extractor=SEGMENTER,
        resize=SEGMENTER_RESIZE,
        compared_with=_IOU_SIDE,
        interval="bounded: images have random weights, under which their confusion matrices are "
        "summed before division; half an imagined image at the bound",
        bounds=SHARE,
        percent=True,
        traps=(*traps, _SIZE_TRAP),
    )


_ABSENT = Definition(
    title="Classes without an IoU",
    formula="number of classes that neither side has anywhere; left out of mIoU",
    unit="classes, 0 to K",
    higher_is_better=None,
    source="this project",
    extractor=SEGMENTER,
    resize=SEGMENTER_RESIZE,
    compared_with=_IOU_SIDE,
    interval="none: it is a count",
    traps=("mIoU over different sets of classes is not one number: compare where this is equal.",),
)

_FSD_SOURCES = {
    "generated": (
        "the generator's own layouts",
        "none: no network is asked",
        "none",
        "the true layouts of real images",
        "FSD layouts",
    ),
    "predicted": (
        "the layouts that the segmenter sees in the images",
        SEGMENTER,
        SEGMENTER_RESIZE,
        "the segmenter's layouts of real images",
        "FSD segmented",
    ),
}
_FSD_TERMS = {
    "": (
        "Fréchet Segmentation Distance",
        "|m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)) of the classes' areas in percent of the "
        "labelled pixels, ddof 1, all K classes",
    ),
    "_mean_term": ("FSD, difference of mean areas", "|m1 - m2|^2 of the areas in percent"),
    "_covariance_term": (
        "FSD, difference of covariances",
        "Tr(S1 + S2 - 2 (S1 S2)^(1/2)) of the areas in percent",
    ),
}


def _fsd(whose: str, term: str) -> Definition:
    layouts, extractor, resize, reference, column = _FSD_SOURCES[whose]
    title, formula = _FSD_TERMS[term]
    return Definition(
        title=f"{title}, {whose} layouts",
        formula=f"{formula}; of {layouts}",
        unit="squared percent, 0 to infinity (the mean term ends at 20000)",
        higher_is_better=False,
        source="Bau et al. 2019, arXiv 1910.11626; scale of davidbau/ganseeing",
        extractor=extractor,
        resize=resize,
        compared_with=reference,
        interval=FRECHET_INTERVAL,
        bounds=NOT_NEGATIVE,
        column=None if term else Column(column, is_always_shown=True, is_corrected=True),
        controls=(NOISE, CONSTANT) if (whose, term) == ("predicted", "") else (),
        traps=(
            "Percent, no logarithm: on shares it would be 10000 times smaller, on pixel counts at "
            "256x512 1.7 million times larger.",
            "Biased upwards at small N: two halves of real data give about 8 to 11 at N = 500, "
            "see the real-vs-real row.",
            "The paper does not say whose layouts, which classes, N or reference split.",
        ),
    )


_LABELLED = Definition(
    title="Labelled images behind the layouts",
    formula="number of labelled training images that the generator's layouts were learned from",
    unit="images",
    higher_is_better=None,
    source="DatasetDDPM, Baranchuk et al. 2022, arXiv 2112.03126",
    extractor="none",
    resize="none",
    compared_with="nothing",
    interval="none: it is a setting",
    traps=(
        "Given only by generators for which it is a setting; the others saw every layout of "
        "their training set, or none.",
    ),
)

_MIOU = replace(
    _iou(
        "Mean intersection over union",
        "mean of IoU_c over the classes that either side has, from one confusion matrix over all "
        "images",
        traps=(
            "Not the mean of per-image values: for one toy these are 0.600 and 0.375.",
            "Pixels that the generated layout ignores are dropped; absent classes are not 0.",
            "None where the same segmenter made the layouts: it would agree with itself.",
        ),
    ),
    column=Column("mIoU %", is_always_shown=True),
    controls=(NOISE, CONSTANT, BLURRED),
)

IOU_DEFINITIONS: Mapping[str, Definition] = {
    "miou": _MIOU,
    "iou": _iou(
        "Intersection over union of a class",
        "M_cc / (sum_j M_cj + sum_i M_ic - M_cc), M the confusion matrix over all images, rows "
        "the generated layouts",
        traps=("NaN for a class that neither side has.",),
    ),
    "pixel_accuracy": _iou(
        "Pixel accuracy",
        "sum_c M_cc / sum M, M the confusion matrix over all images",
        traps=("Ruled by large classes: road and sky hide the loss of small ones.",),
    ),
    "iou_absent_classes": _ABSENT,
}
FSD_DEFINITIONS: Mapping[str, Mapping[str, Definition]] = {
    whose: {f"fsd_{whose}{term}": _fsd(whose, term) for term in _FSD_TERMS}
    for whose in _FSD_SOURCES
}
LABELLED_DEFINITIONS: Mapping[str, Definition] = {"labelled_images": _LABELLED}
