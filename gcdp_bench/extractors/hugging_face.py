"""Networks in Hugging Face's format, read without a default of the library's.

transformers fills what a folder lacks: settings that `config.json` does not name, weights that are
not in the file (at random), a tokenizer without a vocabulary. Here each of these is refused.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from gcdp_bench.core.config import read_table
from gcdp_bench.io.validation import reason, shown

TOKENIZER = "tokenizer.json"
PIECES = "spiece.model"  # the same vocabulary, in the format of another library
VOCABULARY_MULTIPLE = 128
"""A network's vocabulary is its tokenizer's, rounded up to a multiple of at most this."""


def check_settings(folder: Path, kinds: Sequence[str], keys: Sequence[str], *, remedy: str) -> None:
    """Refuse a `config.json` of another network, or one that leaves a setting to the library.

    Args:
        folder: of the network.
        kinds: what `model_type` may be.
        keys: settings that change what the network computes.
        remedy: what to do, for messages.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another kind, or settings are missing.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: expected the settings of a {kinds[0]}, found none; {remedy}"
        )
    settings = read_table(path)
    if settings.get("model_type") not in kinds:
        raise ValueError(
            f"{path}: expected model_type {' or '.join(kinds)}, got "
            f"{shown(settings.get('model_type'))}; {remedy}"
        )
    missing = [key for key in keys if settings.get(key) is None]
    if missing:
        raise ValueError(
            f"{path}: expected the settings {', '.join(keys)}, got no {', '.join(missing)}, for "
            f"which transformers would take values of its own; {remedy}"
        )


def load_strictly(
    network: Any, folder: Path, *, unused: str | None = None, remedy: str, **settings: Any
) -> nn.Module:
    """A network of transformers with all its weights from `folder`; nothing is fetched.

    Args:
        network: class of transformers with `from_pretrained`.
        folder: `config.json` and weights as safetensors.
        unused: pattern of tensors that the file may hold beside the network's.
        remedy: what to do, for messages.
        settings: of `from_pretrained`.

    Raises:
        ValueError: a damaged file, or tensors are missing, left over or of another shape.
    """
    try:
        with _quiet():
            loaded, report = network.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **settings,
            )
    except Exception as error:  # transformers raises almost anything about damaged files
        raise ValueError(
            f"{folder}: expected a {network.__name__} in Hugging Face's format, got "
            f"{reason(error)}; {remedy}"
        ) from error
    problems = [
        f"{kind.removesuffix('_keys')} {_named(key)}"
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
        for key in sorted(report[kind], key=str)
        if kind != "unexpected_keys" or unused is None or not re.match(unused, key)
    ]
    if problems:
        raise ValueError(
            f"{folder}: weights are of another network: {'; '.join(problems[:5])} "
            f"({len(problems)} differences); {remedy}"
        )
    return loaded


def load_tokenizer(folder: Path, num_embeddings: int, *, remedy: str) -> Any:
    """The tokenizer of `tokenizer.json`, which fits a network of `num_embeddings` tokens.

    Raises:
        FileNotFoundError: no such file: transformers would invent a tokenizer without words.
        ValueError: the file is damaged, or its vocabulary is of another network.
    """
    from transformers import PreTrainedTokenizerFast

    path = folder / TOKENIZER
    if not path.is_file():
        found = ", ".join(sorted(entry.name for entry in folder.iterdir()))
        convert = (
            "write it by transformers' AutoTokenizer.from_pretrained(FOLDER).save_pretrained"
            "(FOLDER), which needs the library sentencepiece, or "
        )
        raise FileNotFoundError(
            f"{folder}: expected {TOKENIZER} beside the weights, got {found}; without it no word "
            f"would be known; {convert if (folder / PIECES).is_file() else ''}{remedy}"
        )
    try:
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(path), pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
        )
    except Exception as error:  # tokenizers raises `Exception` itself
        raise ValueError(f"{path}: expected a tokenizer, got {reason(error)}; {remedy}") from error
    if not num_embeddings - VOCABULARY_MULTIPLE < len(tokenizer) <= num_embeddings:
        raise ValueError(
            f"{path}: expected a vocabulary for the {num_embeddings} token embeddings of the "
            f"network, got {len(tokenizer)} tokens; {remedy}"
        )
    return tokenizer


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the reports that transformers logs: this module's messages say the same."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _named(key: Any) -> str:
    """A tensor's name, with its two shapes where those differ."""
    if isinstance(key, str):
        return key
    name, found, expected = key
    return f"{name} ({tuple(found)}, expected {tuple(expected)})"
