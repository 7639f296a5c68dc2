"""Random numbers that a generator starts from: those of a training batch, and those of a seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.lafite.config import NetworkConfig
from baselines.lafite.generator_network import LafiteGenerator
from gcdp_bench.seeds import generator as seeded

NOISE = "noise."  # prefix of the noise of every convolution in a batch


def training_draws(
    config: NetworkConfig, num: int, generator: torch.Generator, *, style_mixing: float
) -> dict[str, Tensor]:
    """Latents and noise of `num` images.

    Style mixing (Karras et al. 2019): with the probability `style_mixing`, the styles from a random
    place on come from a second latent.

    Returns:
        z and other, standard normal (B, Z); first, long (B,), the first w that comes from `other`,
        `num_ws` where none does; noise.0, noise.1, ..., standard normal (B, 1, h, w).
    """
    z, other = torch.randn(2, num, config.z_dim, generator=generator)  # (B, Z)
    mixed = torch.rand(num, generator=generator) < style_mixing  # (B,)
    first = torch.randint(1, config.num_ws, (num,), generator=generator)  # (B,)
    draws = {"z": z, "other": other, "first": first.where(mixed, config.num_ws)}
    for index, size in enumerate(config.noise_sizes):
        draws[f"{NOISE}{index}"] = torch.randn(num, 1, *size, generator=generator)
    return draws


def styles(
    network: LafiteGenerator, draws: dict[str, Tensor], text: Tensor
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """What `network.synthesis` makes images from: ws (B, num_ws, W), text (B, E), noise."""
    ws = network.ws(draws["z"], mix=(draws["other"], draws["first"]))  # (B, num_ws, W)
    noise = [draws[f"{NOISE}{index}"] for index in range(len(network.config.noise_sizes))]
    return ws, text, noise


def seeded_draws(
    config: NetworkConfig, seeds: Sequence[int], device: torch.device
) -> tuple[Tensor, list[Tensor]]:
    """z (B, Z) and the noise of every convolution (B, 1, h, w), those of i from seed i alone."""
    sources = [seeded(seed, "lafite") for seed in seeds]
    z = torch.stack([torch.randn(config.z_dim, generator=source) for source in sources])  # (B, Z)
    noise = [
        torch.stack([torch.randn(1, *size, generator=source) for source in sources]).to(device)
        for size in config.noise_sizes
    ]
    return z.to(device), noise
