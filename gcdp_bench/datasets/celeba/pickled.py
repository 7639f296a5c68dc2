"""Lists of ids in the pickles of Multi-Modal CelebA-HQ, read without running anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gcdp_bench.io.safe_pickle import PlainUnpickler
from gcdp_bench.io.validation import reason, shown


def read_pickled_ids(path: Path) -> tuple[str, ...]:
    """Ids of a pickle that holds nothing but a list of texts.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the pickle asks for a class or function, is torn, or holds something else.
    """
    try:
        ids: Any = PlainUnpickler(path.read_bytes()).load()
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged bytes raise almost anything in the unpickler
        raise ValueError(
            f"{path}: expected a pickled list of ids, got {type(error).__name__}: "
            f"{reason(error)}; restore the file that the dataset ships"
        ) from error
    if not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
        raise ValueError(
            f"{path}: expected a pickled list of ids as text, got {type(ids).__name__}"
            " with other contents"
        )
    for name in ids:
        if not re.fullmatch("[0-9]{1,9}", name):
            raise ValueError(f"{path}: expected ids of digits such as '42', got {shown(name)}")
    return tuple(str(int(name)) for name in ids)
