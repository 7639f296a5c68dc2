"""Classes that a Chinese, Japanese, Korean or Thai caption denies: 没有汽车, 車がない."""

from __future__ import annotations

import re
from collections.abc import Sequence

BEFORE = re.compile(
    r"(?:没有|沒有|(?<![淹沉埋吞出])[没沒]|并无|並無|毫无|毫無|无|無|未见|未見|不见|不見|(?:看|见|見)不[到见見]|"
    r"没[见看]到?|缺少|缺乏|不是|不存在|ไม่มี|ไร้)"
    r" ?(?:任何|其他|其它|一[辆輛个個名位只隻条條棵座艘架盏盞块塊])? ?$"
)
"""Words that deny the thing after them, and the list that it begins."""

NEVER_BEFORE = re.compile(r"(?:有|是)(?:没有|沒有|不是) ?$")
"""Questions, which only look like denials: 有没有汽车."""

BEHIND = re.compile(
    r" ?(?:"
    r"(?:たち|達|など)?(?P<particle>は|が|も|の|では|じゃ)?(?:[一1](?:台|人|本|つ|匹|頭|軒|枚|個)も)?"
    r"(?:(?:な|無)(?:い|く|し|かった)|[いお居](?:ない|なく|なかった|ません|らず)|ありません|"
    r"(?:見え|見当たら|存在し|写って(?:い)?|映って(?:い)?)(?:ない|ません|ず))"
    r"|(?:都)?(?:不存在|不可见|不可見|看不见|看不見|没有出现|沒有出現)"
    r"|들?(?:이|가|은|는|도|의)? ?(?:하나도 |전혀 )?(?:보이지 않|있지 않|없)"
    r")"
)
"""Words that deny the thing before them."""

JOINED_BEHIND = re.compile(r" ?(?:、|和|或者?|及|以及|与|與|跟|也没有|也沒有|หรือ|และ) ?")
"""Between things of a list of which the first is denied."""

JOINED_BEFORE = re.compile(r" ?(?:や|か|も|または|及び|・|(?:이나|나|도|과|와|이?랑) ) ?")
"""Between things of a list of which the last is denied."""

JOINED_BY_TO = re.compile(" ?と ?")
"""The same, but for 空と車のない道, where the sky is there."""

LOOKED_AT = 16  # characters before a thing in which a denial ends


def denied_beside(text: str, spans: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Places of the spans that are denied by what stands right before or behind them.

    Args:
        text: in the form of `validation.match_key`.
        spans: start and end of the things in it, in order, apart from each other.
    """
    reached: set[int] = set()
    for place, (start, end) in enumerate(spans):
        before = text[max(0, start - LOOKED_AT) : start]
        if BEFORE.search(before) and not NEVER_BEFORE.search(before):
            reached |= {place, *_listed(text, spans, place, 1, (JOINED_BEHIND,))}
        if found := BEHIND.match(text, end):
            joints = (
                (JOINED_BEFORE,) if found["particle"] == "の" else (JOINED_BEFORE, JOINED_BY_TO)
            )
            reached |= {place, *_listed(text, spans, place, -1, joints)}
    return frozenset(reached)


def _listed(
    text: str,
    spans: Sequence[tuple[int, int]],
    place: int,
    step: int,
    joints: Sequence[re.Pattern[str]],
) -> list[int]:
    """Places after (1) or before (-1) `place` that are joined to it."""
    found = []
    while 0 <= (other := place + step) < len(spans):
        (_, edge), (start, _) = sorted((spans[place], spans[other]))
        if not any(joint.fullmatch(text, edge, start) for joint in joints):
            break
        found.append(place := other)
    return found
