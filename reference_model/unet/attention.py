"""Attention of the Efficient U-Net: one shared key/value head over pixels, and over text tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GainNorm(nn.Module):
    """Layer norm over the last axis with a gain and no bias."""

    def __init__(self, dim: int):
        super().__init__()
        self.g = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (..., D)."""
        return F.layer_norm(x, self.g.shape, self.g, None, 1e-5)


class ChannelNorm(nn.Module):
    """Layer norm over channels of (B, C, H, W) with a gain and no bias."""

    def __init__(self, dim: int):
        super().__init__()
        self.g = nn.Parameter(torch.ones(dim, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over axis 1."""
        centred = x - x.mean(1, keepdim=True)
        return centred * (centred.square().mean(1, keepdim=True) + 1e-5).rsqrt() * self.g


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """(B, N, heads * D) to (B, heads, N, D)."""
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(B, heads, N, D) to (B, N, heads * D)."""
    return x.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Pixels attend to pixels, to a learned null and, where given, to the context tokens.

    All query heads share one key and value head.
    """

    def __init__(self, dim: int, *, num_heads: int, head_dim: int, context_dim: int | None = None):
        super().__init__()
        self.num_heads = num_heads
        self.norm = GainNorm(dim)
        self.null_kv = nn.Parameter(torch.randn(2, head_dim))
        self.to_q = nn.Linear(dim, num_heads * head_dim, bias=False)
        self.to_kv = nn.Linear(dim, 2 * head_dim, bias=False)
        self.to_context = None
        if context_dim is not None:
            self.to_context = nn.Sequential(
                nn.LayerNorm(context_dim), nn.Linear(context_dim, 2 * head_dim)
            )
        self.to_out = nn.Sequential(nn.Linear(num_heads * head_dim, dim, bias=False), GainNorm(dim))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Update (B, C, H, W); `context` is (B, N, context_dim)."""
        batch, _, height, width = x.shape
        pixels = self.norm(x.flatten(2).transpose(1, 2))  # (B, H W, C)
        queries = split_heads(self.to_q(pixels), self.num_heads)  # (B, heads, H W, D)
        parts = [self.null_kv.flatten().expand(batch, 1, -1), self.to_kv(pixels)]
        if self.to_context is not None and context is not None:
            parts.insert(0, self.to_context(context))
        keys, values = torch.cat(parts, 1)[:, None].chunk(2, -1)  # (B, 1, N + 1 + H W, D)
        mixed = F.scaled_dot_product_attention(
            queries,
            keys.expand(-1, self.num_heads, -1, -1),
            values.expand(-1, self.num_heads, -1, -1),
        )  # (B, heads, H W, D)
        out = self.to_out(merge_heads(mixed))  # (B, H W, C)
        return out.transpose(1, 2).unflatten(2, (height, width))  # (B, C, H, W)


class CrossAttention(nn.Module):
    """Pixels attend to the context tokens and to a learned null."""

    def __init__(self, dim: int, *, num_heads: int, head_dim: int, context_dim: int):
        super().__init__()
        self.num_heads = num_heads
        inner = num_heads * head_dim
        self.norm = GainNorm(dim)
        self.null_kv = nn.Parameter(torch.randn(2, head_dim))
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(context_dim, 2 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, dim, bias=False), GainNorm(dim))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Update (B, C, H, W) from (B, N, context_dim)."""
        batch, _, height, width = x.shape
        pixels = self.norm(x.flatten(2).transpose(1, 2))  # (B, H W, C)
        queries = split_heads(self.to_q(pixels), self.num_heads)  # (B, heads, H W, D)
        keys, values = (
            torch.cat(
                [null.expand(batch, self.num_heads, 1, -1), split_heads(part, self.num_heads)], 2
            )
            for null, part in zip(self.null_kv, self.to_kv(context).chunk(2, -1), strict=True)
        )  # (B, heads, 1 + N, D)
        mixed = F.scaled_dot_product_attention(queries, keys, values)  # (B, heads, H W, D)
        out = self.to_out(merge_heads(mixed))  # (B, H W, C)
        return out.transpose(1, 2).unflatten(2, (height, width))  # (B, C, H, W)


class Residual(nn.Module):
    """A module whose result is added to its input by the caller; holds it under `fn`."""

    def __init__(self, fn: nn.Module):
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """x + fn(x)."""
        return x + (self.fn(x) if context is None else self.fn(x, context))


class TransformerBlock(nn.Module):
    """Self-attention with context, then a feed-forward of 1x1 convolutions."""

    def __init__(self, dim: int, *, num_heads: int, head_dim: int, context_dim: int, mult: int = 2):
        super().__init__()
        attention = SelfAttention(
            dim, num_heads=num_heads, head_dim=head_dim, context_dim=context_dim
        )
        feed_forward = nn.Sequential(
            ChannelNorm(dim),
            nn.Conv2d(dim, mult * dim, 1, bias=False),
            nn.GELU(),
            ChannelNorm(mult * dim),
            nn.Conv2d(mult * dim, dim, 1, bias=False),
        )
        self.layers = nn.ModuleList([nn.ModuleList([Residual(attention), feed_forward])])

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Update (B, C, H, W)."""
        for attention, feed_forward in self.layers:  # type: ignore[misc]
            x = attention(x, context)
            x = x + feed_forward(x)
        return x
