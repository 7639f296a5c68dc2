"""Lafite's generator: StyleGAN2 synthesis whose every style also reads the text feature."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from baselines.lafite.config import NetworkConfig
from baselines.stylegan2.layers import (
    EPSILON,
    Linear,
    Resampler,
    StyledConv,
    ToRGB,
    perceptron,
)

Mix = tuple[Tensor, Tensor]
"""Style mixing: other z (B, Z), and the index long (B,) of the first w that comes from it."""


class Mapping(nn.Module):
    """z to w, with the running average of w that truncation needs."""

    w_average: Tensor

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.layers = perceptron(
            config.z_dim, config.w_dim, layers=config.mapping_layers, lr_factor=config.mapping_lr
        )
        self.register_buffer("w_average", torch.zeros(config.w_dim))
        self._decay = config.w_average_decay

    def forward(self, z: Tensor) -> Tensor:
        """Standard normal z (B, Z) to w (B, W); in training mode the average follows."""
        w = self.layers(z * (z.square().mean(1, keepdim=True) + EPSILON).rsqrt())  # (B, W)
        if self.training:
            self.w_average.lerp_(w.detach().mean(0), 1 - self._decay)
        return w


class ConcatStyle(nn.Module):
    """Style of one layer: affine([h', w]), h' two layers on the text (levels of <= 256 rows)."""

    def __init__(self, config: NetworkConfig, dim: int):
        super().__init__()
        self.text = perceptron(config.text_dim, config.w_dim, layers=2, lr_factor=config.text_lr)
        self.affine = Linear(2 * config.w_dim, dim, bias=1.0)

    def forward(self, text: Tensor, w: Tensor) -> Tensor:
        """(B, E) and (B, W) to (B, dim)."""
        return self.affine(torch.cat([self.text(text), w], 1))


class ScaledStyle(nn.Module):
    """Style of one layer: bias(h) + scale(h) affine(w), three layers each (above 256 rows).

    It starts as affine(w), scaled by about 1. How the authors initialise the branches is not
    published; this is ours.
    """

    def __init__(self, config: NetworkConfig, dim: int):
        super().__init__()
        self.scale, self.bias = (
            nn.Sequential(
                perceptron(config.text_dim, config.w_dim, layers=2, lr_factor=config.text_lr),
                Linear(config.w_dim, dim, bias=start),
            )
            for start in (1.0, 0.0)
        )
        self.affine = Linear(config.w_dim, dim, bias=1.0)

    def forward(self, text: Tensor, w: Tensor) -> Tensor:
        """(B, E) and (B, W) to (B, dim)."""
        return self.bias(text) + self.scale(text) * self.affine(w)


class Level(nn.Module):
    """Convolutions and colours of one size; all but the first level double it."""

    def __init__(self, config: NetworkConfig, level: int):
        super().__init__()
        dim = config.generator_channels[level]
        rows = config.level_sizes[level][0]
        style = ConcatStyle if rows <= config.concat_rows else ScaledStyle
        self.convs = nn.ModuleList()
        self.styles = nn.ModuleList()
        for index in range(config.convs[level]):
            up = level > 0 and index == 0
            in_dim = config.generator_channels[level - 1] if up else dim
            self.convs.append(
                StyledConv(in_dim, dim, up=up, low_pass=config.low_pass, noise_lr=config.noise_lr)
            )
            self.styles.append(style(config, in_dim))
        self.colour = ToRGB(dim)
        self.colour_style = style(config, dim)

    def forward(
        self, x: Tensor, ws: Tensor, text: Tensor, noise: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Features (B, C, h, w) and colours (B, 3, h, w).

        Args:
            x: features of the level below, (B, c, H, W).
            ws: (B, 1 + number of convolutions, W); the colours take the last.
            text: (B, E).
            noise: per convolution, (B, 1, h, w).
        """
        for index, (conv, style) in enumerate(zip(self.convs, self.styles, strict=True)):
            x = conv(x, style(text, ws[:, index]), noise[index])  # (B, C, h, w)
        return x, self.colour(x, self.colour_style(text, ws[:, -1]))


class Synthesis(nn.Module):
    """Styles to an image: a learned constant, levels of doubled size, colours summed over them."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.constant = nn.Parameter(torch.randn(config.generator_channels[0], *config.start_size))
        self.levels = nn.ModuleList(Level(config, level) for level in range(len(config.convs)))
        self.resampler = Resampler(low_pass=config.low_pass)
        self._convs = config.convs
        self._text_scale = config.text_scale

    def forward(self, ws: Tensor, text: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """Image float (B, 3, H, W), about [-1, 1] once trained; nothing clips it.

        Args:
            ws: (B, num_ws, W). Colours of a level share their w with the next level's first
                convolution, as in StyleGAN2; each has its own text layers.
            text: unit CLIP feature (B, E).
            noise: standard normal, one (B, 1, h, w) per convolution.
        """
        x = self.constant.expand(len(ws), -1, -1, -1)  # (B, C, h, w)
        x = x.contiguous(memory_format=torch.channels_last)  # the faster one on processors
        text = text * self._text_scale
        image, first = None, 0
        for level, count in zip(self.levels, self._convs, strict=True):
            last = first + count
            x, colours = level(x, ws[:, first : last + 1], text, noise[first:last])
            image = colours if image is None else self.resampler.up(image) + colours
            first = last
        assert image is not None
        return image


class LafiteGenerator(nn.Module):
    """z, text and noise to an image."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def ws(self, z: Tensor, *, psi: float = 1.0, mix: Mix | None = None) -> Tensor:
        """Style vectors (B, num_ws, W) for `synthesis`.

        Args:
            z: standard normal (B, Z).
            psi: truncation, w_average + psi (w - w_average); 1 leaves w as it is.
            mix: style mixing; at `num_ws` nothing comes from the other z.
        """
        num_ws = self.config.num_ws
        ws = self.mapping(z)[:, None].expand(-1, num_ws, -1)  # (B, num_ws, W)
        if mix is not None:
            other, first = mix
            places = torch.arange(num_ws, device=z.device)
            ws = torch.where(
                (places < first[:, None])[:, :, None], ws, self.mapping(other)[:, None]
            )  # (B, num_ws, W)
        if psi != 1.0:
            ws = self.mapping.w_average + psi * (ws - self.mapping.w_average)
        return ws

    def forward(
        self,
        z: Tensor,
        text: Tensor,
        noise: Sequence[Tensor],
        *,
        psi: float = 1.0,
        mix: Mix | None = None,
    ) -> Tensor:
        """Image float (B, 3, H, W); arguments as in `ws` and `Synthesis`.

        Image i depends on (z_i, text_i, noise_i, psi, mix_i) alone.

        Raises:
            ValueError: `noise` is not of the sizes in `NetworkConfig.noise_sizes`.
        """
        came = [tuple(part.shape) for part in noise]
        expected = [(len(z), 1, *size) for size in self.config.noise_sizes]
        if came != expected:
            raise ValueError(f"noise: expected tensors of {expected}, got {came}")
        return self.synthesis(self.ws(z, psi=psi, mix=mix), text, noise)
