"""Captions of faces in the manner of Multi-Modal CelebA-HQ (Xia et al. 2021), and their reading."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.random import Generator

from gcdp_bench.datasets.faces.reading import find_phrases, normalise
from gcdp_bench.datasets.faces.vocabulary import (
    ADJECTIVES,
    ATTRIBUTE_ID,
    ATTRIBUTE_NAMES,
    CLASS_ID,
    CLASS_WORDS,
    HAS,
    IS,
    OTHER_WORDS,
    WEARS,
    WRITTEN,
)

STATED_SHARE = 0.65
"""Chance that a caption names an attribute that is true."""

MAX_STATED = 7

PHRASES: Mapping[str, tuple[str, bool]] = {
    **OTHER_WORDS,
    **{words: (name, True) for name, (_, words) in WRITTEN.items() if name != "No_Beard"},
}
"""Words -> attribute, and whether they state it; "no beard" is read as a beard denied."""


def write_caption(attributes: Mapping[int, bool], seed: int) -> str:
    """Sentences that name some of the true attributes; which, and how, the seed decides.

    A false Male makes a woman, a missing one a person. "no beard" is said of men only.

    Args:
        attributes: attribute -> whether the face has it; others are not spoken of.
        seed: of the choice of attributes and of the template.

    Raises:
        ValueError: an attribute outside the 40.
    """
    for index in attributes:
        if not 0 <= index < len(ATTRIBUTE_NAMES):
            raise ValueError(f"attribute {index}: expected 0 to {len(ATTRIBUTE_NAMES) - 1}")
    rng = np.random.default_rng(seed)
    male = attributes.get(ATTRIBUTE_ID["Male"])
    names = [ATTRIBUTE_NAMES[i] for i, true in sorted(attributes.items()) if true]
    names = [name for name in names if name in WRITTEN and (name != "No_Beard" or male)]
    said = _by_verb(_choose(names, rng))
    noun, pronoun = {True: ("man", "He"), False: ("woman", "She"), None: ("person", "")}[male]
    subject = f"{('The', 'This')[rng.integers(2)]} {noun}"
    if not said:
        return f"This is a {noun}."
    template = rng.integers(3) if pronoun else 0
    if template == 1:  # one sentence for each verb
        heads = [subject] + [pronoun] * (len(said) - 1)
        return " ".join(
            f"{head} {_predicate(verb, said[verb])}."
            for head, verb in zip(heads, said, strict=True)
        )
    if template == 2 and len(said) > 1:  # the subject, then the pronoun with the rest
        first, *rest = said
        tail = " and ".join(_predicate(verb, said[verb]) for verb in rest)
        return f"{subject} {_predicate(first, said[first])}. {pronoun} {tail}."
    return f"{subject} {' and '.join(_predicate(verb, said[verb]) for verb in said)}."


def parse_attributes(caption: str) -> dict[int, bool]:
    """Attributes that a caption speaks of: True where it states one, False where it excludes it.

    A woman is not Male, an old man is not Young, "no beard" is No_Beard. An attribute that is both
    stated and excluded is left out.
    """
    claims: dict[int, set[bool]] = {}
    text = _distribute(normalise(caption))
    for phrase, stated in find_phrases(text, PHRASES):
        name, value = PHRASES[phrase]
        claims.setdefault(ATTRIBUTE_ID[name], set()).add(value == stated)
    for pattern, value in ((r"\b(he|his|him)\b", True), (r"\b(she|her|hers)\b", False)):
        if re.search(pattern, text):
            claims.setdefault(ATTRIBUTE_ID["Male"], set()).add(value)
    return {index: values.pop() for index, values in claims.items() if len(values) == 1}


def named_classes(caption: str, *, count_denied: bool = False) -> frozenset[int]:
    """Ids of the layout classes that a caption names and does not deny, after `CLASS_WORDS`.

    A word of a pair names both: "bushy eyebrows" both eyebrows. Bald people have no hair.

    Args:
        caption: any text.
        count_denied: also count what it denies: "does not wear a hat".
    """
    named = {
        CLASS_ID[name]
        for word, stated in find_phrases(caption, CLASS_WORDS)
        if stated or count_denied
        for name in CLASS_WORDS[word]
    }
    if parse_attributes(caption).get(ATTRIBUTE_ID["Bald"]):
        named.discard(CLASS_ID["hair"])
    return frozenset(named)


def _choose(names: Sequence[str], rng: Generator) -> list[str]:
    """Some of the names, at least one if there is one, in any order."""
    order = [names[int(i)] for i in rng.permutation(len(names))]
    kept = [name for name in order if rng.random() < STATED_SHARE]
    return (kept or order[:1])[:MAX_STATED]


def _by_verb(names: Sequence[str]) -> dict[str, list[str]]:
    """Verb -> what follows it; verbs in the order of their first use."""
    said: dict[str, list[str]] = {}
    for name in names:
        verb, words = WRITTEN[name]
        said.setdefault(verb, []).append(words)
    return said


def _predicate(verb: str, items: Sequence[str]) -> str:
    """ "has A, B, and C"."""
    assert verb in (IS, HAS, WEARS)
    listed = items[0] if len(items) == 1 else f"{', '.join(items[:-1])}, and {items[-1]}"
    return f"{verb} {listed}"


def _distribute(text: str) -> str:
    """Give each of several adjectives its noun: "brown, wavy hair" -> "brown hair, wavy hair"."""
    for noun, adjectives in ADJECTIVES.items():
        one = rf"(?:{'|'.join(sorted(adjectives, key=len, reverse=True))})"
        between = r"(?:\s*,?\s*(?:and|or)\s+|\s*,\s*|\s+)"
        several = rf"{one}(?:{between}(?:{one}|long|short))*"
        text = re.sub(
            rf"\b((?:(?:long|short){between})*{several})\s+{noun}\b",
            lambda m, one=one, noun=noun: _each(m[1], one, noun),
            text,
        )
        text = re.sub(
            rf"\b{noun} (?:is|are) ((?:not )?)({several})\b",
            lambda m, one=one, noun=noun: m[1] + _each(m[2], one, noun),
            text,
        )
    return text


def _each(adjectives: str, one: str, noun: str) -> str:
    joiner = " or " if re.search(r"\bor\b", adjectives) else ", "
    return joiner.join(f"{word} {noun}" for word in re.findall(rf"\b{one}\b", adjectives))
