"""The noise schedule as diffusers' schedulers: one adds noise in training, two take it away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.ldm.config import NoiseConfig
from gcdp_bench.core.sampling_config import Solver

if TYPE_CHECKING:
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler


def training_scheduler(noise: NoiseConfig) -> DDPMScheduler:
    """q(z_t | z_0). diffusers counts timesteps from 0: its t is step t + 1 of the project."""
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    return DDPMScheduler(**_schedule(noise))


def sampling_scheduler(
    noise: NoiseConfig, solver: Solver
) -> DDIMScheduler | DPMSolverMultistepScheduler:
    """Solver of the reverse process; neither clips latents, neither adds noise.

    "ddim": Song et al. 2021 with eta 0, steps spaced as Stable Diffusion does.
    "dpm-solver++": Lu et al. 2022, second order, multistep, from the last step to the first.
    """
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

    if solver == "ddim":
        return DDIMScheduler(
            **_schedule(noise),
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
            timestep_spacing="leading",
        )
    return DPMSolverMultistepScheduler(
        **_schedule(noise),
        algorithm_type="dpmsolver++",
        solver_order=2,
        steps_offset=1,
        timestep_spacing="linspace",
    )


def _schedule(noise: NoiseConfig) -> dict[str, Any]:
    return {
        "num_train_timesteps": noise.num_steps,
        "beta_start": noise.beta_start,
        "beta_end": noise.beta_end,
        "beta_schedule": "scaled_linear",
        "prediction_type": "epsilon",
    }
