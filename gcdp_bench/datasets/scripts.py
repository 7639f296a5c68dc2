"""Word boundaries in scripts with and without blanks between words."""

from __future__ import annotations

import re
import unicodedata

AFFIXES = {
    "Hangul": (
        "",
        "들?(?:은|는|이|가|을|를|의|에|에서|에는|에도|에서는|와|과|와는|과는|도|로|으로|만|까지"
        "|부터|보다|처럼|마다|나|이나|랑|이랑|하고|께|에게|한테|이다|이고|이며|인|입니다)?",
    ),
    "Arabic": ("(?:[وف]?[بكل]?(?:ال)?|[وف]?لل)", "(?:ات|ان|ين|ون|ها|های)?"),
    "Hebrew": ("[ושהבכלמ]{0,3}", ""),
}
"""Affixes that a word may have besides a name: articles, prepositions, particles, plurals."""

UNSPACED = "unspaced"

SCRIPTS = (
    (0x0590, 0x05FF, "Hebrew"),
    (0x0600, 0x06FF, "Arabic"),
    (0x0750, 0x077F, "Arabic"),
    (0x0E00, 0x0FFF, UNSPACED),  # Thai, Lao, Tibetan
    (0x1000, 0x109F, UNSPACED),  # Burmese
    (0x1100, 0x11FF, "Hangul"),
    (0x1780, 0x17FF, UNSPACED),  # Khmer
    (0x1B00, 0x1B7F, UNSPACED),  # Balinese
    (0x3005, 0x3007, UNSPACED),
    (0x3040, 0x312F, UNSPACED),  # kana, bopomofo
    (0x31A0, 0x31FF, UNSPACED),
    (0x3400, 0x9FFF, UNSPACED),  # Chinese characters
    (0xA980, 0xA9DF, UNSPACED),  # Javanese
    (0xAC00, 0xD7AF, "Hangul"),
    (0xF900, 0xFAFF, UNSPACED),
    (0x20000, 0x3FFFF, UNSPACED),
)
"""Ranges of characters of the scripts that need more than blanks between words."""

LONGEST_AFFIX = 8  # characters that are looked at on either side


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is a word, or a word with affixes of its script.

    A script without blanks between words has no edges, but a sign that combines with the last
    character belongs to it. Next to another script every edge is one.

    Args:
        text: in the form of `validation.match_key`.
        start: of a part that is not empty.
        end: behind it.
    """
    prefix, _ = AFFIXES.get(_script(text[start]), ("", ""))
    _, suffix = AFFIXES.get(_script(text[end - 1]), ("", ""))
    before, after = _joined(text, start - 1, -1), _joined(text, end, 1)
    return bool(re.fullmatch(prefix, before) and re.fullmatch(suffix, after))


def _joined(text: str, place: int, step: int) -> str:
    """Letters from `place` on, to the right (1) or the left (-1), that continue the word."""
    inside = text[place - step]
    letters = ""
    if not _is_letter(inside):
        return letters
    while 0 <= place < len(text) and len(letters) < LONGEST_AFFIX and _is_letter(text[place]):
        combines = step == 1 and not letters and _is_mark(text[place])
        if UNSPACED in (_script(text[place]), _script(inside)) and not combines:
            break
        letters += text[place]
        place += step
    return letters[::step]


def _is_letter(character: str) -> bool:
    return character.isalnum() or _is_mark(character)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _script(character: str) -> str:
    code = ord(character)
    return next((name for low, high, name in SCRIPTS if low <= code <= high), "other")
