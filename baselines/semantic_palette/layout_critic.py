"""The critic of layouts: the discriminator of a progressive GAN (Karras et al. 2018)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from baselines.semantic_palette.config import LayoutNetworkConfig, split_level
from baselines.stylegan2.layers import Conv, Leaky, Linear, leaky

WIDE = 2  # width / height from which the last convolution halves the width


class LayoutCritic(nn.Module):
    """Soft layouts to one value each, high for real ones.

    A value depends on its own layout alone: there is no statistic of the batch, which would
    contradict the penalty on the gradient of single layouts.

    Args:
        config: sizes.
        num_classes: K.
    """

    def __init__(self, config: LayoutNetworkConfig, num_classes: int):
        super().__init__()
        channels, (height, width) = config.channels, config.start_size
        self.from_layout = nn.ModuleList(Conv(num_classes, dim, 1) for dim in channels)
        self.blocks = nn.ModuleList(
            nn.Sequential(Conv(dim, dim, 3), Leaky(), Conv(dim, below, 3), Leaky(), nn.AvgPool2d(2))
            for below, dim in zip(channels[:-1], channels[1:], strict=True)
        )
        self._stride = 2 if width >= WIDE * height else 1
        columns = -(-width // self._stride)
        self.last = Conv(channels[0], channels[0], 3)
        self.head = nn.Sequential(
            nn.Flatten(),
            Linear(channels[0] * height * columns, channels[0]),
            Leaky(),
            Linear(channels[0], 1),
        )

    def forward(self, layouts: Tensor, level: float) -> Tensor:
        """(B, K, h, w) of the size of `level` to (B,); see `GrowthConfig.level_at`."""
        upper, share = split_level(level)
        x = leaky(self.from_layout[upper](layouts))  # (B, C, h, w)
        for index in range(upper, 0, -1):
            x = self.blocks[index - 1](x)  # (B, C', h / 2, w / 2)
            if index == upper and share < 1.0:
                smaller = F.avg_pool2d(layouts, 2)  # (B, K, h / 2, w / 2)
                x = leaky(self.from_layout[upper - 1](smaller)).lerp(x, share)
        x = leaky(self.last(x)[..., :: self._stride])  # (B, C, h, w / stride)
        return self.head(x).squeeze(1)  # (B,)
