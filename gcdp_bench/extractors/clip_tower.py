"""A convolutional image tower for the small CLIP, for a few hundred pairs of image and caption."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 8
HEAD_WIDTH = 128


class ConvTower(nn.Module):
    """Image tower in the place of open_clip's `visual`.

    A caption names what is somewhere in the image, so the image's feature is made from the maximum
    of each channel over the patches, beside their mean. Convolutions see what a patch looks like
    wherever it lies, which a transformer has to learn from more images than there are.
    """

    output_tokens = False  # as of open_clip's towers: give the patches too

    def __init__(self, embed_dim: int, *, patch: int, width: int):
        """Build the tower.

        Args:
            embed_dim: E, of the features.
            patch: pixels per patch and side, a power of two.
            width: channels D of a patch; twice `GROUPS` per halving divide it.

        Raises:
            ValueError: `patch` or `width` is none of these.
        """
        super().__init__()
        halvings = patch.bit_length() - 1
        if patch != 2**halvings or not halvings:
            raise ValueError(f"patch: expected a power of two above 1, got {patch}")
        if width % (GROUPS << (halvings - 1)):
            raise ValueError(
                f"width: expected a multiple of {GROUPS << (halvings - 1)} with patch={patch}, "
                f"got {width}"
            )
        layers: list[nn.Module] = []
        before = 3
        for level in range(halvings):
            channels = width >> (halvings - 1 - level)
            layers += [
                nn.Conv2d(before, channels, 3, stride=2, padding=1),
                nn.GroupNorm(GROUPS, channels),
                nn.SiLU(),
                Residual(channels),
            ]
            before = channels
        self.body = nn.Sequential(*layers, Residual(width))
        self.head = nn.Sequential(
            nn.Linear(2 * width, HEAD_WIDTH), nn.SiLU(), nn.Linear(HEAD_WIDTH, embed_dim)
        )
        self.proj = nn.Parameter(torch.randn(width, embed_dim) / math.sqrt(width))  # of patches

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Features (B, E) of images (B, 3, H, W); with `output_tokens`, patches (B, N, D) too."""
        patches = self.body(images).flatten(2).transpose(1, 2)  # (B, N, D)
        pooled = self.head(torch.cat([patches.amax(1), patches.mean(1)], dim=-1))  # (B, E)
        return (pooled, patches) if self.output_tokens else pooled


class Residual(nn.Module):
    """x + two convolutions of x, each after normalisation and SiLU."""

    def __init__(self, channels: int):
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, channels) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        residual = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            residual = conv(F.silu(norm(residual)))
        return x + residual
