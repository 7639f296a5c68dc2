"""The schedule against its closed form."""

import numpy as np
import pytest
import torch

from baselines.ldm.config import NoiseConfig
from baselines.ldm.schedulers import sampling_scheduler, training_scheduler

from .tiny import NUMPY_2

NOISE = NoiseConfig()


def alpha_bar() -> np.ndarray:
    """float64 (T,): sqrt(beta) is linear."""
    beta = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    return np.cumprod(1 - beta)


def test_noise_level_of_every_step():
    expected = alpha_bar()
    assert expected[-1] == pytest.approx(0.00466, abs=5e-6)  # Rombach et al. end above zero
    for scheduler in (
        training_scheduler(NOISE),
        sampling_scheduler(NOISE, "ddim"),
        sampling_scheduler(NOISE, "dpm-solver++"),
    ):
        np.testing.assert_allclose(scheduler.alphas_cumprod.numpy(), expected, rtol=1e-4)


def test_forward_process():
    z_0, noise = torch.randn(3, 4, 2, 2, generator=torch.Generator().manual_seed(0)).split([1, 2])
    z_0 = z_0.expand(2, 4, 2, 2)
    timestep = torch.tensor([0, 999])
    level = torch.tensor(alpha_bar())[timestep][:, None, None, None]
    expected = level.sqrt() * z_0 + (1 - level).sqrt() * noise
    z_t = training_scheduler(NOISE).add_noise(z_0, noise, timestep)  # type: ignore[arg-type]
    torch.testing.assert_close(z_t, expected.float(), rtol=1e-4, atol=1e-5)


@NUMPY_2
def test_steps_of_the_solvers():
    ddim, dpm = (sampling_scheduler(NOISE, solver) for solver in ("ddim", "dpm-solver++"))
    for scheduler in (ddim, dpm):
        scheduler.set_timesteps(4)
    assert ddim.timesteps.tolist() == [751, 501, 251, 1]
    assert dpm.timesteps.tolist() == [999, 749, 500, 250]  # linear from 999 to 0, end left out


def test_number_of_steps_and_betas_are_the_configuration():
    scheduler = training_scheduler(NoiseConfig(num_steps=10, beta_start=0.1, beta_end=0.1))
    np.testing.assert_allclose(scheduler.alphas_cumprod.numpy(), 0.9 ** np.arange(1, 11), rtol=1e-6)
