"""Fonts of figures: names of classes and captions come in every script."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

logger = logging.getLogger(__name__)

USUAL = "DejaVu Sans"  # comes with matplotlib
OTHERS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Noto Sans CJK KR",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans TC",
    "Noto Sans KR",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Source Han Sans",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans",
    "Heiti TC",
    "Apple SD Gothic Neo",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "SimHei",
    "Yu Gothic",
    "MS Gothic",
    "Malgun Gothic",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Noto Sans Thai",
    "Noto Sans Hebrew",
    "Noto Sans Ethiopic",
    "Nirmala UI",
    "Leelawadee UI",
    "Noto Sans",
    "Unifont",
)
"""Families that are asked, in this order, for characters that `USUAL` lacks."""
MAX_SHOWN = 10


def families() -> list[str]:
    """`USUAL`, and those of `OTHERS` that are installed."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [USUAL, *(name for name in OTHERS if name in installed)]


def lacking(figure: Figure, names: Sequence[str]) -> set[str]:
    """Characters of a figure's texts that no font of the families has."""
    texts = (str(text.get_text()) for text in figure.findobj(Text) if isinstance(text, Text))
    characters = {one for text in texts for one in text if one.isprintable()}
    return characters.difference(*(_characters(name) for name in names))


def say_lacking(characters: Collection[str]) -> None:
    """One sentence about characters that figures show as boxes."""
    if not characters:
        return
    shown = " ".join(sorted(characters)[:MAX_SHOWN])
    more = ", …" if len(characters) > MAX_SHOWN else ""
    logger.warning(
        "no font here has these characters of names or captions, figures show boxes: %s%s; "
        "install a font that has them, such as Noto Sans CJK, and draw again",
        shown,
        more,
    )


@cache
def _characters(name: str) -> frozenset[str]:
    """Characters of a family's font."""
    path = font_manager.findfont(font_manager.FontProperties(family=[name]))
    return frozenset(map(chr, FT2Font(path).get_charmap()))
