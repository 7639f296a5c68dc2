"""Convolutional blocks of the Efficient U-Net (Saharia et al. 2022)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reference_model.unet.attention import CrossAttention, Residual
from reference_model.unet.normed_conv import normed_conv


class CrossEmbedding(nn.Module):
    """Parallel convolutions of growing kernels, concatenated: dim/2, dim/4, ... channels."""

    def __init__(self, in_dim: int, dim: int, kernels: Sequence[int]):
        super().__init__()
        widths = [dim // 2 ** (i + 1) for i in range(len(kernels) - 1)]
        widths.append(dim - sum(widths))
        self.convs = nn.ModuleList(
            nn.Conv2d(in_dim, width, kernel, padding=kernel // 2)
            for width, kernel in zip(widths, sorted(kernels), strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_dim, H, W) to (B, dim, H, W)."""
        return torch.cat([conv(x) for conv in self.convs], 1)


class Block(nn.Module):
    """Group norm, scale and shift, SiLU, 3x3 convolution."""

    def __init__(self, in_dim: int, dim: int, *, groups: int):
        super().__init__()
        self.groupnorm = nn.GroupNorm(groups, in_dim)
        self.project = nn.Conv2d(in_dim, dim, 3, padding=1)

    def forward(self, x: Tensor, scale_shift: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """(B, in_dim, H, W) to (B, dim, H, W)."""
        return normed_conv(x, self.groupnorm, scale_shift, self.project)


class GlobalContext(nn.Module):
    """Channel gate from an attention-pooled summary of the whole map (Cao et al. 2020)."""

    def __init__(self, dim: int):
        super().__init__()
        hidden = max(3, dim // 2)
        self.to_k = nn.Conv2d(dim, 1, 1)
        self.net = nn.Sequential(
            nn.Conv2d(dim, hidden, 1), nn.SiLU(), nn.Conv2d(hidden, dim, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Gate (B, C, 1, 1) of (B, C, H, W)."""
        weights = self.to_k(x).flatten(2).softmax(-1)  # (B, 1, H W)
        pooled = x.flatten(2) @ weights.transpose(1, 2)  # (B, C, 1)
        return self.net(pooled[..., None])  # (B, C, 1, 1)


class ResnetBlock(nn.Module):
    """Two blocks with a residual; time scales and shifts the second, text enters between them."""

    def __init__(
        self,
        in_dim: int,
        dim: int,
        *,
        time_dim: int,
        groups: int,
        cross_attention: CrossAttention | None = None,
        global_context: bool = False,
    ):
        super().__init__()
        self.time_mlp = nn.Sequential(nn.SiLU(), nn.Linear(time_dim, 2 * dim))
        self.cross_attn = None if cross_attention is None else Residual(cross_attention)
        self.block1 = Block(in_dim, dim, groups=groups)
        self.block2 = Block(dim, dim, groups=groups)
        self.gca = GlobalContext(dim) if global_context else None
        self.res_conv = nn.Conv2d(in_dim, dim, 1) if in_dim != dim else nn.Identity()

    def forward(self, x: Tensor, time: Tensor, context: Tensor | None = None) -> Tensor:
        """(B, in_dim, H, W) to (r B, dim, H, W); `time` is (r B, time_dim).

        With r > 1 the maps are used for r conditions each, and what does not depend on `time` is
        computed once.
        """
        scale, shift = self.time_mlp(time)[:, :, None, None].chunk(2, 1)  # (r B, dim, 1, 1)
        repeats = len(time) // len(x)
        h = repeat(self.block1(x), repeats)
        if self.cross_attn is not None:
            h = self.cross_attn(h, context)
        h = self.block2(h, (scale, shift))
        if self.gca is None:
            return h + repeat(self.res_conv(x), repeats)
        return (h * self.gca(h)).add_(repeat(self.res_conv(x), repeats))


def repeat(x: Tensor, times: int) -> Tensor:
    """(B, ...) to (times B, ...), the whole batch one time after the other."""
    return x if times == 1 else torch.cat([x] * times)


def pixel_unshuffle(x: Tensor, factor: int) -> Tensor:
    """(B, C, r H, r W) to (B, C r^2, H, W), as torch's; a plain copy is faster on a CPU."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // factor, factor, width // factor, factor)
    return x.permute(0, 1, 3, 5, 2, 4).reshape(
        batch, channels * factor**2, height // factor, width // factor
    )


def pixel_shuffle(x: Tensor, factor: int) -> Tensor:
    """(B, C r^2, H, W) to (B, C, r H, r W), the inverse of `pixel_unshuffle`."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels // factor**2, factor, factor, height, width)
    return x.permute(0, 1, 4, 2, 5, 3).reshape(
        batch, channels // factor**2, factor * height, factor * width
    )


class PixelUnshuffle(nn.PixelUnshuffle):
    """See `pixel_unshuffle`."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, r H, r W) to (B, C r^2, H, W)."""
        return pixel_unshuffle(input, self.downscale_factor)


class PixelShuffle(nn.PixelShuffle):
    """See `pixel_shuffle`."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C r^2, H, W) to (B, C, r H, r W)."""
        return pixel_shuffle(input, self.upscale_factor)


def downsample(in_dim: int, dim: int) -> nn.Sequential:
    """2x2 pixels to channels, then a 1x1 convolution."""
    return nn.Sequential(PixelUnshuffle(2), nn.Conv2d(4 * in_dim, dim, 1))


class Upsample(nn.Module):
    """1x1 convolution and channels to 2x2 pixels, initialised alike for the four (ICNR)."""

    def __init__(self, in_dim: int, dim: int):
        super().__init__()
        conv = nn.Conv2d(in_dim, 4 * dim, 1)
        first = torch.empty(dim, in_dim, 1, 1)
        nn.init.kaiming_uniform_(first)
        with torch.no_grad():
            conv.weight.copy_(first.repeat_interleave(4, 0))
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        self.net = nn.Sequential(conv, nn.SiLU(), PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_dim, H, W) to (B, dim, 2 H, 2 W)."""
        return self.net(x)


class LearnedFourier(nn.Module):
    """A scalar and its sines and cosines at learned frequencies."""

    def __init__(self, num_frequencies: int = 8):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(num_frequencies))

    def forward(self, x: Tensor) -> Tensor:
        """(B,) to (B, 1 + 2 * num_frequencies)."""
        angles = 2 * math.pi * x[:, None] * self.weights  # (B, F)
        return torch.cat([x[:, None], angles.sin(), angles.cos()], -1)


def zero_linear(in_dim: int, dim: int) -> nn.Linear:
    """Linear layer that starts at zero."""
    linear = nn.Linear(in_dim, dim)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


def zero_conv(in_dim: int, dim: int) -> nn.Conv2d:
    """3x3 convolution that starts at zero."""
    conv = nn.Conv2d(in_dim, dim, 3, padding=1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv
