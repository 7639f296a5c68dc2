"""Discriminators of images beside their layouts, at several scales (Park et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from baselines.semantic_palette.config import ImageNetworkConfig
from baselines.semantic_palette.spade import SLOPE

PatchScores = tuple[Tensor, list[Tensor]]
"""Logits (B, 1, h, w) of patches, and the features (B, C_l, h_l, w_l) of every layer."""


class PatchDiscriminator(nn.Module):
    """PatchGAN (Isola et al. 2017) of 4 x 4 convolutions with spectral and instance norm."""

    def __init__(self, in_dim: int, channels: tuple[int, ...]):
        super().__init__()
        self.layers = nn.ModuleList()
        for index, dim in enumerate(channels):
            stride = 1 if index == len(channels) - 1 else 2
            conv = nn.Conv2d(in_dim, dim, 4, stride, padding=2)
            if index == 0:
                self.layers.append(nn.Sequential(conv, nn.LeakyReLU(SLOPE)))
            else:
                norm = nn.InstanceNorm2d(dim)
                self.layers.append(nn.Sequential(spectral_norm(conv), norm, nn.LeakyReLU(SLOPE)))
            in_dim = dim
        self.head = nn.Conv2d(in_dim, 1, 4, padding=2)

    def forward(self, x: Tensor) -> PatchScores:
        """Scores of images (B, C, H, W)."""
        features = []
        for layer in self.layers:
            x = layer(x)  # (B, C_l, h_l, w_l)
            features.append(x)
        return self.head(x), features


class ImageDiscriminator(nn.Module):
    """One PatchGAN per scale; each reads the image and its layout at half the size of the last.

    Args:
        config: sizes.
        num_classes: K.
    """

    def __init__(self, config: ImageNetworkConfig, num_classes: int):
        super().__init__()
        self.scales = nn.ModuleList(
            PatchDiscriminator(num_classes + 3, config.patch_channels)
            for _ in range(config.num_scales)
        )

    def forward(self, images: Tensor, hot: Tensor) -> list[PatchScores]:
        """Scores of images (B, 3, H, W) in [-1, 1] with layouts (B, K, H, W), the largest scale
        first.
        """
        x = torch.cat([hot, images], 1)  # (B, K + 3, H, W)
        patch_scores = []
        for index, discriminator in enumerate(self.scales):
            if index > 0:
                x = F.avg_pool2d(x, 3, 2, padding=1, count_include_pad=False)  # (B, K + 3, h, w)
            patch_scores.append(discriminator(x))
        return patch_scores
