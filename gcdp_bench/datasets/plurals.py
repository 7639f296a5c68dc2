"""English singulars and plurals of names of classes, for writing captions and for reading them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from gcdp_bench.datasets.plural_words import (
    CLASSICAL,
    ENDINGS,
    ENGLISH_FIRST,
    HARD_CH,
    IRREGULAR,
    IS,
    NO_PLURAL,
    OE,
    OES,
    ONLY_PLURAL,
    REGULAR_AFTER_ALL,
    UNCHANGED,
    VES,
)

HEADS = (
    re.compile(
        r"(?P<head>.+?)"
        r"(?P<rest>(?:[ _-](?:of|in|on|with|for|from|at|to)[ _-].+|\s?[(,;/\[].*))"
    ),
    re.compile(r"(?P<head>.*ers?)(?P<rest>[ _-](?:by|up|on))"),
    re.compile(r"(?P<head>(?:attorney|secretary|governor|surgeon|consul)s?)(?P<rest>[ _-]general)"),
)
"""Names whose plural is that of their beginning: "traffic sign (front)", "bag of chips",
"mother-in-law", "runner up", "attorney general"."""

WORDS = re.compile(r"(?P<head>.*[ _-])?(?P<last>.*)", re.DOTALL)

PERHAPS = (("ae", "a"), ("i", "us"), ("ices", "ex"), ("ices", "ix"), ("ses", "sis"))
"""Endings of words that may be plurals, and of their singulars: read, and not relied upon."""


def plural(name: str) -> str:
    """Plural that captions are written with; a name that is no word of Latin letters is its own."""
    return plurals(name)[0]


def forms(name: str) -> tuple[str, ...]:
    """All that means a name in lower case: itself, its plurals, its singulars and their plurals."""
    ones = singulars(name)
    others = [form for one in ones for form in plurals(one)]
    return tuple(dict.fromkeys([name, *plurals(name), *ones, *others]))


def plurals(name: str) -> tuple[str, ...]:
    """Plurals of a name in lower case: the written one first, then others that are read."""
    if parts := _headed(name):
        return tuple(form + parts[1] for form in plurals(parts[0]))
    head, last = _split(name)
    if not _is_latin(last):
        return (name,)
    found = [head + form for form in _of_word(last)]
    if re.fullmatch(r"(?:wo)?man[ _-]", head):  # women drivers
        found += [IRREGULAR[head[:-1]][0] + head[-1] + form for form in _of_word(last)]
    return tuple(dict.fromkeys(found))


def singulars(name: str) -> tuple[str, ...]:
    """Singulars of a name in lower case that may be a plural: "trees", "nuclei"; else none."""
    if parts := _headed(name):
        return tuple(form + parts[1] for form in singulars(parts[0]))
    head, last = _split(name)
    found = _singulars_of_word(last)
    if last not in SINGULARS and last not in ONLY_PLURAL and len(last) > 4:
        found += tuple(
            last.removesuffix(many) + one
            for many, one in PERHAPS
            if last.endswith(many) and len(last) > len(many) + 2
        )
    return tuple(head + form for form in found)


def _headed(name: str) -> tuple[str, str] | None:
    """The part of a name that has the plural, and the rest; None: its last word has it."""
    for pattern in HEADS:
        parts = pattern.fullmatch(name)
        if parts and any(map(str.isalpha, parts["head"])):
            return parts["head"], parts["rest"]
    return None


def _split(name: str) -> tuple[str, str]:
    """Everything up to the last word, and the last word."""
    parts = WORDS.fullmatch(name)
    assert parts is not None
    return parts["head"] or "", parts["last"]


def _is_latin(word: str) -> bool:
    return word[-1:].isalpha() and unicodedata.name(word[-1], "").startswith("LATIN")


def _of_word(word: str) -> tuple[str, ...]:
    if word in PLURALS:
        return PLURALS[word]
    if word in ONLY_PLURAL or _singulars_of_word(word):
        return (word,)
    if word not in REGULAR_AFTER_ALL:
        for ending in ENDINGS:
            if word.endswith(ending):
                stem = word.removesuffix(ending)
                return (*(stem + form for form in IRREGULAR[ending]), *_regular(word))
    if word.endswith(UNCHANGED):
        return word, _regular(word)[0]
    return _regular(word)


def _regular(word: str) -> tuple[str, ...]:
    """Plurals by the rules of spelling; where usage differs, all spellings."""
    if word.endswith(tuple(VES)):
        return word.removesuffix("fe").removesuffix("f") + "ves", f"{word}s"
    if word.endswith("o") and word[-2:-1] not in "aeiou":
        both = f"{word}es", f"{word}s"
        return both if word.endswith(tuple(OES)) else both[::-1]
    if word.endswith("y") and (word[-2:-1] not in "aeiou" or word.endswith("quy")):
        return (f"{word[:-1]}ies",)
    if word.endswith("ch") and word in HARD_CH:
        return f"{word}s", f"{word}es"
    if word.endswith(("sis", "xis")):
        return f"{word[:-2]}es", f"{word}es"
    if word.endswith("us") and len(word) > 4:
        return f"{word}es", f"{word[:-2]}i"
    if word.endswith(("ix", "ex")):
        return f"{word}es", f"{word[:-2]}ices"
    if word.endswith("z") and not word.endswith("zz"):
        return f"{word}es", f"{word}zes"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return (f"{word}es",)
    if word.endswith("um") and len(word) > 4:
        return f"{word}s", f"{word[:-2]}a"
    if word.endswith("eau"):
        return f"{word}s", f"{word}x"
    if word.endswith("oma"):
        return f"{word}s", f"{word}ta"
    if word.endswith("a"):
        return f"{word}s", f"{word}e"
    return (f"{word}s",)


def _singulars_of_word(word: str) -> tuple[str, ...]:
    """Singulars of a word that is a plural for sure, none of another."""
    known = SINGULARS.get(word, ())
    if known and not word.endswith(("ses", "xes")):  # "bases" is of "basis" and of "base"
        return known
    return tuple(dict.fromkeys([*known, *(form for form in _by_rule(word) if len(form) > 2)]))


def _by_rule(word: str) -> tuple[str, ...]:
    if word in ONLY_PLURAL or word in NO_PLURAL or len(word) < 4:
        return ()
    for ending in ENDINGS:
        for form in IRREGULAR[ending]:
            if word.endswith(form) and word != form:
                return (word.removesuffix(form) + ending,)
    if word.endswith("omata"):
        return (word[:-2],)
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y", word[:-1]
    if word.endswith("ves"):
        stem = word.removesuffix("ves")
        return tuple(f for f in (f"{stem}f", f"{stem}fe") if f.endswith(tuple(VES))) or (word[:-1],)
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
        return word[:-2], word[:-1]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return (word[:-1],)
    return ()


def _irregular() -> dict[str, tuple[str, ...]]:
    """Words of the tables -> their plurals, the written one first."""
    found = dict(IRREGULAR)
    for (one, many), stems in CLASSICAL.items():
        for stem in stems.split():
            word, classical = stem + one, stem + many
            regular = _regular(word)
            both = (*regular, classical) if word in ENGLISH_FIRST else (classical, *regular)
            found[word] = tuple(dict.fromkeys(both))
    found |= {word: _regular(word) for word in sorted(VES)}
    return found | {word: (f"{word}s",) for word in sorted(IS | OE)}


def _inverse(table: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for word, several in table.items():
        for form in several:
            if form != word:
                found[form] = (*found.get(form, ()), word)
    return found


PLURALS: Mapping[str, tuple[str, ...]] = _irregular()
SINGULARS: Mapping[str, tuple[str, ...]] = _inverse(PLURALS)
