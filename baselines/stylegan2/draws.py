"""Random numbers that a generator starts from: those of a training batch, and those of a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from baselines.stylegan2.pyramid import Pyramid
from gcdp_bench.core.rng import generator as seeded

NOISE = "noise."  # prefix of the noise of every convolution in a batch


def training_draws(
    config: Pyramid, num: int, generator: torch.Generator, *, style_mixing: float
) -> dict[str, Tensor]:
    """Latents and noise of `num` images.

    Style mixing (Karras et al. 2019): with the probability `style_mixing`, the styles from a random
    place on come from a second latent.

    Returns:
        z and other, standard normal (B, *z_shape); first, long (B,), the first w that comes from
        `other`, `num_ws` where none does; noise.0, noise.1, ..., standard normal (B, 1, h, w).
    """
    z, other = torch.randn(2, num, *config.z_shape, generator=generator)  # (B, *z_shape)
    mixed = torch.rand(num, generator=generator) < style_mixing  # (B,)
    first = torch.randint(1, config.num_ws, (num,), generator=generator)  # (B,)
    draws = {"z": z, "other": other, "first": first.where(mixed, config.num_ws)}
    for index, size in enumerate(config.noise_sizes):
        draws[f"{NOISE}{index}"] = torch.randn(num, 1, *size, generator=generator)
    return draws


def noise_of(draws: Mapping[str, Tensor], config: Pyramid) -> list[Tensor]:
    """The noise of every convolution, (B, 1, h, w), of `training_draws`."""
    return [draws[f"{NOISE}{index}"] for index in range(len(config.noise_sizes))]


def seeded_draws(
    config: Pyramid, seeds: Sequence[int], purpose: str, device: torch.device
) -> tuple[Tensor, list[Tensor]]:
    """z (B, *z_shape) and the noise of every convolution (B, 1, h, w), of i from seed i alone.

    Args:
        config: for the shapes.
        seeds: B seeds.
        purpose: tells the streams of different models apart.
        device: to put them on.
    """
    sources = [seeded(seed, purpose) for seed in seeds]
    z = torch.stack([torch.randn(config.z_shape, generator=source) for source in sources])
    noise = [
        torch.stack([torch.randn(1, *size, generator=source) for source in sources]).to(device)
        for size in config.noise_sizes
    ]
    return z.to(device), noise
