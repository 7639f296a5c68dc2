"""Layers of StyleGAN2 (Karras et al. 2020), without kernels of its own.

Weights are standard normal and scaled when used ("equalised learning rate", Karras et al. 2018),
so that Adam moves every layer at one relative speed. Resizing is by a factor of two with the
separable filter [1, 3, 3, 1], or [1, 1] when `low_pass` is off; outside the image is zero.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
EPSILON = 1e-8


def leaky(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2, times sqrt(2) to keep the variance; any shape."""
    return F.leaky_relu(x, SLOPE) * math.sqrt(2)


class Linear(nn.Module):
    """Linear layer of equalised learning rate.

    Args:
        in_dim: width of the input.
        dim: width of the output.
        bias: initial value of every bias.
        lr_factor: on the learning rate; the initial function does not depend on it.
    """

    def __init__(self, in_dim: int, dim: int, *, bias: float = 0.0, lr_factor: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim, in_dim) / lr_factor)
        self.bias = nn.Parameter(torch.full((dim,), bias / lr_factor))
        self._lr_factor = lr_factor

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_dim) to (B, dim)."""
        scale = self._lr_factor / math.sqrt(self.weight.shape[1])
        return F.linear(x, self.weight * scale, self.bias * self._lr_factor)


def perceptron(in_dim: int, dim: int, *, layers: int, lr_factor: float) -> nn.Sequential:
    """`layers` linear layers, each with leaky ReLU: (B, in_dim) to (B, dim)."""
    parts: list[nn.Module] = []
    for layer in range(layers):
        parts += [Linear(in_dim if layer == 0 else dim, dim, lr_factor=lr_factor), Leaky()]
    return nn.Sequential(*parts)


class Leaky(nn.Module):
    """`leaky` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return leaky(x)


class Resampler(nn.Module):
    """Low-pass filter and the resizing by two that goes with it."""

    def __init__(self, *, low_pass: bool):
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0] if low_pass else [1.0, 1.0])
        taps = taps / taps.sum()
        self.register_buffer("filter", taps[:, None] * taps, persistent=False)  # (N, N)
        self._taps = len(taps)

    def down(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H / 2, W / 2)."""
        return F.conv2d(
            x, self._kernel(x), stride=2, padding=self._taps // 2 - 1, groups=x.shape[1]
        )

    def up(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, 2 H, 2 W); each axis is filtered with gain 2."""
        return F.conv_transpose2d(
            x, 4 * self._kernel(x), stride=2, padding=self._taps // 2 - 1, groups=x.shape[1]
        )

    def conv_down(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Filter, then a convolution (O, C, 3, 3) of stride 2: to (B, O, H / 2, W / 2)."""
        x = F.conv2d(x, self._kernel(x), padding=self._taps // 2, groups=x.shape[1])
        return F.conv2d(x, weight, bias, stride=2)  # (B, O, H / 2, W / 2)

    def conv_up(self, x: Tensor, weight: Tensor) -> Tensor:
        """Zeros between the pixels, a convolution (O, C, 3, 3), filter: to (B, O, 2 H, 2 W).

        The order of convolution and filter makes no difference inside the image; this one
        multiplies at the low resolution.
        """
        mirrored = weight.transpose(0, 1).flip(2, 3)  # (C, O, 3, 3)
        x = F.conv_transpose2d(x, mirrored, stride=2)  # (B, O, 2 H + 1, 2 W + 1)
        kernel = 4 * self._kernel(x)
        return F.conv2d(x, kernel, padding=self._taps // 2 - 1, groups=x.shape[1])

    def _kernel(self, x: Tensor) -> Tensor:
        """(C, 1, N, N), one filter per channel."""
        size = (x.shape[1], 1, self._taps, self._taps)
        return self.get_buffer("filter").to(x.dtype).expand(size).contiguous()


class Conv(nn.Module):
    """Convolution of equalised learning rate, size kept."""

    def __init__(self, in_dim: int, dim: int, kernel: int, *, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim, in_dim, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(dim)) if bias else None
        self._scale = 1 / math.sqrt(in_dim * kernel**2)
        self._padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_dim, H, W) to (B, dim, H, W)."""
        return F.conv2d(x, self.weight * self._scale, self.bias, padding=self._padding)


class DownConv(nn.Module):
    """3x3 convolution of equalised learning rate to half the size."""

    def __init__(self, in_dim: int, dim: int, *, low_pass: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim, in_dim, 3, 3))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.resampler = Resampler(low_pass=low_pass)
        self._scale = 1 / math.sqrt(in_dim * 9)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_dim, H, W) to (B, dim, H / 2, W / 2)."""
        return self.resampler.conv_down(x, self.weight * self._scale, self.bias)


class StyledConv(nn.Module):
    """3x3 convolution whose input channels the style scales, noise, bias, leaky ReLU.

    Each output channel is divided by the length of its scaled weights (demodulation, Section 2.2
    of Karras et al. 2020). Scaling the input and the output instead of the weights is the same and
    needs one convolution for the batch.

    Args:
        in_dim: channels of the input.
        dim: channels of the output.
        up: double the size.
        low_pass: see `Resampler`.
        noise_lr: learning-rate factor of the noise's strength, which starts at 0.
    """

    def __init__(self, in_dim: int, dim: int, *, up: bool, low_pass: bool, noise_lr: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim, in_dim, 3, 3))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.resampler = Resampler(low_pass=low_pass) if up else None
        self._scale = 1 / math.sqrt(in_dim * 9)
        self._noise_lr = noise_lr

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """(B, in_dim, H, W) to (B, dim, h, w), twice the size with `up`.

        Args:
            x: features.
            style: (B, in_dim).
            noise: standard normal (B, 1, h, w).
        """
        weight = self.weight * self._scale
        lengths = style.square() @ weight.square().sum((2, 3)).T  # (B, dim)
        x = x * style[:, :, None, None]
        if self.resampler is None:
            x = F.conv2d(x, weight, padding=1)  # (B, dim, H, W)
        else:
            x = self.resampler.conv_up(x, weight)  # (B, dim, 2 H, 2 W)
        x = x * (lengths + EPSILON).rsqrt()[:, :, None, None]
        noise = self.noise_strength * self._noise_lr * noise
        return leaky(x + noise + self.bias[:, None, None])


class ToRGB(nn.Module):
    """1x1 convolution to colours; the style scales its input channels, nothing is divided."""

    def __init__(self, in_dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, in_dim, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self._scale = 1 / math.sqrt(in_dim)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(B, in_dim, H, W) and (B, in_dim) to (B, 3, H, W)."""
        x = x * (style * self._scale)[:, :, None, None]
        return F.conv2d(x, self.weight, self.bias)  # (B, 3, H, W)
