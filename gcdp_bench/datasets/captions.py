"""Captions by the paper's template (Section 4.1), and the classes that a caption names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

TEMPLATE = "An image of an urban scene with {classes}."

PLURALS = {
    "person": ("people", "persons"),
    "sky": ("sky", "skies"),
    "vegetation": ("vegetation", "vegetations"),
    "terrain": ("terrain", "terrains"),
    "bus": ("buses", "busses"),
}
"""Plurals that the rule misses; the first is written, all are read. A mass noun is its own."""

UNNAMED = frozenset({"unlabeled", "void", "background"})
"""Classes that no caption names."""


def plural(class_name: str) -> str:
    """Written plural: the table's, else -s, -es after a sibilant, -ies for -y after a consonant."""
    return _plurals(class_name.lower())[0]


def nameable(class_names: Sequence[str]) -> frozenset[int]:
    """Ids of the classes that a caption may name."""
    return frozenset(i for i, name in enumerate(class_names) if name.lower() not in UNNAMED)


def write_caption(
    class_ids: Collection[int], class_names: Sequence[str], *, plurals: bool = True
) -> str:
    """Caption that lists classes in the order of their ids, "a, b and c".

    Args:
        class_ids: classes to name; those that no caption names are left out.
        class_names: K names.
        plurals: "roads, buildings and people", else the names as they are.

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
    return TEMPLATE.format(classes=listed)


def parse_caption(caption: str, class_names: Sequence[str]) -> frozenset[int]:
    """Ids of the classes that a caption names, in the singular or a plural, in any case.

    Longer names are found first, so "traffic light" is not read as another class's "light".
    """
    forms = {
        form: index
        for index, name in enumerate(class_names)
        if name.lower() not in UNNAMED
        for form in (name.lower(), *_plurals(name.lower()))
    }
    if not forms:
        return frozenset()
    ordered = sorted(forms, key=len, reverse=True)
    pattern = r"\b(" + "|".join(re.escape(form) for form in ordered) + r")\b"
    return frozenset(forms[found] for found in re.findall(pattern, caption.lower()))


def _plurals(name: str) -> tuple[str, ...]:
    if name in PLURALS:
        return PLURALS[name]
    *_, last = name.split()
    if last in PLURALS and last != name:
        head = name[: -len(last)]
        return tuple(head + form for form in PLURALS[last])
    if name.endswith(("s", "x", "z", "ch", "sh")):
        return (f"{name}es",)
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return (f"{name[:-1]}ies",)
    return (f"{name}s",)
