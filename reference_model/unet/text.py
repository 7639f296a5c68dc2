"""Text inside the network: the Perceiver resampler that turns any caption into a few tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reference_model.unet.attention import GainNorm, merge_heads, split_heads

NUM_MEAN_LATENTS = 4
MAX_POSITIONS = 512


class PerceiverAttention(nn.Module):
    """Latents attend to the sequence and to themselves."""

    def __init__(self, dim: int, *, num_heads: int, head_dim: int):
        super().__init__()
        self.num_heads = num_heads
        inner = num_heads * head_dim
        self.norm = nn.LayerNorm(dim)
        self.norm_latents = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(dim, 2 * inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, dim, bias=False), nn.LayerNorm(dim))

    def forward(self, x: Tensor, latents: Tensor) -> Tensor:
        """Update (B, N, C) from (B, L, C)."""
        latents = self.norm_latents(latents)
        queries = split_heads(self.to_q(latents), self.num_heads)  # (B, heads, N, D)
        sequence = torch.cat([self.norm(x), latents], 1)  # (B, L + N, C)
        keys, values = (
            split_heads(part, self.num_heads) for part in self.to_kv(sequence).chunk(2, -1)
        )  # (B, heads, L + N, D)
        mixed = F.scaled_dot_product_attention(queries, keys, values)  # (B, heads, N, D)
        return self.to_out(merge_heads(mixed))


class PerceiverResampler(nn.Module):
    """Learned latents, and latents from the mean of the sequence, gather a caption's content."""

    def __init__(self, dim: int, *, depth: int, num_heads: int, head_dim: int, num_latents: int):
        super().__init__()
        self.pos_emb = nn.Embedding(MAX_POSITIONS, dim)
        self.latents = nn.Parameter(torch.randn(num_latents, dim))
        self.to_latents_from_mean_pooled_seq = nn.Sequential(
            GainNorm(dim), nn.Linear(dim, dim * NUM_MEAN_LATENTS)
        )
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    PerceiverAttention(dim, num_heads=num_heads, head_dim=head_dim),
                    nn.Sequential(
                        GainNorm(dim),
                        nn.Linear(dim, 4 * dim, bias=False),
                        nn.GELU(),
                        GainNorm(4 * dim),
                        nn.Linear(4 * dim, dim, bias=False),
                    ),
                ]
            )
            for _ in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, C) to (B, NUM_MEAN_LATENTS + num_latents, C)."""
        positioned = x + self.pos_emb.weight[: x.shape[1]]  # (B, L, C)
        from_mean = self.to_latents_from_mean_pooled_seq(x.mean(1))  # (B, 4 C)
        latents = torch.cat(
            [
                from_mean.unflatten(-1, (NUM_MEAN_LATENTS, -1)),
                self.latents.expand(len(x), -1, -1),
            ],
            1,
        )  # (B, N, C)
        for attention, feed_forward in self.layers:  # type: ignore[misc]
            latents = latents + attention(positioned, latents)
            latents = latents + feed_forward(latents)
        return latents
