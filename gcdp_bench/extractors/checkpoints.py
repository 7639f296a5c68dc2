"""Checkpoints of other projects: read without running what is pickled in them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch


def read_checkpoint(path: Path, *, expected: str) -> Any:
    """Contents of a file that `torch.save` wrote, on the CPU; tensors and plain values only.

    Args:
        path: the file.
        expected: what it should be, for the message.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, of another format, or holds objects that only running code
            could restore.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(
            f"{path}: expected {expected}, which holds tensors and plain values, got {reason}; "
            "restore the file, or save its tensors alone"
        ) from error
