"""Checkpoints of other projects: read without running what is pickled in them."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from gcdp_bench.io.validation import reason

SAVE_ALONE = (
    "python -c \"import torch; checkpoint = torch.load('FILE', weights_only=False); torch.save("
    "{'state_dict': checkpoint['state_dict']}, 'TENSORS.pth')\""
)


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
    _check_archive(path, expected)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of forms of tensors that torch gives up
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged bytes raise almost anything in the unpickler
        raise ValueError(
            f"{path}: expected {expected}, which holds tensors and plain values, got "
            f"{_other_objects(path) or reason(error)}; restore the file, or save its tensors alone "
            f"(if you trust its makers, and with their library installed): {SAVE_ALONE}"
        ) from error


def _other_objects(path: Path) -> str:
    """Kinds of objects that only running code could restore; "" where none can be told."""
    try:
        return ", ".join(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # the same damaged bytes
        return ""


def _check_archive(path: Path, expected: str) -> None:
    """Refuse an archive that is larger unpacked than it is: `torch.save` compresses nothing."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ValueError(
            f"{path}: expected {expected}, got {reason(error)}; restore the file"
        ) from error
    if unpacked > path.stat().st_size:
        raise ValueError(
            f"{path}: expected {expected}, got an archive of {path.stat().st_size} bytes that "
            f"unpacks to {unpacked}; restore the file"
        )
