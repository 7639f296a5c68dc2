"""Classes that a caption denies: "no cars", "without people"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gcdp_bench.datasets.denial_asian import denied_beside

WITHOUT = frozenset({"without", "lacking", "lacks", "minus", "sans", "excluding"})
"""Deny the next thing and the whole list that it begins: "without cars, people and trees"."""

NO = frozenset({"no", "neither", "nor", "nary"})
"""Deny the next thing, and what "or", "nor" or "and" joins to it: "no people or cars"."""

NOT = frozenset({"not", "never", "cannot", "zero", "0"})
"""Deny the next thing where only words of `BETWEEN` are before it: "does not show any cars"."""

PHRASES = (
    ("free", "of"),
    ("free", "from"),
    ("devoid", "of"),
    ("empty", "of"),
    ("absence", "of"),
    ("lack", "of"),
    ("none", "of"),
    ("instead", "of"),
    ("w", "/", "o"),
    ("void", "of"),
    ("bereft", "of"),
    ("clear", "of"),
    ("absent", "of"),
)
"""Several words that deny as `WITHOUT` does."""

HARDLY = (("hardly", "any"), ("barely", "any"), ("scarcely", "any"))
"""Several words that deny as `NO` does."""

NO_DENIAL = frozenset(
    {
        "only",
        "just",
        "doubt",
        "fewer",
        "less",
        "matter",
        "parking",
        "entry",
        "stopping",
        "smoking",
        "overtaking",
        "waiting",
        "turn",
        "turns",
        "standing",
        "passing",
        "through",
        "left",
        "right",
    }
)
"""After "no" or "not": what is said is there, as in "not only cars" or a "no parking sign"."""

BETWEEN = frozenset(
    {
        "a",
        "an",
        "any",
        "the",
        "one",
        "single",
        "many",
        "much",
        "have",
        "has",
        "having",
        "contain",
        "containing",
        "contains",
        "show",
        "showing",
        "shown",
        "shows",
        "include",
        "includes",
        "including",
        "feature",
        "features",
        "see",
        "seen",
        "depict",
        "be",
        "been",
        "there",
        "visible",
        "even",
        "other",
    }
)

STOP = frozenset(
    {
        "but",
        "with",
        "while",
        "which",
        "who",
        "that",
        "although",
        "though",
        "however",
        "yet",
        "except",
        "and",
        "or",
        "is",
        "are",
        "was",
        "were",
        "has",
        "have",
        "at",
        "in",
        "on",
        "near",
        "to",
        "from",
        "by",
        "behind",
        "under",
        "over",
        "beside",
        "along",
        "into",
        "for",
        "as",
        "of",
        "because",
        "since",
        "when",
        "where",
        "there",
    }
)
"""End what a denial reaches."""

KINDS = frozenset({"sign", "signs", "trace", "traces", "kind", "kinds", "type", "types", "sort"})
"""Before "of": "no sign of people"."""

MOST_BETWEEN = 4  # words between "no" and the thing
MOST_JOINED = 2  # words between "or" and the next thing: "no cars or parked trucks"

AFTER = re.compile(
    r" (?:(?:is|are|was|were|can) not|(?:is|are|was|were|can)n't|cannot)"
    r" (?:be )?(?:visible|present|there|seen|shown|included|in sight)\b"
    r"| (?:is|are|was|were) missing\b|(?: (?:is|are|was|were))? (?:absent|nowhere)\b"
    r"| (?:do|does|did)(?: not|n't) appear\b| free(?! of| from)\b"
)
"""Words that deny the thing before them: "cars are not visible", "car free"."""

TOKEN = re.compile(r"[\w']+|[^\w\s]")

Token = int | str
"""Place of a thing in the list, or a word or sign between things."""


def denied(text: str, spans: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Places of the spans that are denied.

    Args:
        text: in the form of `validation.match_key`.
        spans: start and end of the things in it, in order, apart from each other.
    """
    tokens: list[Token] = []
    edge = 0
    for place, (start, end) in enumerate(spans):
        tokens += [*TOKEN.findall(text[edge:start]), place]
        edge = end
    tokens += TOKEN.findall(text[edge:])
    reached = {place for place, (_, end) in enumerate(spans) if AFTER.match(text, end)}
    for index in range(len(tokens)):
        reached.update(_reached(tokens, index))
    return denied_beside(text, spans) | reached


def _reached(tokens: Sequence[Token], index: int) -> list[int]:
    """Things that a denial at `index`, if there is one, denies."""
    word, after = tokens[index], tokens[index + 1 : index + 2]
    phrase = next((p for p in PHRASES if tuple(tokens[index : index + len(p)]) == p), None)
    if phrase is not None:
        return _listed(tokens, index + len(phrase), whole=True, between=None)
    if word in WITHOUT:
        return _listed(tokens, index + 1, whole=True, between=None)
    if after and after[0] in NO_DENIAL:
        return []
    if tuple(tokens[index : index + 2]) in HARDLY:
        return _listed(tokens, index + 2, whole=False, between=None)
    if word in NO:
        return _listed(tokens, index + 1, whole=False, between=None)
    if word in NOT or isinstance(word, str) and word.endswith("n't"):
        return _listed(tokens, index + 1, whole=False, between=BETWEEN)
    return []


def _listed(
    tokens: Sequence[Token], start: int, *, whole: bool, between: frozenset[str] | None
) -> list[int]:
    """The first thing from `start` on, and those that are joined to it."""
    place = start
    while place < len(tokens) and isinstance(tokens[place], str):
        word = tokens[place]
        kind = word == "of" and tokens[place - 1] in KINDS
        allowed = _is_word(word) and word not in STOP if between is None else word in between
        if not (allowed or kind) or place - start >= MOST_BETWEEN:
            return []
        place += 1
    if place == len(tokens):
        return []
    first = tokens[place]
    assert isinstance(first, int)
    reached, waiting = [first], []  # waiting: after a comma, until a word tells what joins them
    place += 1
    while place < len(tokens):
        word, place = tokens[place], place + 1
        if word == "," and tokens[place : place + 1] and tokens[place] in ("or", "nor", "and"):
            word, place = tokens[place], place + 1
        if word not in (",", "or", "nor", "and", "&", "/"):
            break
        skip = 0
        limit = MOST_JOINED if word in ("or", "nor", ",") else 0
        while skip < limit and place + skip < len(tokens) and _is_word(tokens[place + skip]):
            skip += 1
        if place + skip >= len(tokens) or not isinstance(tokens[place + skip], int):
            break
        waiting.append(tokens[place + skip])
        place += skip + 1
        if word in ("or", "nor", "/") or whole or len(waiting) == 1 and word in ("and", "&"):
            if word != ",":
                reached, waiting = [*reached, *waiting], []
    return reached


def _is_word(token: Token | None) -> bool:
    return isinstance(token, str) and token[:1].isalnum() and token not in STOP
