"""From noise to latents by one of diffusers' solvers, with classifier-free guidance."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gcdp_bench.core.device import device_of
from gcdp_bench.core.finite import FiniteCheck
from gcdp_bench.core.images import to_uint8
from gcdp_bench.core.rng import generator
from reference_model.stage import guided

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler


def initial_latents(seeds: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Standard normal (B, C, h, w); latents i depend on seed i only."""
    draws = [torch.randn(*shape, generator=generator(seed, "latents")) for seed in seeds]
    return torch.stack(draws)  # (B, C, h, w)


@torch.no_grad()
def sample_latents(
    network: nn.Module,
    scheduler: DDIMScheduler | DPMSolverMultistepScheduler,
    tokens: Tensor,
    noise: Tensor,
    *,
    guidance: float,
    num_steps: int,
) -> Tensor:
    """Solve the reverse process from pure noise.

    Args:
        network: noise prediction, a `UNet2DConditionModel`.
        scheduler: of `sampling_scheduler`.
        tokens: text vectors, float (B, L, D).
        noise: standard normal (B, C, h, w).
        guidance: w >= 0; 1 is the plain conditional model and skips the unconditional pass.
        num_steps: network evaluations S.

    Returns:
        Scaled latents (B, C, h, w).

    Raises:
        NotFinite: the network's output is not finite at some step.
    """
    check = FiniteCheck()
    device = device_of(network)
    z_t, tokens = noise.to(device), tokens.to(device)
    for step, timestep in enumerate(_timesteps(scheduler, num_steps), 1):
        predicted = predict(network, z_t, timestep, tokens, guidance)
        check.see(f"predicted noise at step {step} of {num_steps} (t = {timestep})", predicted)
        z_t = scheduler.step(predicted, timestep, z_t, return_dict=False)[0]
    check.require()
    return z_t


def predict(
    network: nn.Module, z_t: Tensor, timestep: int, tokens: Tensor, guidance: float
) -> Tensor:
    """Guided noise (B, C, h, w); both passes as one batch. The dropped caption is all zeros."""
    if guidance == 1.0:
        return network(z_t, timestep, encoder_hidden_states=tokens).sample
    both = torch.cat([torch.zeros_like(tokens), tokens])  # (2 B, L, D)
    twice = z_t.repeat(2, 1, 1, 1)  # (2 B, C, h, w)
    null, conditional = network(twice, timestep, encoder_hidden_states=both).sample.chunk(2)
    return guided(null, conditional, guidance)


@torch.no_grad()
def decode(autoencoder: AutoencoderKL, latents: Tensor) -> Tensor:
    """Scaled latents (B, C, h, w) to images uint8 (B, 3, H, W).

    Raises:
        NotFinite: the autoencoder's output is not finite.
    """
    scale = autoencoder.config["scaling_factor"]
    images = autoencoder.decode(latents / scale, return_dict=False)[0]
    return to_uint8(images, what="images that the autoencoder decodes after the last step")


def _timesteps(scheduler: DDIMScheduler | DPMSolverMultistepScheduler, num_steps: int) -> list[int]:
    """Make the scheduler ready for `num_steps`, and list where the network is asked."""
    with warnings.catch_warnings():
        # diffusers 0.42 reads a tensor by np.array(tensor ** 0.5), of which NumPy 2 disapproves
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        scheduler.set_timesteps(num_steps)
    return scheduler.timesteps.tolist()
