"""Does the image show what its caption asks for? Semantic Recall, CLIP score, attribute recall."""

from __future__ import annotations

from collections.abc import Mapping

from gcdp_bench.metrics.definitions.definition import (
    CONSTANT,
    NOISE,
    NOT_NEGATIVE,
    SHARE,
    SHUFFLED,
    Column,
    Curve,
    Definition,
)

SEGMENTER = "a segmenter (HRNet): trained on the dataset's family, or HRNet-W48 of Cityscapes"
SEGMENTER_RESIZE = "as the row's `resizer` says: native, or enlarged before the network"
CLASSIFIER = "attribute classifier of `gcdp-bench train attributes`"
CLIP = "CLIP: the dataset's small one, or ViT-L/14-336 (the paper's)"

_CAPTION_SIDE = (
    "the classes that the sample's caption names; baseline: real images with shuffled captions "
    "(real-shuffled); upper bound: real images with their own (real-own)"
)
_MEAN_INTERVAL = (
    "totals: bounded (Bayesian bootstrap over samples with half an imagined sample at the bound); "
    "per class: Wilson's score interval"
)

AREAS = {
    "": "1 pixel",
    "@0.01%": "0.01 % of the image",
    "@0.1%": "0.1 % of the image",
    "@1%": "1 % of the image",
}
"""Suffix of Semantic Recall and its company -> least area at which a class is found."""

READING = (
    'what captions deny ("no cars") is not prompted unless the dataset says so; irregular plurals, '
    "names with brackets or underscores, accents of both forms and scripts without blanks are found"
)
"""Change of every metric that depends on which classes a caption names."""

_AREA_TRAP = (
    "One stray pixel counts as found at the paper's definition; the suffixes @0.01%, @0.1% and "
    "@1% ask for more."
)
_CLASSES_TRAP = "Only classes that some caption of the split names take part."


def _semantic_recall(suffix: str) -> Definition:
    return Definition(
        title=f"Semantic Recall, classes of at least {AREAS[suffix]}",
        formula="mean over samples of |found and asked| / |asked|; per class: share of the "
        f"captions naming it whose image shows it. Found: at least {AREAS[suffix]}",
        unit="share, 0 to 1 (tables print percent)",
        higher_is_better=True,
        source="Park et al. 2023, Section 4.3"
        + ("" if not suffix else " (there with 1 pixel; the larger area is ours)"),
        extractor=SEGMENTER,
        resize=SEGMENTER_RESIZE,
        compared_with=_CAPTION_SIDE,
        interval=_MEAN_INTERVAL,
        bounds=SHARE,
        changes=(READING,),
        percent=True,
        column=None if suffix else Column("Sem. recall %", is_always_shown=True),
        curve=None if suffix else Curve("Semantic Recall (%)", 0.5, "fid-semantic-recall"),
        controls=() if suffix else (NOISE, CONSTANT, SHUFFLED),
        traps=(
            "Painting every class everywhere gives 1: read semantic_precision beside it.",
            _AREA_TRAP,
            "Mean over samples, not pooled pairs nor the mean of classes: for one toy these are "
            "0.75, 0.667 and 0.5.",
            "Limited by the segmenter: real images do not reach 1, see semantic_recall_of_ceiling.",
        ),
    )


def _semantic_precision(suffix: str) -> Definition:
    return Definition(
        title=f"Semantic Precision, classes of at least {AREAS[suffix]}",
        formula="mean over samples of |found and asked| / |found|; per class: share of the images "
        f"showing it whose caption names it. Found: at least {AREAS[suffix]}",
        unit="share, 0 to 1 (tables print percent)",
        higher_is_better=True,
        source="this project, as the counterpart of Semantic Recall",
        extractor=SEGMENTER,
        resize=SEGMENTER_RESIZE,
        compared_with=_CAPTION_SIDE,
        interval=_MEAN_INTERVAL,
        bounds=SHARE,
        changes=(READING,),
        percent=True,
        column=None if suffix else Column("Sem. precision %", is_always_shown=True),
        traps=(
            "Captions that list every class of the image make an unnamed class a mistake; captions "
            "written by people do not.",
            _CLASSES_TRAP,
        ),
    )


def _false_detection(suffix: str) -> Definition:
    return Definition(
        title=f"False-detection rate, classes of at least {AREAS[suffix]}",
        formula="per class: share of the captions not naming it whose image shows it; total: mean "
        f"over classes. Found: at least {AREAS[suffix]}",
        unit="share, 0 to 1 (tables print percent)",
        higher_is_better=False,
        source="this project, as the counterpart of Semantic Recall",
        extractor=SEGMENTER,
        resize=SEGMENTER_RESIZE,
        compared_with=_CAPTION_SIDE,
        interval=_MEAN_INTERVAL,
        bounds=SHARE,
        changes=(READING,),
        percent=True,
        column=None if suffix else Column("false detection %", is_always_shown=True),
        traps=(
            "A class that every caption names has none and is left out of the mean.",
            "Holds the segmenter's own mistakes: compare with real-own.",
        ),
    )


