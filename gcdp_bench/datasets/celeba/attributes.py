"""`CelebAMask-HQ-attribute-anno.txt`: 40 yes-or-no attributes of every face."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.datasets.faces import ATTRIBUTE_NAMES
from gcdp_bench.io.validation import read_lines, shown


def read_attributes(path: Path) -> Mapping[str, NDArray[np.bool_]]:
    """Attributes by id, bool (40,) in the order of `ATTRIBUTE_NAMES`.

    The file has the number of faces, the 40 names, then `0.jpg  -1 1 ...` a line.

    Raises:
        ValueError: another form, another number of faces or other names; the line is named.
    """
    lines = read_lines(path)
    if len(lines) < 2 or not re.fullmatch(r"\s*[0-9]{1,9}\s*", lines[0]):
        raise ValueError(f"{path}: expected the number of faces, then the names of the attributes")
    if tuple(lines[1].split()) != ATTRIBUTE_NAMES:
        raise ValueError(
            f"{path} line 2: expected CelebA's {len(ATTRIBUTE_NAMES)} attribute names, got "
            f"{shown(lines[1])}"
        )
    attributes = {}
    for number, line in enumerate(lines[2:], start=3):
        if line.strip():
            name, values = _parse_line(line, f"{path} line {number}")
            attributes[name] = values
    if len(attributes) != int(lines[0]):
        raise ValueError(
            f"{path}: line 1 says {int(lines[0])} faces, found {len(attributes)}; restore the file"
        )
    return attributes


def _parse_line(line: str, where: str) -> tuple[str, NDArray[np.bool_]]:
    name, *values = line.split()
    if len(values) != len(ATTRIBUTE_NAMES) or not set(values) <= {"1", "-1"}:
        raise ValueError(
            f"{where}: expected a file name and {len(ATTRIBUTE_NAMES)} values of 1 or -1, got "
            f"{shown(line)}"
        )
    return Path(name).stem, np.array([value == "1" for value in values])
