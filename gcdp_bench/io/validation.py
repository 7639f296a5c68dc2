"""Text from files and from the user: read, parsed and checked before anything is made of it."""

from __future__ import annotations

import codecs
import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MAX_CAPTION = 10_000
"""Characters; longer texts are refused, since the cost of reading them grows with their length."""

MAX_ID = 200
"""Bytes of a name in UTF-8: with a suffix it still is a file name everywhere."""

MAX_DEPTH = 64
"""Deepest nesting of lists and tables in JSON."""

SHOWN = 80
"""Characters of a bad value that a message repeats."""

MAX_PROBLEMS = 12
"""Problems of one file that a message lists."""

SPACES = "\t\n\r"  # the control characters that a caption may have
ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursors
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c)"  # titles and links
    r"|\x1b[ -/]*[0-~]",  # the others
    re.DOTALL,
)
SEPARATING = "_\u2212\u200b\u200c"  # minus sign, and the blanks that have no width
UNSEEN = re.compile(  # Hebrew points, Arabic vowel signs, variants of signs
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670\ufe00-\ufe0f]"
)
APOSTROPHES, ALEFS = "\u2019\u02bc", "\u0622\u0623\u0625\u0671"
ALIKE = dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(ALEFS, "\u0627")
UNSAFE = re.compile(r"[^\w ()+,=@.-]|^\.+")


