"""Names by which evaluating networks are chosen; nothing heavy is imported."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from gcdp_bench.core.plugins import EXTRACTORS, named

HRNET = "hrnet-w48-cityscapes"
NATIVE = "native"
CONFIGURED = "1024x2048"
"""Size at which the configuration `fcn_hr48_*_cityscapes-512x1024` tests."""
BOX = r"([1-9]\d*)x([1-9]\d*)"

FidProtocol = Literal["tf1", "clean", "torch"]
FID_PROTOCOLS: tuple[FidProtocol, ...] = get_args(FidProtocol)
FeatureProtocol = Literal["hrnet", "tf1", "clean", "torch", "dinov2", "cmmd"]
FEATURE_PROTOCOLS: tuple[FeatureProtocol, ...] = get_args(FeatureProtocol)

DEFAULT_FEATURES: Mapping[str, tuple[FeatureProtocol, ...]] = {
    "pretrained": ("hrnet",),
    "standard": ("tf1",),
}
"""Kind of the evaluating networks -> features that are compared unless told otherwise."""


def check_features(names: tuple[str, ...]) -> None:
    """Refuse what is no feature protocol, of the benchmark or of an installed package.

    Raises:
        ValueError: the nearest name and all names are given.
    """
    unknown = [name for name in names if name not in FEATURE_PROTOCOLS]
    known = [*FEATURE_PROTOCOLS, *(named(EXTRACTORS) if unknown else ())]
    unknown = [name for name in unknown if name not in known]
    if unknown or not names:
        near = difflib.get_close_matches(unknown[0], known, n=1) if unknown else []
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"features: expected some of {', '.join(known)}, got "
            f"{', '.join(unknown) or 'none'}{hint}"
        )


def split_resize(text: str) -> tuple[str, str]:
    """ "NAME@native" to (NAME, "native"); without a size, that of mmseg's configuration."""
    name, _, resize = text.rpartition("@")
    if name and (resize == NATIVE or re.fullmatch(BOX, resize)):
        return name, resize
    return text, CONFIGURED


def check_segmenter(text: str, *others: str) -> None:
    """Refuse a segmenter that is neither a name nor a place.

    Args:
        text: name, folder or file; a size may be appended.
        others: that stand for something too.

    Raises:
        ValueError: says what may be given.
    """
    name, _ = split_resize(text)
    if name in (HRNET, *others) or Path(name).exists():
        return
    near = difflib.get_close_matches(name, (HRNET, *others), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"--segmenter: expected the folder of a trained segmenter, a checkpoint of OpenMMLab, or "
        f"{HRNET} (@native or @HEIGHTxWIDTH appended), got {text!r}, where nothing is{hint}"
    )
