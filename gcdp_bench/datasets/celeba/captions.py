"""Caption files of Multi-Modal CelebA-HQ: ten captions of a face, one a line."""

from __future__ import annotations

from pathlib import Path

from gcdp_bench.io.validation import check_caption, read_lines

NUM_CAPTIONS = 10


def read_caption_lines(path: Path) -> tuple[str, ...]:
    """Captions of a face, empty lines left out.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is not text, has no caption, or one that `validation.check_caption` refuses.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected captions of this face, found none")
    lines = (line.strip() for line in read_lines(path))
    try:
        captions = tuple(check_caption(line) for line in lines if line)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if not captions:
        raise ValueError(f"{path}: expected captions, one a line, found none; restore the file")
    return captions


def count_problem(captions: tuple[str, ...]) -> str | None:
    """Problem with the number of captions of a face, or None."""
    if len(captions) == NUM_CAPTIONS:
        return None
    return f"expected {NUM_CAPTIONS} captions, one a line, got {len(captions)}; restore the file"
