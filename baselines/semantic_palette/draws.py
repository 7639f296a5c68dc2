"""Inputs of a sample by its seed: a palette, a layout, the noise of the image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.semantic_palette.model import TrainedLayouts
from gcdp_bench.core.device import device_of
from gcdp_bench.core.finite import require_finite
from gcdp_bench.core.images import Size, resize_images
from gcdp_bench.core.rng import generator as seeded


def layouts_from_seeds(trained: TrainedLayouts, seeds: Sequence[int], size: Size) -> Tensor:
    """Hard layouts uint8 (B, H, W): the likeliest class of the soft layouts, resized to `size`.

    Raises:
        NotFinite: a soft layout is not finite.
    """
    palettes, noise = [], []
    for seed in seeds:
        source = seeded(seed, "semantic-palette", "layout")
        palettes.append(trained.palettes.draw(1, source)[0])  # (K,)
        noise.append(torch.randn(trained.config.network.z_dim, generator=source))  # (Z,)
    device = device_of(trained.network)
    soft = trained.network.draw(torch.stack(noise).to(device), torch.stack(palettes).to(device))
    require_finite("soft layouts of step 1 of 1", soft)
    return resize_images(soft, size).argmax(1).to(torch.uint8)  # (B, H, W)


def noise_from_seeds(z_dim: int, seeds: Sequence[int]) -> Tensor:
    """Noise of images, standard normal (B, Z)."""
    sources = [seeded(seed, "semantic-palette", "image") for seed in seeds]
    return torch.stack([torch.randn(z_dim, generator=source) for source in sources])  # (B, Z)
