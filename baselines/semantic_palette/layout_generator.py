"""The layout generator: a progressive GAN (Karras et al. 2018) with assisted activation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.semantic_palette.config import LayoutNetworkConfig, split_level
from baselines.semantic_palette.layout_losses import assisted_masks, layouts_of
from baselines.stylegan2.layers import Conv, Leaky, Linear, leaky
from gcdp_bench.core.images import resize_images

EPSILON = 1e-8
FEEDBACK = 0.5  # what is left of the features where a layout is fed back


@dataclass(frozen=True)
class Drawing:
    """Outputs of the generator up to a level; entries go from the first level up."""

    masks: list[Tensor]  # (B, K, h, w), of every level
    layouts: list[Tensor]  # (B, K, h, w), of every level, sum to 1 over the classes
    final: Tensor  # (B, K, h, w): the last layout, while it fades in mixed with the one before


class PixelNorm(nn.Module):
    """Divides features by their root mean square over the channels, pixel by pixel."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, ...), the same."""
        return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()


class LayoutGenerator(nn.Module):
    """Noise and a palette to a soft layout.

    At every level the features give a layout, which is fed back: features <- 0.5 features +
    leaky(conv3(layout)). The next level goes on from there.

    Args:
        config: sizes.
        num_classes: K.
    """

    level: Tensor  # what has been trained so far, see `GrowthConfig.level_at`

    def __init__(self, config: LayoutNetworkConfig, num_classes: int):
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        channels, (height, width) = config.channels, config.start_size
        self.start = Linear(config.z_dim + num_classes, channels[0] * height * width)
        self.blocks = nn.ModuleList()
        for below, dim in zip((None, *channels), channels, strict=False):
            convs = [] if below is None else [Conv(below, dim, 3), Leaky(), PixelNorm()]
            self.blocks.append(nn.Sequential(*convs, Conv(dim, dim, 3), Leaky(), PixelNorm()))
        self.to_logits = nn.ModuleList(Conv(dim, num_classes, 1) for dim in channels)
        self.feedback = nn.ModuleList(Conv(num_classes, dim, 3) for dim in channels[:-1])
        self.normalise = PixelNorm()
        self.register_buffer("level", torch.zeros(()))

    def forward(self, z: Tensor, palettes: Tensor, level: float) -> Drawing:
        """Draw up to a level.

        Args:
            z: standard normal (B, Z).
            palettes: (B, K), rows sum to 1.
            level: 0.0 to the number of levels - 1, see `GrowthConfig.level_at`.
        """
        upper, share = split_level(level)
        condition = self.normalise(torch.cat([z, palettes], 1))  # (B, Z + K)
        x = self.start(condition).unflatten(1, (-1, *self.config.start_size))  # (B, C, h, w)
        x = self.normalise(leaky(x))
        masks, layouts = [], []
        for index in range(upper + 1):
            if index > 0:
                x = FEEDBACK * x + leaky(self.feedback[index - 1](layouts[-1]))
                x = doubled(x)  # (B, C, 2 h, 2 w)
            x = self.blocks[index](x)
            masks.append(assisted_masks(self.to_logits[index](x), palettes))  # (B, K, h, w)
            layouts.append(layouts_of(masks[-1]))
        final = layouts[-1]
        if share < 1.0:
            final = doubled(layouts[-2]).lerp(final, share)
        return Drawing(masks, layouts, final)

    def draw(self, z: Tensor, palettes: Tensor) -> Tensor:
        """Soft layouts (B, K, H, W) of the last level's size, by the levels trained so far."""
        final = self(z, palettes, float(self.level)).final  # (B, K, h, w)
        return resize_images(final, self.config.level_sizes[-1])  # (B, K, H, W)


def doubled(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2 H, 2 W), each pixel repeated."""
    return F.interpolate(x, scale_factor=2, mode="nearest")
