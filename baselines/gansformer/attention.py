"""Bipartite attention between image features and latents (Hudson and Zitnick 2021, Section 3.1).

    a(X, Y) = softmax(q(X) k(Y)^T / sqrt(d)) v(Y)                                            Eq. 1
    u(X, Y) = gamma(a(X, Y)) * omega(X) + beta(a(X, Y))                                      Eq. 3

X are the n positions of a feature map and Y the k latents. In the duplex form the keys are not a
function of the latents alone: they are the centroids of the features that each latent was assigned,
found by one step of k-means, and the next layer starts from them (Eq. 4). Positions are told apart
by sinusoids, latents by learned offsets. One head; the authors' dropout is left out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from baselines.stylegan2.layers import EPSILON, Linear
from gcdp_bench.core.images import Size


class BipartiteAttention(nn.Module):
    """Features of one level read the latents.

    Args:
        dim: channels C of the features.
        latent_dim: D.
        num_latents: k.
        size: (height, width) of the features.
        duplex: keys are centroids of the features; off: a function of the latents (simplex).
        first: no layer stands before that has centroids.
    """

    positions: Tensor

    def __init__(
        self,
        dim: int,
        *,
        latent_dim: int,
        num_latents: int,
        size: Size,
        duplex: bool,
        first: bool = False,
    ):
        super().__init__()
        self.query = Linear(dim, latent_dim)
        self.place = Linear(latent_dim, latent_dim)
        self.register_buffer("positions", sinusoids(size, latent_dim), persistent=False)
        self.key = Linear(latent_dim, latent_dim)
        self.identity = nn.Parameter(torch.randn(num_latents, latent_dim))
        self.value = Linear(latent_dim, latent_dim)
        self.gamma = Linear(latent_dim, dim, bias=1.0)
        self.beta = Linear(latent_dim, dim)
        self.carry = Linear(latent_dim, latent_dim) if duplex and not first else None
        self._duplex = duplex

    def forward(self, x: Tensor, y: Tensor, centroids: Tensor | None) -> tuple[Tensor, Tensor]:
        """Features (B, C, H, W) after reading, and what the keys were, (B, k, D).

        Args:
            x: features (B, C, H, W).
            y: latents (B, k, D).
            centroids: keys of the layer before, (B, k, D); not read by the first.
        """
        height, width = x.shape[2:]
        flat = x.flatten(2).mT  # (B, H W, C)
        queries = self.query(flat) + self.place(self.positions)  # (B, H W, D)
        keys = self.key(y) + self.identity  # (B, k, D)
        if self.carry is not None:
            keys = keys + self.carry(centroids)
        if self._duplex:
            keys = kmeans_step(queries, keys)
        read = assignments(queries, keys) @ self.value(y)  # (B, H W, D)
        updated = self.gamma(read) * normalised(flat) + self.beta(read)  # (B, H W, C), Eq. 3
        return updated.mT.unflatten(2, (height, width)), keys


def assignments(queries: Tensor, keys: Tensor) -> Tensor:
    """Softmax over the latents: (B, n, D) and (B, k, D) to (B, n, k)."""
    return (queries @ keys.mT / math.sqrt(keys.shape[-1])).softmax(-1)


def kmeans_step(queries: Tensor, centroids: Tensor) -> Tensor:
    """Means (B, k, D) of the queries (B, n, D) by how much each belongs to each centroid."""
    shares = assignments(queries, centroids)  # (B, n, k)
    return shares.mT @ queries / (shares.sum(1)[..., None] + EPSILON)  # (B, k, D)


def normalised(x: Tensor) -> Tensor:
    """omega: zero mean and unit variance over the channels of each position; (..., C)."""
    return (x - x.mean(-1, keepdim=True)) * (
        x.var(-1, correction=0, keepdim=True) + EPSILON
    ).rsqrt()


def sinusoids(size: Size, dim: int) -> Tensor:
    """Positions of a map, (H W, dim): sines and cosines of rows, then of columns.

    Wavelengths are 2, 4, 8, ... sides, so that the slowest tells both ends apart.

    Args:
        size: (height, width).
        dim: a multiple of 4.
    """
    parts = []
    for axis, side in enumerate(size):
        place = (torch.arange(side) + 0.5) / side  # (side,)
        octaves = 2.0 ** torch.arange(dim // 4)  # (dim / 4,)
        angles = math.pi * place[:, None] * octaves  # (side, dim / 4)
        waves = torch.cat([angles.sin(), angles.cos()], 1)  # (side, dim / 2)
        shape = (side, 1, -1) if axis == 0 else (1, side, -1)
        parts.append(waves.view(shape).expand(*size, -1))
    return torch.cat(parts, 2).flatten(0, 1)  # (H W, dim)
