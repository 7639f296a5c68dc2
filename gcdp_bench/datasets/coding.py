"""Coding of classes in layout files: ids, other values (0 and 255), or colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import ImageColor
from torch import Tensor

from gcdp_bench.core.images import grey_bits, read_layout, read_layout_colours
from gcdp_bench.core.types import IGNORE_ID
from gcdp_bench.io.validation import MAX_PROBLEMS, nfc, shown

Code = TypeVar("Code", int, tuple[int, int, int])


@dataclass(frozen=True)
class LayoutCoding:
    """Values or colours of layouts and their class ids; neither: values are class ids."""

    values: tuple[tuple[int, int], ...] = ()  # (value, id); other values stay what they are
    colours: tuple[tuple[tuple[int, int, int], int], ...] = ()  # all that occur

    def read(self, path: Path) -> Tensor:
        """Layout uint8 (H, W) of a file.

        Raises:
            FileNotFoundError: no such file.
            ValueError: as `read_layout`, it has a colour that has no class, or `values` has some
                that a grey picture of so few bits cannot hold.
        """
        if self.colours:
            return self._of_colours(path)
        layout = read_layout(path)  # (H, W)
        if not self.values:
            return layout
        self._require_bits(path)
        table = torch.arange(256, dtype=torch.uint8)
        for value, index in self.values:
            table[value] = index
        return table[layout.long()]

    def _require_bits(self, path: Path) -> None:
        """Refuse values that only a viewer shows: white of 1 bit is 1 in the file, not 255."""
        bits = grey_bits(path)
        beyond = [value for value, _ in self.values if value >= 2**bits]
        if beyond:
            held = "0 and 1" if bits == 1 else f"0 to {2**bits - 1}"
            raise ValueError(
                f"{path}: a {bits}-bit mask has the values {held}, classes.json gives values "
                f"{', '.join(map(str, beyond))}; name those of the mask, or save it with 8 bits"
            )

    def _of_colours(self, path: Path) -> Tensor:
        red, green, blue = read_layout_colours(path).long()
        codes = ((red << 16) + (green << 8) + blue).numpy()  # (H, W)
        known = {(r << 16) + (g << 8) + b: index for (r, g, b), index in self.colours}
        found, places = np.unique(codes, return_inverse=True)
        unknown = [code for code in found.tolist() if code not in known]
        if unknown:
            num = int(np.isin(codes, unknown).sum())
            listed = ", ".join(f"#{code:06x}" for code in unknown[:4])
            more = f" and {len(unknown) - 4} others" if len(unknown) > 4 else ""
            raise ValueError(
                f"{path}: {num} pixels have colours that are not in classes.json: {listed}{more}; "
                "add them there, or save the layout without smoothing"
            )
        ids = np.array([known[code] for code in found.tolist()], np.uint8)
        return torch.from_numpy(ids[places].reshape(codes.shape))  # (H, W)


def read_coding(table: Mapping[str, Any], names: Sequence[str]) -> LayoutCoding:
    """Coding that `classes.json` gives with "values" or "colours".

    An entry is code to class, {"255": "lesion", "#ff0000": "car"}, or class to one code or several,
    {"lesion": 255}; the class null is ignored pixels. A colour is "#ff0000", "255,0,0",
    [255, 0, 0] or a name of CSS.

    Raises:
        ValueError: names every bad entry.
    """
    given = [key for key in ("values", "colours", "colors") if key in table]
    if len(given) > 1:
        raise ValueError(f"expected values or colours, got {' and '.join(given)}; keep one")
    if not given:
        return LayoutCoding()
    if given[0] == "values":
        return LayoutCoding(values=_entries(table, "values", names, _value))
    return LayoutCoding(colours=_entries(table, given[0], names, _colour))


def _entries(
    table: Mapping[str, Any], key: str, names: Sequence[str], parse: Callable[[Any], Code]
) -> tuple[tuple[Code, int], ...]:
    entries = table[key]
    if not isinstance(entries, dict) or not entries:
        raise ValueError(
            f'{key}: expected a table such as {{"255": "lesion"}}, got {shown(entries)}'
        )
    ids: dict[Code, int] = {}
    problems = []
    for left, right in entries.items():
        try:
            for code, index in _pairs(left, right, names, parse):
                if ids.setdefault(code, index) != index:
                    raise ValueError(f"{shown(code)} has two classes; keep one")
        except ValueError as error:
            problems.append(f"{key}: {error}")
    if problems:
        raise ValueError("; ".join(problems[:MAX_PROBLEMS]))
    return tuple(ids.items())


def _pairs(
    left: str, right: Any, names: Sequence[str], parse: Callable[[Any], Code]
) -> Iterator[tuple[Code, int]]:
    """Codes and ids of one entry, in whichever direction it is written."""
    if right is None or isinstance(right, str) and nfc(right) in names:
        yield parse(left), IGNORE_ID if right is None else names.index(nfc(right))
    elif nfc(left) in names:
        several = isinstance(right, list) and not all(isinstance(part, int) for part in right)
        for code in right if several or parse is _value and isinstance(right, list) else [right]:
            yield parse(code), names.index(nfc(left))
    elif isinstance(right, int) and not isinstance(right, bool) and 0 <= right < len(names):
        yield parse(left), right
    else:
        raise ValueError(
            f"expected a class of {', '.join(names)} or null for {shown(left)}, got {shown(right)}"
        )


def _value(code: Any) -> int:
    if isinstance(code, str) and re.fullmatch("[0-9]{1,3}", code.strip()):
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool) or not 0 <= code <= 255:
        raise ValueError(f"expected a value from 0 to 255, got {shown(code)}")
    return code


def _colour(code: Any) -> tuple[int, int, int]:
    if isinstance(code, str):
        numbers = re.fullmatch(r"[\[(]?\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*[\])]?", code)
        try:
            code = list(map(int, numbers.groups())) if numbers else list(ImageColor.getrgb(code))
        except ValueError as error:
            raise ValueError(f"expected a colour such as #ff0000, got {shown(code)}") from error
    if not isinstance(code, list) or len(code) != 3:
        raise ValueError(f"expected a colour of three numbers, got {shown(code)}")
    red, green, blue = map(_value, code)
    return red, green, blue
