"""Finds phrases in a caption, and whether each is stated or denied."""

from __future__ import annotations

import re
from collections.abc import Iterable

NOT = frozenset({"not", "never"})
"""Deny everything up to the end of the clause."""

WITHOUT = frozenset({"no", "nor", "neither", "without", "lacks", "lacking"})
"""Deny the next phrase, or the whole list if "or" joins it."""

OR = frozenset({"or", "nor"})
PRONOUNS = frozenset({"he", "she", "they", "his", "her", "their"})
CLAUSE = PRONOUNS | {
    *("but", "while", "who", "with", "that", "although", "though"),
    *("is", "are", "has", "have", "having", "wears", "wear", "wearing", "looks"),
}
"""Begin a new clause, which a denial before it does not reach."""

ARTICLES = frozenset({"a", "an", "the", "some", "any"})


def find_phrases(caption: str, phrases: Iterable[str]) -> list[tuple[str, bool]]:
    """Phrases in the order in which the caption has them, and whether each is stated.

    Longer phrases are found first; case, articles, hyphens and a plural -s are ignored.

    Args:
        caption: any text.
        phrases: in lower case.

    Returns:
        (phrase, stated) pairs; False: denied, as in "does not wear a hat", "no hat or cap".
    """
    known = sorted(phrases, key=len, reverse=True)
    words = sorted(NOT | WITHOUT | OR | CLAUSE | {"and"}, key=len, reverse=True)
    listed = "|".join(re.escape(phrase) for phrase in known)
    pattern = rf"\b(?P<phrase>{listed})s?(?!\w)|\b(?P<word>{'|'.join(words)})\b|(?P<comma>,)"
    found = []
    for sentence in re.split(r"[.;:!?]", normalise(caption)):
        tokens = [(m["phrase"], m["word"] or m["comma"]) for m in re.finditer(pattern, sentence)]
        denied = _denied(tokens)
        found += [
            (phrase, index not in denied) for index, (phrase, _) in enumerate(tokens) if phrase
        ]
    return found


def normalise(caption: str) -> str:
    """Lower case, plain apostrophes, "n't" as "not", no hyphens and no articles."""
    text = caption.lower().replace("\u2019", "'").replace("n't", " not").replace("-", " ")
    text = text.replace("cannot", "can not")
    return " ".join(re.sub(rf"\b({'|'.join(ARTICLES)})\b", " ", text).split())


def _denied(tokens: list[tuple[str | None, str | None]]) -> set[int]:
    """Indices of the phrases that a "not" or "without" before them reaches."""
    denied: set[int] = set()
    for start, (_, word) in enumerate(tokens):
        if word in NOT:
            denied.update(_clause(tokens, start + 1))
        elif word in WITHOUT:
            denied.update(_listed(tokens, start + 1))
    return denied


def _clause(tokens: list[tuple[str | None, str | None]], start: int) -> list[int]:
    """Phrases up to the next clause; the verb right after "not" still belongs to it."""
    reached: list[int] = []
    for index in range(start, len(tokens)):
        phrase, word = tokens[index]
        if phrase:
            reached.append(index)
        elif word in CLAUSE and (reached or word in PRONOUNS):
            break
    return reached


def _listed(tokens: list[tuple[str | None, str | None]], start: int) -> list[int]:
    """The next phrase; of a list that "or" joins, all up to the one after the last "or"."""
    reached: list[int] = []
    num_denied, joined = 1, False
    for index in range(start, len(tokens)):
        phrase, word = tokens[index]
        if phrase:
            reached.append(index)
            num_denied = len(reached) if joined else num_denied
            joined = False
        elif word in OR:
            joined = True
        elif word != ",":
            break
    return reached[:num_denied]
