"""Captions as an open_clip network reads them, without what stands behind their end."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def caption_features(network: Any, tokens: Tensor) -> Tensor:
    """Unit features (B, E) of captions: `network.encode_text(tokens, normalize=True)`.

    The feature is that of the end token, which is the largest. Attention is causal, so that the
    padding behind the longest caption changes nothing and is left out: a caption of 15 tokens costs
    a fifth of the 77 that the network takes.

    Args:
        network: an `open_clip.CLIP` with a causal mask.
        tokens: long (B, L), on the network's device.
    """
    ends = tokens.argmax(1)  # (B,)
    length = int(ends.max()) + 1
    x = network.token_embedding(tokens[:, :length]) + network.positional_embedding[:length]
    x = network.transformer(x, attn_mask=network.attn_mask[:length, :length])  # (B, length, D)
    pooled = network.ln_final(x[torch.arange(len(x), device=x.device), ends])  # (B, D)
    return F.normalize(pooled @ network.text_projection, dim=-1)