def read_text(path: Path) -> str:
    """Text of a UTF-8 file.

    A byte order mark at its start is left out; line ends of every system become "\\n".

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is not UTF-8; the message names it.
    """
    content = path.read_bytes()
    if wide := _wide_encoding(content):
        raise ValueError(f"{path}: expected UTF-8 text, got {wide}; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: expected UTF-8 text, got {error}; save it as UTF-8 or restore it"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: Path) -> list[str]:
    """Lines of a UTF-8 file, cut at line ends alone and not at the other breaks of Unicode.

    Byte order marks, which joined files have inside too, are left out at the start of lines.

    Raises:
        FileNotFoundError, ValueError: as `read_text`.
    """
    lines = [line.removeprefix("\ufeff") for line in read_text(path).split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def parse_json(text: str) -> Any:
    """Value of a JSON text; a key that occurs twice and deep nesting are errors.

    Raises:
        ValueError: says what is wrong and, for bad syntax, where.
    """
    try:
        data = json.loads(text, object_pairs_hook=_table)
    except RecursionError as error:
        raise ValueError(_too_deep()) from error
    _check_depth(data)
    return data


def shown(value: Any, limit: int = SHOWN) -> str:
    """A value as a message repeats it: its first characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."


def nfc(text: str) -> str:
    """Text with composed accents (Unicode's NFC), in which ids and names are compared."""
    return unicodedata.normalize("NFC", text)


def match_key(text: str) -> str:
    """Text in the form in which names of classes are looked for in captions.

    Compatibility forms are composed (NFKC), case is folded; every run of blanks, line breaks,
    underscores and dashes is one blank, with none at the ends; what is not seen (soft hyphens,
    joiners, Arabic vowel signs) is left out.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(map(_matched, folded)).split())


def check_id(name: str) -> str:
    """An id, from which file names are made: it stays inside the folder where it is used.

    Returns:
        The id with composed accents.

    Raises:
        ValueError: it is empty, hidden, too long, or has a slash or control characters.
    """
    name = nfc(name)
    wrong = _no_file_name(name)
    if wrong is None:
        return name
    raise ValueError(
        f"expected an id that is a file name without suffix, at most {MAX_ID} bytes, without "
        f"slashes and control characters, got {wrong}: {shown(name)}; rename the item"
    )


def check_part(name: Any, what: str) -> str:
    """A name of which a folder is made, as of a dataset or a split: it stays inside the one above.

    Args:
        name: to check.
        what: it is the name of, for the message.

    Returns:
        The name with composed accents.

    Raises:
        ValueError: as `check_name`; or it is hidden, has slashes, or more than `MAX_ID` bytes.
    """
    try:
        checked = check_name(name)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error
    if wrong := _no_file_name(checked):
        raise ValueError(
            f"{what}: expected a name that a folder can have, at most {MAX_ID} bytes, without "
            f"slashes and no dot at its start, got {wrong}: {shown(name)}; choose another name"
        )
    return checked


def check_caption(caption: str) -> str:
    """A caption; empty ones and every script are fine.

    Raises:
        ValueError: it is longer than `MAX_CAPTION` or has control characters or half characters.
    """
    wrong = _wrong_characters(caption, allowed=SPACES)
    if len(caption) > MAX_CAPTION:
        wrong = f"{len(caption)} characters"
    if wrong is None:
        return caption
    raise ValueError(
        f"expected a caption of at most {MAX_CAPTION} characters without control characters, got "
        f"{wrong}: {shown(caption)}; correct the text"
    )


def check_name(name: Any) -> str:
    """Name of a class: one line of text, returned with composed accents.

    Raises:
        ValueError: it is no text, blank, longer than `MAX_ID`, or has control characters or blanks
            at its ends.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_ID:
        raise ValueError(f"expected a name as text of 1 to {MAX_ID} characters, got {shown(name)}")
    if wrong := _wrong_characters(name, allowed=""):
        raise ValueError(f"expected a name as plain text, got {wrong}: {shown(name)}; rename it")
    if name != name.strip():
        raise ValueError(f"expected a name without blanks at its ends, got {shown(name)}; cut them")
    return nfc(name)


def check_class_names(names: Iterable[Any]) -> tuple[str, ...]:
    """Names of classes with composed accents; no two are alike for `match_key`.

    Raises:
        ValueError: names every bad one.
    """
    checked: dict[str, str] = {}
    problems = []
    for name in names:
        try:
            good = check_name(name)
        except ValueError as error:
            problems.append(str(error))
            continue
        key = match_key(good)
        if not key:
            problems.append(f"expected a name with a letter or a sign, got {shown(name)}")
        elif key in checked and checked[key] == good:
            problems.append(f"expected different names of classes, got {shown(name)} twice")
        elif key in checked:
            problems.append(
                f"expected different names of classes, got {shown(checked[key])} and {shown(name)},"
                " which captions cannot tell apart; rename one"
            )
        else:
            checked[key] = good
    if problems:
        more = len(problems) - MAX_PROBLEMS
        rest = (f"and {more} more names",) if more > 0 else ()
        raise ValueError("; ".join((*problems[:MAX_PROBLEMS], *rest)))
    return tuple(checked.values())


def file_stem(text: str) -> str:
    """A file name for any text: what could lead to another folder becomes "_"."""
    safe = UNSAFE.sub("_", text).encode()[:MAX_ID].decode(errors="ignore")
    return safe or "_"


def one_line(text: str) -> str:
    """Text for a terminal: control characters but line ends, and half characters, are spelled."""
    spelled = (
        character
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cs")
        else character.encode("unicode_escape").decode()
        for character in text
    )
    return "".join(spelled)


def reason(error: BaseException, limit: int = 3000) -> str:
    """Text of a library's failure as one line; its type if there is no text.

    Escape codes of terminals are left out. Of more than `limit` characters the middle is left out:
    libraries begin with what they did and end with why it failed.
    """
    text = one_line(" ".join(ESCAPES.sub("", str(error)).split()))
    if len(text) > limit:
        text = f"{text[: limit // 2]} [...] {text[-(limit // 2) :]}"
    return text or type(error).__name__


def _wide_encoding(content: bytes) -> str | None:
    """Name of the encoding of text in 2 or 4 bytes a character, with or without its mark."""
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    if len(content) > 1 and 0 in content[:2]:
        return "UTF-16 or UTF-32 (a zero byte in the first character)"
    return None


def _matched(character: str) -> str:
    kind = unicodedata.category(character)
    if character in SEPARATING or kind == "Pd" or character.isspace():
        return " "
    if kind in ("Cf", "Cc") or UNSEEN.fullmatch(character):
        return ""
    return ALIKE.get(character, character)


def _no_file_name(name: str) -> str | None:
    """Why a text cannot be the name of a file that stays in its folder; None: it can."""
    if not name.strip() or name.startswith(".") or "/" in name or "\\" in name:
        return "one that is no plain file name"
    wrong = _wrong_characters(name, allowed="")
    if wrong is None and len(name.encode()) > MAX_ID:
        return f"{len(name.encode())} bytes"
    return wrong


def _wrong_characters(text: str, *, allowed: str) -> str | None:
    for character in text:
        kind = unicodedata.category(character)
        if kind == "Cc" and character not in allowed:
            return f"the control character {character!r}"
        if kind == "Cs":
            return f"half a character, {character!r}"
    return None


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in table if names.count(name) > 1)
        raise ValueError(f"key {shown(twice)} occurs twice; remove one")
    return table


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(MAX_DEPTH):
        parts = (
            part.values() if isinstance(part, dict) else part
            for part in level
            if isinstance(part, dict | list)
        )
        level = [value for part in parts for value in part]
    if any(isinstance(part, dict | list) for part in level):
        raise ValueError(_too_deep())


def _too_deep() -> str:
    return f"expected at most {MAX_DEPTH} levels of lists and tables, got more"
