"""English singulars and plurals of names of classes, for writing captions and for reading them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

IRREGULAR: Mapping[str, tuple[str, ...]] = {
    "person": ("people", "persons"),
    "sky": ("sky", "skies"),
    "vegetation": ("vegetation", "vegetations"),
    "terrain": ("terrain", "terrains"),
    "bus": ("buses", "busses"),
    "gas": ("gases", "gasses"),
    "man": ("men",),
    "woman": ("women",),
    "child": ("children",),
    "foot": ("feet",),
    "tooth": ("teeth",),
    "goose": ("geese",),
    "mouse": ("mice",),
    "louse": ("lice",),
    "ox": ("oxen", "oxes"),
    "die": ("dice", "dies"),
    "quiz": ("quizzes",),
    "roof": ("roofs", "rooves"),
    "ovum": ("ova",),
    "datum": ("data",),
    "septum": ("septa", "septums"),
    "stratum": ("strata",),
    "bacterium": ("bacteria",),
    "cilium": ("cilia",),
    "medium": ("media", "mediums"),
    "ganglion": ("ganglia", "ganglions"),
    "criterion": ("criteria",),
    "phenomenon": ("phenomena",),
    "mitochondrion": ("mitochondria",),
    "lens": ("lenses",),
    "iris": ("irises", "irides"),
    "passerby": ("passersby",),
}
"""Plurals that the rules miss; the first is written, all are read. A mass noun is its own."""

ENDINGS = ("man", "woman", "child", "person", "foot", "tooth", "mouse", "goose")
"""Words that compounds end in: policeman, grandchild, salesperson, dormouse."""

REGULAR_AFTER_ALL = frozenset(
    {"human", "german", "roman", "norman", "ottoman", "talisman", "shaman", "caiman", "cayman",
     "mongoose", "ataman", "brahman", "hetman", "burman"}
)  # fmt: skip
"""Words that only look like those compounds."""

VES = frozenset(
    {"calf", "half", "knife", "leaf", "life", "loaf", "scarf", "self", "sheaf", "shelf", "thief",
     "wife", "wolf", "elf", "hoof", "wharf", "dwarf"}
)  # fmt: skip
"""Words in -f and -fe whose plural is written with -ves, and compounds that end in them."""

OES = frozenset(
    {"potato", "tomato", "hero", "echo", "torpedo", "veto", "mosquito", "mango", "tornado",
     "volcano", "buffalo", "domino", "cargo", "embargo"}
)  # fmt: skip
"""Words in -o whose plural is written with -oes."""

HARD_CH = frozenset({"stomach", "monarch", "epoch", "loch", "eunuch", "patriarch", "matriarch"})
"""Words in -ch that take -s."""

UNCHANGED = ("sheep", "deer", "fish", "moose", "bison", "salmon", "trout", "swine", "squid",
             "shrimp", "craft", "series", "species", "offspring")  # fmt: skip
"""Words, and endings of words, whose plural is the word itself."""

ONLY_PLURAL = frozenset(
    {"glasses", "eyeglasses", "sunglasses", "clothes", "scissors", "trousers", "pants", "jeans",
     "shorts", "goggles", "news", "series", "species", "headquarters", "binoculars", "pliers",
     "tongs", "tweezers", "pyjamas", "pajamas", "goods", "means"}
)  # fmt: skip
"""Words in -s that have no singular: "a glass" is no glasses."""

NO_PLURAL = frozenset(
    {"lens", "canvas", "atlas", "pancreas", "bias", "alias", "biceps", "triceps", "chaos", "cosmos",
     "rhinoceros", "asbestos", "thermos", "specimen", "abdomen", "stamen", "regimen", "lumen",
     "foramen", "omen", "cerumen", "bitumen", "acumen", "semen", "pumice", "mathematics",
     "physics", "gymnastics", "athletics"}
)  # fmt: skip
"""Words that only look like plurals."""

SINGULARS: Mapping[str, str] = {
    form: word for word, forms in IRREGULAR.items() for form in forms if form != word
} | {("".join((word.removesuffix("fe").removesuffix("f"), "ves"))): word for word in VES}

HEAD = re.compile(
    r"(?P<head>.+?)(?P<rest>"
    r"[ _-](?:of|in|on|with|for|from|at|to)[ _-].+|(?:(?<=er)|(?<=ers))[ _-]by|\s?[(,;/\[].*)"
)
"""A name whose plural is that of its beginning: "traffic sign (front)", "bag of chips",
"mother-in-law", "passer by"."""

WORDS = re.compile(r"(?P<head>.*[ _-])?(?P<last>.*)", re.DOTALL)


def plural(name: str) -> str:
    """Plural that captions are written with; a name that is no word of Latin letters is its own."""
    return plurals(name)[0]


def plurals(name: str) -> tuple[str, ...]:
    """Plurals of a name in lower case: the written one first, then others that are read."""
    parts = HEAD.fullmatch(name)
    if parts and any(map(str.isalpha, parts["head"])):
        return tuple(form + parts["rest"] for form in plurals(parts["head"]))
    head, last = _split(name)
    if not _is_latin(last):
        return (name,)
    forms = [head + form for form in _of_word(last)]
    if re.fullmatch(r"(?:wo)?man[ _-]", head):  # women drivers
        forms += [IRREGULAR[head[:-1]][0] + head[-1] + form for form in _of_word(last)]
    return tuple(dict.fromkeys(forms))


def singulars(name: str) -> tuple[str, ...]:
    """Singulars of a name in lower case that is a plural: "trees", "people"; none if it is not."""
    parts = HEAD.fullmatch(name)
    if parts and any(map(str.isalpha, parts["head"])):
        return tuple(form + parts["rest"] for form in singulars(parts["head"]))
    head, last = _split(name)
    return tuple(head + form for form in _singulars_of_word(last))


def _split(name: str) -> tuple[str, str]:
    """Everything up to the last word, and the last word."""
    parts = WORDS.fullmatch(name)
    assert parts is not None
    return parts["head"] or "", parts["last"]


def _is_latin(word: str) -> bool:
    return word[-1:].isalpha() and unicodedata.name(word[-1], "").startswith("LATIN")


def _of_word(word: str) -> tuple[str, ...]:
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word in ONLY_PLURAL or _singulars_of_word(word):
        return (word,)
    if word not in REGULAR_AFTER_ALL:
        for ending in ENDINGS:
            if word.endswith(ending):
                return tuple(word.removesuffix(ending) + form for form in IRREGULAR[ending])
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
    if word.endswith("ium"):
        return f"{word}s", f"{word[:-2]}a"
    if word.endswith("eau"):
        return f"{word}s", f"{word}x"
    if word.endswith("oma"):
        return f"{word}s", f"{word}ta"
    if word.endswith("a"):
        return f"{word}s", f"{word}e"
    return (f"{word}s",)


def _singulars_of_word(word: str) -> tuple[str, ...]:
    if word in SINGULARS:
        return (SINGULARS[word],)
    if word in ONLY_PLURAL or word in NO_PLURAL or len(word) < 4:
        return ()
    for ending in ENDINGS:
        for form in IRREGULAR[ending]:
            if word.endswith(form) and word != form:
                return (word.removesuffix(form) + ending,)
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y", word[:-1]
    if word.endswith("ves"):
        return f"{word[:-3]}f", f"{word[:-3]}fe", word[:-1]
    if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
        return word[:-2], word[:-1]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return (word[:-1],)
    return ()
