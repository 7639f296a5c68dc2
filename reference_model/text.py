"""Text encoders: T5 as in the paper (Section 3.3), and an embedded one that needs no weights."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from gcdp_bench.extractors.registry import find_weights

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """Which encoder, and how long a caption may be."""

    encoder: Literal["hash-ngram", "t5"] = "hash-ngram"
    dim: int = 64  # width of a token's vector; for T5 it must equal the checkpoint's d_model
    max_tokens: int = 64
    path: str | None = None  # T5: folder of the weights; None: t5-large of the weights store


@dataclass(frozen=True)
class EncodedText:
    """Token vectors of a batch of captions; vectors outside the mask are zero."""

    tokens: Tensor  # float32 (B, L, D)
    mask: Tensor  # bool (B, L)

    def __getitem__(self, index: Tensor | slice) -> EncodedText:
        """Selected captions."""
        return EncodedText(self.tokens[index], self.mask[index])

    def to(self, device: torch.device) -> EncodedText:
        """The same on `device`."""
        return EncodedText(self.tokens.to(device), self.mask.to(device))


class TextEncoder(Protocol):
    """Captions in, token vectors out; frozen and deterministic."""

    dim: int

    def encode(self, captions: Sequence[str]) -> EncodedText:
        """Encode captions, padded to `max_tokens`; longer ones are cut with a logged warning."""
        ...


def build_text_encoder(config: TextConfig) -> TextEncoder:
    """Encoder that `config` names.

    Raises:
        FileNotFoundError: T5 weights are not at `config.path`, or without it not in the store.
        ValueError: the weights' width differs from `config.dim`.
    """
    return HashNgramEncoder(config) if config.encoder == "hash-ngram" else T5Encoder(config)


class HashNgramEncoder:
    """Weightless encoder: a word is the mean of fixed pseudo-random vectors of its n-grams.

    Words that share letters (car, cars) get similar vectors, as in fastText (Bojanowski et al.
    2017), but nothing is learned: each n-gram's vector is expanded from its SHAKE-256 digest, so
    it is the same on every machine. A token has zero mean and about unit variance per dimension.
    """

    def __init__(self, config: TextConfig):
        self.dim = config.dim
        self.max_tokens = config.max_tokens

    def encode(self, captions: Sequence[str]) -> EncodedText:
        """See `TextEncoder.encode`; a token is a word or a number, lower-cased."""
        tokens = torch.zeros(len(captions), self.max_tokens, self.dim)  # (B, L, D)
        mask = torch.zeros(len(captions), self.max_tokens, dtype=torch.bool)  # (B, L)
        num_cut = 0
        for row, caption in enumerate(captions):
            words = re.findall(r"\w+", caption.lower())
            num_cut += len(words) > self.max_tokens
            for column, word in enumerate(words[: self.max_tokens]):
                tokens[row, column] = torch.from_numpy(_word_vector(word, self.dim))
                mask[row, column] = True
        _warn_cut(num_cut, self.max_tokens)
        return EncodedText(tokens, mask)


class T5Encoder:
    """Last hidden state of a frozen T5 encoder (t5-large in the paper), padding set to zero."""

    def __init__(self, config: TextConfig):
        from transformers import AutoTokenizer, T5EncoderModel

        if config.path is None:
            source = find_weights("t5-large", None)
        elif Path(config.path).is_dir():
            source = Path(config.path)
        else:
            raise FileNotFoundError(
                f"{config.path}: expected a folder with T5 weights (config.json, model.safetensors,"
                " tokenizer.json), found none; give another --set text.path=FOLDER"
            )
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(
                source, local_files_only=True, trust_remote_code=False
            )
            self.model = T5EncoderModel.from_pretrained(
                source, local_files_only=True, use_safetensors=True
            )
        except Exception as error:  # transformers raises almost anything about damaged files
            raise FileNotFoundError(
                f"{source}: expected T5 weights and a tokenizer that transformers can read, got "
                f"{error}; run `hf download google-t5/t5-large` on a machine with a network, copy "
                "the folder, and pass --set text.path=FOLDER"
            ) from error
        self.dim = self.model.config.d_model
        self.max_tokens = config.max_tokens
        if self.dim != config.dim:
            raise ValueError(
                f"{source}: expected token width {config.dim}, got {self.dim}; "
                f"pass --set text.dim={self.dim}"
            )
        self.model.eval().requires_grad_(False)

    @torch.no_grad()
    def encode(self, captions: Sequence[str]) -> EncodedText:
        """See `TextEncoder.encode`; tokens are T5's sentence pieces."""
        lengths = [len(ids) for ids in self.tokenizer(list(captions))["input_ids"]]
        _warn_cut(sum(length > self.max_tokens for length in lengths), self.max_tokens)
        batch = self.tokenizer(
            list(captions),
            padding="max_length",
            truncation=True,
            max_length=self.max_tokens,
            return_tensors="pt",
        )
        mask = batch["attention_mask"].bool()  # (B, L)
        hidden = self.model(batch["input_ids"], attention_mask=mask).last_hidden_state  # (B, L, D)
        return EncodedText(hidden * mask[..., None], mask)


@lru_cache(maxsize=4096)
def _word_vector(word: str, dim: int) -> np.ndarray:
    padded = f"<{word}>"
    grams = [padded, *(padded[i : i + n] for n in (3, 4) for i in range(len(padded) - n + 1))]
    total = np.sum([_gram_vector(gram, dim) for gram in grams], axis=0)  # (D,)
    return (total / np.sqrt(len(grams))).astype(np.float32)


def _gram_vector(gram: str, dim: int) -> np.ndarray:
    """Uniform on [-sqrt(3), sqrt(3)]: zero mean, unit variance."""
    digest = hashlib.shake_256(gram.encode()).digest(2 * dim)
    return np.frombuffer(digest, dtype="<i2").astype(np.float64) / 32768 * 3**0.5


def _warn_cut(num_cut: int, max_tokens: int) -> None:
    if num_cut:
        logger.warning("%d captions are longer than %d tokens and were cut", num_cut, max_tokens)
