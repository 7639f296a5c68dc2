"""StyleGAN2's residual discriminator, up to its last hidden layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.stylegan2.layers import EPSILON, Conv, DownConv, Linear, Resampler, leaky
from gcdp_bench.core.images import Size


class Block(nn.Module):
    """Residual block to half the size: convolutions, and a 1x1 convolution beside them."""

    def __init__(self, in_dim: int, dim: int, *, convs: int, low_pass: bool):
        super().__init__()
        self.convs = nn.ModuleList(Conv(in_dim, in_dim, 3) for _ in range(convs - 1))
        self.down = DownConv(in_dim, dim, low_pass=low_pass)
        self.skip = Conv(in_dim, dim, 1, bias=False)
        self.resampler = Resampler(low_pass=low_pass)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_dim, H, W) to (B, dim, H / 2, W / 2)."""
        skip = self.skip(self.resampler.down(x))  # (B, dim, H / 2, W / 2)
        for conv in self.convs:
            x = leaky(conv(x))
        return (leaky(self.down(x)) + skip) / math.sqrt(2)  # (B, dim, H / 2, W / 2)


class Trunk(nn.Module):
    """Images to hidden features; what is read from these is for the discriminator to say.

    Args:
        channels: one per level, from the smallest size up.
        convs: one per level; the first is not read.
        start_size: (height, width) of the last map.
        minibatch_std_group: images per group of the statistic; 1: each image alone.
        low_pass: see `Resampler`.
    """

    def __init__(
        self,
        *,
        channels: Sequence[int],
        convs: Sequence[int],
        start_size: Size,
        minibatch_std_group: int,
        low_pass: bool,
    ):
        super().__init__()
        self.from_rgb = Conv(3, channels[-1], 1)
        self.blocks = nn.ModuleList(
            Block(channels[level], channels[level - 1], convs=convs[level], low_pass=low_pass)
            for level in range(len(channels) - 1, 0, -1)
        )
        self.conv = Conv(channels[0] + 1, channels[0], 3)
        height, width = start_size
        self.hidden = Linear(channels[0] * height * width, channels[0])
        self._group = minibatch_std_group

    def features(self, images: Tensor) -> Tensor:
        """float [-1, 1] (B, 3, H, W) to (B, C).

        Raises:
            ValueError: B is above `minibatch_std_group` and not a multiple of it.
        """
        x = images.contiguous(memory_format=torch.channels_last)  # the faster one on processors
        x = leaky(self.from_rgb(x))  # (B, C, H, W)
        for block in self.blocks:
            x = block(x)
        x = with_minibatch_std(x, self._group)  # (B, C + 1, h, w)
        return leaky(self.hidden(leaky(self.conv(x)).flatten(1)))  # (B, C)


def with_minibatch_std(x: Tensor, group: int) -> Tensor:
    """Append how much the images of a group differ: one number per group, as a channel.

    The number is the standard deviation over the group (population, + 1e-8 under the root),
    averaged over channels and pixels (Karras et al. 2018). Groups are neighbours in the batch, so
    two batches of whole groups may be evaluated as one.

    Args:
        x: features (B, C, h, w).
        group: images per group; a batch below it is one group.

    Raises:
        ValueError: B is above `group` and not a multiple of it.
    """
    num, _, height, width = x.shape
    group = min(group, num)
    if num % group:
        raise ValueError(
            f"expected a batch of a multiple of minibatch_std_group={group} images, got {num}; "
            "change one of the two"
        )
    groups = x.unflatten(0, (-1, group))  # (B / group, group, C, h, w)
    spread = (groups.var(1, correction=0) + EPSILON).sqrt().mean((1, 2, 3))  # (B / group,)
    channel = spread.repeat_interleave(group)[:, None, None, None]  # (B, 1, 1, 1)
    return torch.cat([x, channel.expand(-1, 1, height, width)], 1)  # (B, C + 1, h, w)
