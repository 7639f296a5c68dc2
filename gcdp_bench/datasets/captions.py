"""Captions by the paper's template (Section 4.1), and the classes that a caption names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache

from gcdp_bench.datasets import plurals as english
from gcdp_bench.datasets.denial import denied
from gcdp_bench.datasets.scripts import stands_alone
from gcdp_bench.io.validation import match_key

TEMPLATE = "An image of an urban scene with {classes}."

UNNAMED = frozenset({"unlabeled", "unlabelled", "void", "background"})
"""Classes that no caption names."""


def plural(class_name: str) -> str:
    """Written plural of a name; see `plurals`."""
    return english.plural(class_name.lower())


def nameable(class_names: Sequence[str]) -> frozenset[int]:
    """Ids of the classes that a caption may name."""
    return frozenset(i for i, name in enumerate(class_names) if match_key(name) not in UNNAMED)


def write_caption(
    class_ids: Collection[int],
    class_names: Sequence[str],
    *,
    plurals: bool = True,
    template: str = TEMPLATE,
) -> str:
    """Caption that lists classes in the order of their ids, "a, b and c".

    Args:
        class_ids: classes to name; those that no caption names are left out.
        class_names: K names.
        plurals: "roads, buildings and people", else the names as they are.
        template: text with "{classes}".

    Raises:
        ValueError: an id outside the classes, or nothing that can be named.
    """
    for index in class_ids:
        if not 0 <= index < len(class_names):
            raise ValueError(f"class {index}: expected 0 to {len(class_names) - 1}")
    named = nameable(class_names)
    names = [class_names[i] for i in sorted(set(class_ids)) if i in named]
    words = [plural(name) for name in names] if plurals else names
    if not words:
        raise ValueError(f"classes {sorted(class_ids)}: expected at least one that can be named")
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return template.replace("{classes}", listed)


def parse_caption(
    caption: str,
    class_names: Sequence[str],
    *,
    words: Mapping[str, Sequence[str]] | None = None,
    count_denied: bool = False,
) -> frozenset[int]:
    """Ids of the classes that a caption names, in the singular or a plural.

    Names and caption are compared by `validation.match_key`: in any case, with any blanks, dashes
    or underscores between words. A name is a whole word in scripts with blanks between words;
    Korean particles, Arabic and Hebrew articles and prepositions may be joined to it. Longer names
    are found first, so "traffic light" is not read as another class's "light".

    Args:
        caption: any text.
        class_names: K names.
        words: class name -> more words for it.
        count_denied: also count what the caption denies: "no cars", "没有汽车".
    """
    text = match_key(caption)
    more = tuple((name, tuple(words[name])) for name in words) if words else ()
    found = list(_find(text, _forms(tuple(class_names), more)))
    spans = [(start, end) for start, end, _ in found]
    ignored = frozenset() if count_denied else denied(text, spans)
    return frozenset(index for place, (*_, index) in enumerate(found) if place not in ignored)


@lru_cache(maxsize=64)
def _forms(
    class_names: tuple[str, ...], words: tuple[tuple[str, tuple[str, ...]], ...]
) -> dict[str, list[tuple[str, int]]]:
    """Every text that names a class, and the class's id, by first character, the longest first; a
    name itself comes before another's plural."""
    named, more = nameable(class_names), dict(words)
    own = [[match_key(name), *map(match_key, more.get(name, ()))] for name in class_names]
    makers = (lambda name: (name,), english.plurals, _arabic_plurals, english.forms)
    forms: dict[str, int] = {}
    for make in makers:
        for index in named:
            for name in own[index]:
                for form in make(name):
                    forms.setdefault(form, index)
    forms.pop("", None)
    by_first: dict[str, list[tuple[str, int]]] = {}
    for form in sorted(forms, key=len, reverse=True):
        by_first.setdefault(form[0], []).append((form, forms[form]))
    return by_first


def _arabic_plurals(name: str) -> tuple[str, ...]:
    return (f"{name[:-1]}ات",) if name.endswith("ة") else ()


def _find(
    text: str, forms: Mapping[str, Sequence[tuple[str, int]]]
) -> Iterator[tuple[int, int, int]]:
    """(start, end, id) of every form in a text, the longest first where several begin."""
    start = 0
    while start < len(text):
        for form, index in forms.get(text[start], ()):
            if text.startswith(form, start) and stands_alone(text, start, start + len(form)):
                yield start, start + len(form), index
                start += len(form)
                break
        else:
            start += 1