_SHARE_OF_REAL = Definition(
    title="Semantic Recall as a share of that of real images",
    formula="semantic_recall / semantic_recall of real images with their own captions, by the same "
    "extractor",
    unit="share of what real images reach, about 0 to 1; can exceed 1",
    higher_is_better=True,
    source="this project",
    extractor=SEGMENTER,
    resize=SEGMENTER_RESIZE,
    compared_with="the real-own row of the same extractor and the same captions",
    interval="that of semantic_recall, divided by the value of real images, whose own is not in it",
    bounds=NOT_NEGATIVE,
    changes=(READING,),
    traps=("A segmenter that detects little makes both sides small: read the row real-own too.",),
)

_CLIP_FORMULAS = {
    "clip-cos": ("CLIP score, raw cosine", "mean of cos(image, caption)", "cosine, -1 to 1"),
    "clip-x100": (
        "CLIP score, times 100",
        "100 times the mean of cos(image, caption), not clipped at 0",
        "cosine times 100, -100 to 100",
    ),
    "clip-w2.5": (
        "CLIPScore of Hessel et al.",
        "mean of 2.5 max(cos(image, caption), 0)",
        "0 to 2.5",
    ),
}
_CLIP_SOURCES = {
    "clip-cos": "Radford et al. 2021, arXiv 2103.00020 (embedding)",
    "clip-x100": "torchmetrics' convention; Hessel et al. 2021, arXiv 2104.08718 (idea)",
    "clip-w2.5": "Hessel et al. 2021, arXiv 2104.08718",
}


def _clip(metric: str) -> Definition:
    title, formula, unit = _CLIP_FORMULAS[metric]
    return Definition(
        title=title,
        formula=formula,
        unit=unit,
        higher_is_better=True,
        source=_CLIP_SOURCES[metric],
        extractor=CLIP,
        resize="ViT-L/14-336: CLIP's own preprocessing (336, bicubic, centre crop); the small one: "
        "the size it was trained at",
        compared_with="the sample's own caption, raw text without a prefix; baseline and bound as "
        "for Semantic Recall",
        interval="basic bootstrap over samples",
        column=Column("CLIP score", is_always_shown=True) if metric == "clip-x100" else None,
        curve=Curve("CLIP score", 0.0, "fid-clip") if metric == "clip-x100" else None,
        controls=(NOISE, CONSTANT) if metric == "clip-x100" else (),
        traps=(
            "The same cosine of 0.25 is 0.25, 25 or 0.625: name the convention and the network.",
            "Hessel's program writes 'A photo depicts' before the text and uses ViT-B/32; the "
            "paper states neither its factor nor its text.",
            "Text beyond the encoder's length is not read: see clip_long_captions.",
        ),
    )


_LONG = Definition(
    title="Captions longer than CLIP reads",
    formula="number of captions with more tokens than the text encoder takes (77, start and end "
    "included, for ViT-L/14-336)",
    unit="captions, 0 to N",
    higher_is_better=None,
    source="this project",
    extractor=CLIP,
    resize="none",
    compared_with="nothing",
    interval="none: it is a count",
    traps=("The CLIP scores of these captions are of their beginnings.",),
)

_ATTRIBUTE_FORMULAS = {
    "attribute_recall": (
        "Attribute recall",
        "mean over samples of the share of the named attributes that the image confirms (asked "
        "for and seen, or excluded and not seen); per attribute: share of the captions naming it",
        True,
    ),
    "attribute_precision": (
        "Attribute precision",
        "mean over samples of the share of the seen attributes that the caption asks for",
        True,
    ),
    "attribute_false_detection": (
        "Attributes seen but not prompted",
        "mean over samples of the share of the attributes not prompted that are seen",
        False,
    ),
}


def _attribute(metric: str) -> Definition:
    title, formula, higher = _ATTRIBUTE_FORMULAS[metric]
    own = metric == "attribute_recall"
    return Definition(
        title=title,
        formula=formula,
        unit="share, 0 to 1 (tables print percent)",
        higher_is_better=higher,
        source="Park et al. 2023, Figure 1 (no formula is printed; this one is Semantic Recall's)"
        if own
        else "this project, as the counterpart of attribute recall",
        extractor=CLASSIFIER,
        resize="to the classifier's size",
        compared_with="the attributes that the sample's caption names",
        interval=_MEAN_INTERVAL,
        bounds=SHARE,
        percent=True,
        column=Column("attribute recall %") if own else None,
        controls=(SHUFFLED,) if own else (),
        traps=(
            "Only attributes that the captions name, and that the classifier was found to "
            "recognise, take part.",
            "A caption may be silent about something true: read precision and false "
            "detections beside those of real images.",
        ),
    )


RECALL_DEFINITIONS: Mapping[str, Definition] = {
    **{f"semantic_recall{suffix}": _semantic_recall(suffix) for suffix in AREAS},
    "semantic_recall_of_ceiling": _SHARE_OF_REAL,
    **{f"semantic_precision{suffix}": _semantic_precision(suffix) for suffix in AREAS},
    **{f"false_detection_rate{suffix}": _false_detection(suffix) for suffix in AREAS},
}
CLIP_DEFINITIONS: Mapping[str, Definition] = {
    **{metric: _clip(metric) for metric in _CLIP_FORMULAS},
    "clip_long_captions": _LONG,
}
ATTRIBUTE_DEFINITIONS: Mapping[str, Definition] = {
    metric: _attribute(metric) for metric in _ATTRIBUTE_FORMULAS
}
