"""GANformer's generator: StyleGAN2 synthesis whose features also read a set of latents."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.gansformer.attention import BipartiteAttention
from baselines.gansformer.config import NetworkConfig
from baselines.stylegan2.layers import (
    EPSILON,
    Conv,
    Linear,
    Resampler,
    StyledConv,
    ToRGB,
    perceptron,
)

Mix = tuple[Tensor, Tensor]
"""Style mixing: other z (B, k + 1, D), and the index, long (B,), of the first w of its own."""


class SelfAttention(nn.Module):
    """Latents read each other."""

    def __init__(self, dim: int, *, lr_factor: float):
        super().__init__()
        self.query, self.key, self.value = (Linear(dim, dim, lr_factor=lr_factor) for _ in range(3))

    def forward(self, y: Tensor) -> Tensor:
        """(B, k, D) to (B, k, D)."""
        scores = self.query(y) @ self.key(y).mT / math.sqrt(y.shape[-1])  # (B, k, k)
        return scores.softmax(-1) @ self.value(y)


class MappingBlock(nn.Module):
    """Residual self-attention and two layers on each latent."""

    def __init__(self, dim: int, *, lr_factor: float):
        super().__init__()
        self.attention = SelfAttention(dim, lr_factor=lr_factor)
        self.layers = perceptron(dim, dim, layers=2, lr_factor=lr_factor)

    def forward(self, y: Tensor) -> Tensor:
        """(B, k, D) to (B, k, D)."""
        y = (y + self.attention(y)) / math.sqrt(2)
        return (y + self.layers(y)) / math.sqrt(2)


class Mapping(nn.Module):
    """z to w: k latents that share their layers, and the global one, which has its own.

    It keeps the running average of w that truncation needs.
    """

    w_average: Tensor

    def __init__(self, config: NetworkConfig):
        super().__init__()
        dim, rate = config.latent_dim, config.mapping_lr
        self.blocks = nn.ModuleList(
            MappingBlock(dim, lr_factor=rate) for _ in range(config.mapping_layers // 2)
        )
        self.globe = perceptron(dim, dim, layers=config.mapping_layers, lr_factor=rate)
        self.register_buffer("w_average", torch.zeros(config.num_latents + 1, dim))
        self._decay = config.w_average_decay

    def forward(self, z: Tensor) -> Tensor:
        """Standard normal z (B, k + 1, D), the global one last, to w of the same shape.

        In training mode the average follows.
        """
        z = z * (z.square().mean(2, keepdim=True) + EPSILON).rsqrt()
        y = z[:, :-1]  # (B, k, D)
        for block in self.blocks:
            y = block(y)
        w = torch.cat([y, self.globe(z[:, -1:])], 1)  # (B, k + 1, D)
        if self.training:
            self.w_average.lerp_(w.detach().mean(0), 1 - self._decay)
        return w


class Level(nn.Module):
    """Convolutions of one size, each followed by attention; a residual path beside them."""

    def __init__(self, config: NetworkConfig, level: int):
        super().__init__()
        dim, size = config.channels[level], config.level_sizes[level]
        below = config.channels[max(level - 1, 0)]
        self.convs, self.styles, self.attentions = (nn.ModuleList() for _ in range(3))
        for index in range(config.convs[level]):
            up = level > 0 and index == 0
            in_dim = below if up else dim
            self.convs.append(
                StyledConv(in_dim, dim, up=up, low_pass=config.low_pass, noise_lr=config.noise_lr)
            )
            self.styles.append(Linear(config.latent_dim, in_dim, bias=1.0))
            if size[0] <= config.attention_rows:
                self.attentions.append(
                    BipartiteAttention(
                        dim,
                        latent_dim=config.latent_dim,
                        num_latents=config.num_latents,
                        size=size,
                        duplex=config.attention == "duplex",
                        first=level == index == 0,
                    )
                )
        self.skip = Conv(below, dim, 1, bias=False) if level > 0 else None
        self.resampler = Resampler(low_pass=config.low_pass)

    def forward(
        self, x: Tensor, ws: Tensor, noise: Sequence[Tensor], centroids: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Features (B, C, h, w), and the last keys of attention, see `BipartiteAttention`.

        Args:
            x: features of the level below, (B, c, H, W).
            ws: (B, number of convolutions, k + 1, D).
            noise: per convolution, (B, 1, h, w).
            centroids: of the layer before.
        """
        skip = None if self.skip is None else self.resampler.up(self.skip(x))  # (B, C, h, w)
        for index, (conv, style) in enumerate(zip(self.convs, self.styles, strict=True)):
            x = conv(x, style(ws[:, index, -1]), noise[index])  # (B, C, h, w)
            if len(self.attentions):
                x, centroids = self.attentions[index](x, ws[:, index, :-1], centroids)
        return (x if skip is None else (x + skip) / math.sqrt(2)), centroids


class Synthesis(nn.Module):
    """Latents to an image: a learned constant, levels of doubled size, colours of the last."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.constant = nn.Parameter(torch.randn(config.channels[0], *config.start_size))
        self.levels = nn.ModuleList(Level(config, level) for level in range(len(config.convs)))
        self.colour = ToRGB(config.channels[-1])
        self.colour_style = Linear(config.latent_dim, config.channels[-1], bias=1.0)
        self._convs = config.convs

    def forward(self, ws: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """Image float (B, 3, H, W), about [-1, 1] once trained; nothing clips it.

        Args:
            ws: (B, num_ws, k + 1, D).
            noise: standard normal, one (B, 1, h, w) per convolution.
        """
        x = self.constant.expand(len(ws), -1, -1, -1)  # (B, C, h, w)
        x = x.contiguous(memory_format=torch.channels_last)  # the faster one on processors
        centroids, first = None, 0
        for level, count in zip(self.levels, self._convs, strict=True):
            last = first + count
            x, centroids = level(x, ws[:, first:last], noise[first:last], centroids)
            first = last
        return self.colour(x, self.colour_style(ws[:, -1, -1]))


class GansformerGenerator(nn.Module):
    """z and noise to an image."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def ws(self, z: Tensor, *, psi: float = 1.0, mix: Mix | None = None) -> Tensor:
        """Latents (B, num_ws, k + 1, D) for `synthesis`.

        Args:
            z: standard normal (B, k + 1, D).
            psi: truncation, w_average + psi (w - w_average); 1 leaves w as it is.
            mix: style mixing; at `num_ws` nothing comes from the other z.
        """
        num_ws = self.config.num_ws
        ws = self.mapping(z)[:, None].expand(-1, num_ws, -1, -1)  # (B, num_ws, k + 1, D)
        if mix is not None:
            other, first = mix
            kept = torch.arange(num_ws, device=z.device) < first[:, None]  # (B, num_ws)
            ws = torch.where(kept[..., None, None], ws, self.mapping(other)[:, None])
        if psi != 1.0:
            ws = self.mapping.w_average + psi * (ws - self.mapping.w_average)
        return ws

    def forward(self, z: Tensor, noise: Sequence[Tensor], *, psi: float = 1.0) -> Tensor:
        """Image float (B, 3, H, W); image i depends on (z_i, noise_i, psi) alone.

        Raises:
            ValueError: `noise` is not of the sizes in `NetworkConfig.noise_sizes`.
        """
        came = [tuple(part.shape) for part in noise]
        expected = [(len(z), 1, *size) for size in self.config.noise_sizes]
        if came != expected:
            raise ValueError(f"noise: expected tensors of {expected}, got {came}")
        return self.synthesis(self.ws(z, psi=psi), noise)
