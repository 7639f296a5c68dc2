"""The one reader of archives of arrays (.npz)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.io.validation import reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_arrays(path: Path, *, remedy: str) -> dict[str, NDArray[np.generic]]:
    """Arrays by name; none that hold objects.

    Args:
        path: the file.
        remedy: what to do about a damaged file, for the message.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged.
    """
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged bytes raise almost anything in zipfile and numpy
        raise ValueError(
            f"{path}: expected arrays (.npz), got: {reason(error)}; {remedy}"
        ) from error
