"""Caption files of Multi-Modal CelebA-HQ: ten captions of a face, one a line."""

from __future__ import annotations

from pathlib import Path

NUM_CAPTIONS = 10


def read_caption_lines(path: Path) -> tuple[str, ...]:
    """Captions of a face, empty lines left out.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is not text, or has no caption.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected captions of this face, found none")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected UTF-8 text, got {error}; restore the file") from error
    captions = tuple(line.strip() for line in lines if line.strip())
    if not captions:
        raise ValueError(f"{path}: expected captions, one a line, found none; restore the file")
    return captions


def count_problem(captions: tuple[str, ...]) -> str | None:
    """What is wrong with the number of captions of a face, or None."""
    if len(captions) == NUM_CAPTIONS:
        return None
    return f"expected {NUM_CAPTIONS} captions, one a line, got {len(captions)}; restore the file"
