"""Random numbers that a generator starts from: those of a training batch, and those of a seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.gansformer.config import NetworkConfig
from baselines.gansformer.generator_network import GansformerGenerator
from gcdp_bench.seeds import generator as seeded

NOISE = "noise."  # prefix of the noise of every convolution in a batch


def training_draws(
    config: NetworkConfig, num: int, generator: torch.Generator, *, style_mixing: float
) -> dict[str, Tensor]:
    """Latents and noise of `num` images.

    Returns:
        z and other, standard normal (B, k + 1, D); first, long (B,), the first w that comes from
        `other`, `num_ws` where none does; noise.0, ..., standard normal (B, 1, h, w).
    """
    shape = (config.num_latents + 1, config.latent_dim)
    z, other = torch.randn(2, num, *shape, generator=generator)  # (B, k + 1, D)
    mixed = torch.rand(num, generator=generator) < style_mixing  # (B,)
    first = torch.randint(1, config.num_ws, (num,), generator=generator)  # (B,)
    draws = {"z": z, "other": other, "first": first.where(mixed, config.num_ws)}
    for index, size in enumerate(config.noise_sizes):
        draws[f"{NOISE}{index}"] = torch.randn(num, 1, *size, generator=generator)
    return draws


def drawn_images(network: GansformerGenerator, draws: dict[str, Tensor]) -> Tensor:
    """Images (B, 3, H, W) of `training_draws`."""
    ws = network.ws(draws["z"], mix=(draws["other"], draws["first"]))
    noise = [draws[f"{NOISE}{index}"] for index in range(len(network.config.noise_sizes))]
    return network.synthesis(ws, noise)


def seeded_draws(
    config: NetworkConfig, seeds: Sequence[int], device: torch.device
) -> tuple[Tensor, list[Tensor]]:
    """z (B, k + 1, D) and the noise of every convolution, those of i from seed i alone."""
    sources = [seeded(seed, "gansformer") for seed in seeds]
    shape = (config.num_latents + 1, config.latent_dim)
    z = torch.stack([torch.randn(shape, generator=source) for source in sources])
    noise = [
        torch.stack([torch.randn(1, *size, generator=source) for source in sources]).to(device)
        for size in config.noise_sizes
    ]
    return z.to(device), noise
