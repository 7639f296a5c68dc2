"""Text encoders: T5 as in the paper (Section 3.3), and an embedded one that needs no weights."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from gcdp_bench.extractors.hugging_face import check_settings, load_strictly, load_tokenizer
from gcdp_bench.extractors.registry import find_weights
from gcdp_bench.io.validation import shown

logger = logging.getLogger(__name__)

T5_SETTINGS = (
    "vocab_size",
    "d_model",
    "d_kv",
    "d_ff",
    "num_layers",
    "num_heads",
    "relative_attention_num_buckets",
    "layer_norm_epsilon",
)
T5_UNUSED = r"decoder\.|lm_head\."  # what the file of a whole T5 has beside the encoder
T5_REMEDY = (
    "run `hf download google-t5/t5-large --local-dir t5-large` on a machine with a network, copy "
    "the folder, and train with --set text.path=FOLDER"
)
PIECE_START = "\u2581"  # of a sentence piece that begins a word


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """Text encoder and longest caption."""

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
        from transformers import T5EncoderModel

        if config.path is None:
            source = find_weights("t5-large", None)
        elif Path(config.path).is_dir():
            source = Path(config.path)
        else:
            raise FileNotFoundError(
                f"{config.path}: expected a folder with T5 weights (config.json, model.safetensors,"
                " tokenizer.json), found none; train with another --set text.path=FOLDER"
            )
        check_settings(source, ("t5", "mt5"), T5_SETTINGS, remedy=T5_REMEDY)
        self.model: Any = load_strictly(
            T5EncoderModel, source, unused=T5_UNUSED, remedy=T5_REMEDY, dtype=torch.float32
        )
        num_embeddings = self.model.config.vocab_size
        self.tokenizer = load_tokenizer(source, num_embeddings, remedy=T5_REMEDY)
        self.dim = self.model.config.d_model
        self.max_tokens = config.max_tokens
        if self.dim != config.dim:
            raise ValueError(
                f"{source}: expected token width {config.dim}, got {self.dim}; train with --set "
                f"text.dim={self.dim}, and where the U-Net is ours --set unet.text_dim={self.dim}"
            )
        self.model.eval().requires_grad_(False)

    @torch.no_grad()
    def encode(self, captions: Sequence[str]) -> EncodedText:
        """See `TextEncoder.encode`; tokens are T5's sentence pieces.

        Raises:
            ValueError: a caption of which the tokenizer knows no word.
        """
        tokens = self.tokenizer(list(captions))["input_ids"]
        self._check_known(captions, tokens)
        _warn_cut(sum(len(ids) > self.max_tokens for ids in tokens), self.max_tokens)
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

    def _check_known(self, captions: Sequence[str], tokens: Sequence[Sequence[int]]) -> None:
        """Refuse captions that are nothing but unknown tokens, warn of others that have some."""
        special, unknown = self.tokenizer.all_special_ids, self.tokenizer.unk_token_id
        num_unknown = 0
        for caption, ids in zip(captions, tokens, strict=True):
            num_unknown += unknown in ids
            known = "".join(
                self.tokenizer.convert_ids_to_tokens([i for i in ids if i not in special])
            )
            if unknown in ids and not known.strip(PIECE_START):
                raise ValueError(
                    f"expected captions in the language of the T5 tokenizer, got one of which it "
                    f"knows no word: {shown(caption)}; translate the captions, or train with "
                    "the folder of a T5 that reads them: --set text.path=FOLDER"
                )
        if num_unknown:
            logger.warning(
                "%d captions have characters that the T5 tokenizer does not know; they "
                "are read as one and the same token",
                num_unknown,
            )


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
