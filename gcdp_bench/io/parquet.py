"""The one reader of Parquet tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.io.validation import reason

if TYPE_CHECKING:
    import pandas as pd

CHECKS: Mapping[str, Callable[[pd.Series], bool]] = {
    "bool": lambda column: column.dtype.kind == "b",
    "int64": lambda column: column.dtype.kind in "iu",
    "float64": lambda column: column.dtype.kind in "iuf",
}
"""Kinds of columns that pandas would make of other values without a word."""


def read_parquet(path: Path, columns: Mapping[str, str], *, remedy: str) -> pd.DataFrame:
    """Columns of a table, converted to their types.

    Args:
        path: the file.
        columns: names and types of pandas; others in the file are left out.
        remedy: what to do about a bad file, for the message.

    Raises:
        FileNotFoundError: no such file.
        ValueError: as `open_parquet` and `typed`.
    """
    return typed(open_parquet(path, remedy=remedy), path, columns, remedy=remedy)


def open_parquet(path: Path, *, remedy: str) -> pd.DataFrame:
    """A table as it is in the file; another process may replace the file meanwhile.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no Parquet.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        with path.open("rb") as file:  # by name, it would be opened twice
            return pd.read_parquet(file)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError, pa.ArrowException) as e:
        raise ValueError(f"{path}: expected a Parquet table, got: {reason(e)}; {remedy}") from e


def typed(
    frame: pd.DataFrame, path: Path, columns: Mapping[str, str], *, remedy: str
) -> pd.DataFrame:
    """Columns of the table that `path` holds, converted to their types.

    Raises:
        ValueError: it lacks columns, or a column has values of another type.
    """
    import pyarrow as pa

    missing = sorted(set(columns) - {name for name in frame.columns if isinstance(name, str)})
    if missing:
        raise ValueError(
            f"{path}: expected columns {', '.join(columns)}, lacks {', '.join(missing)}; {remedy}"
        )
    for name, kind in columns.items():
        try:
            if kind in CHECKS and not CHECKS[kind](frame[name]):
                raise TypeError("values of another kind")
            frame[name] = frame[name].astype(kind)  # type: ignore[call-overload]
        except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
            raise ValueError(
                f"{path}: expected {kind} in column {name}, got {frame[name].dtype}: "
                f"{reason(error)}; {remedy}"
            ) from error
    return frame[list(columns)]
