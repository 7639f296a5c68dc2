"""StyleGAN2's residual discriminator (Karras et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.gansformer.config import NetworkConfig
from baselines.lafite.discriminator import Block, with_minibatch_std
from baselines.lafite.layers import Conv, Linear, leaky


class Discriminator(nn.Module):
    """Image to a logit; 28,864,129 parameters at 256 x 256 and the paper's channels."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        channels = config.channels
        self.from_rgb = Conv(3, channels[-1], 1)
        self.blocks = nn.ModuleList(
            Block(
                channels[level],
                channels[level - 1],
                convs=config.convs[level],
                low_pass=config.low_pass,
            )
            for level in range(len(channels) - 1, 0, -1)
        )
        self.conv = Conv(channels[0] + 1, channels[0], 3)
        height, width = config.start_size
        self.hidden = Linear(channels[0] * height * width, channels[0])
        self.logit = Linear(channels[0], 1)
        self._group = config.minibatch_std_group

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B,) of images, float [-1, 1] (B, 3, H, W).

        Raises:
            ValueError: B is above `minibatch_std_group` and not a multiple of it.
        """
        x = images.contiguous(memory_format=torch.channels_last)  # the faster one on processors
        x = leaky(self.from_rgb(x))  # (B, C, H, W)
        for block in self.blocks:
            x = block(x)
        x = with_minibatch_std(x, self._group)  # (B, C + 1, h, w)
        x = leaky(self.hidden(leaky(self.conv(x)).flatten(1)))  # (B, C)
        return self.logit(x)[:, 0]
