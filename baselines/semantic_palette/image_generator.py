"""The image generator: GauGAN (Park et al. 2019) from a layout and noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.semantic_palette.config import ImageNetworkConfig
from baselines.semantic_palette.layout_generator import doubled
from baselines.semantic_palette.layouts import one_hot
from baselines.semantic_palette.spade import SLOPE, SpadeBlock
from gcdp_bench.core.images import resize_layouts


class ImageGenerator(nn.Module):
    """Hard layouts and noise to images.

    Noise becomes the features of the smallest level; SPADE blocks read the layout at each size.

    Args:
        config: sizes.
        num_classes: K.
    """

    def __init__(self, config: ImageNetworkConfig, num_classes: int):
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        height, width = config.level_sizes[0]
        self.start = nn.Linear(config.z_dim, config.channels[0] * height * width)
        self.levels = nn.ModuleList()
        dim = config.channels[0]
        for channels, count in zip(config.channels, config.blocks, strict=True):
            blocks = nn.ModuleList()
            for _ in range(count):
                blocks.append(SpadeBlock(dim, channels, num_classes, config.hidden))
                dim = channels
            self.levels.append(blocks)
        self.to_rgb = nn.Conv2d(dim, 3, 3, padding=1)

    def forward(self, layouts: Tensor, z: Tensor) -> Tensor:
        """Images, float (B, 3, H, W) in [-1, 1].

        Args:
            layouts: uint8 (B, H, W).
            z: standard normal (B, Z).
        """
        sizes = self.config.level_sizes
        x = self.start(z).unflatten(1, (-1, *sizes[0]))  # (B, C, h, w)
        for index, (size, blocks) in enumerate(zip(sizes, self.levels, strict=True)):
            if index > 0:
                x = doubled(x)  # (B, C, 2 h, 2 w)
            hot = one_hot(resize_layouts(layouts, size), self.num_classes)  # (B, K, h, w)
            assert isinstance(blocks, nn.ModuleList)
            for block in blocks:
                x = block(x, hot)
        return torch.tanh(self.to_rgb(F.leaky_relu(x, SLOPE)))  # (B, 3, H, W)
