"""The sampler against the exact solution for Gaussian data, and guidance term by term."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from baselines.ldm.config import NoiseConfig
from baselines.ldm.sampler import decode, initial_latents, predict, sample_latents
from baselines.ldm.schedulers import sampling_scheduler, training_scheduler

from .tiny import SCALE, autoencoder

NOISE = NoiseConfig()
TOKENS = torch.ones(2, 3, 5)


class GaussianData(nn.Module):
    """The exact noise prediction when latents are N(0, std^2)."""

    def __init__(self, std: float):
        super().__init__()
        self.std = nn.Parameter(torch.tensor(std))
        self.register_buffer("alpha_bar", training_scheduler(NOISE).alphas_cumprod)

    def forward(self, z_t, timestep, encoder_hidden_states):
        level = self.alpha_bar[timestep]
        noise = (1 - level).sqrt() * z_t / (level * self.std**2 + 1 - level)
        return SimpleNamespace(sample=noise)

    def flow(self, z_t, start: int, end: int):
        """Probability flow between two steps: every value keeps its quantile."""
        variances = self.alpha_bar * self.std**2 + 1 - self.alpha_bar
        return z_t * (variances[end] / variances[start]).sqrt()

    def clean(self, z_t, timestep: int):
        """Mean of z_0 given z_t."""
        level = self.alpha_bar[timestep]
        return level.sqrt() * self.std**2 / (level * self.std**2 + 1 - level) * z_t


class SumOfText(nn.Module):
    """Predicts z_t plus the sum of each caption's vectors, and counts what it is asked."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.batches = []

    def forward(self, z_t, timestep, encoder_hidden_states):
        self.batches.append(len(z_t))
        text = encoder_hidden_states.sum((1, 2))[:, None, None, None]
        return SimpleNamespace(sample=z_t + text)


def error(solver: str, num_steps: int) -> float:
    """Relative distance from the exact end of the flow.

    DDIM starts one stride and an offset of 1 below the end of the schedule, and ends at timestep 0.
    DPM-Solver++ starts at timestep 999, and ends with the mean of z_0 at the last one it visits.
    """
    network, z_T = GaussianData(0.5), initial_latents([1, 2], (4, 8, 8))
    z_0 = sample_latents(
        network, sampling_scheduler(NOISE, solver), TOKENS, z_T, guidance=1.0, num_steps=num_steps
    )
    if solver == "ddim":
        exact = network.flow(z_T, 1000 - 1000 // num_steps + 1, 0)
    else:
        end = round(999 / num_steps)
        exact = network.clean(network.flow(z_T, 999, end), end)
    return float((z_0 - exact).norm() / exact.norm())


@torch.no_grad()
def test_ddim_solves_the_flow_of_gaussian_data_to_first_order():
    errors = [error("ddim", num_steps) for num_steps in (50, 100, 200)]
    assert errors[2] < 0.02
    assert errors[1] == pytest.approx(errors[0] / 2, rel=0.1)
    assert errors[2] == pytest.approx(errors[1] / 2, rel=0.1)


@pytest.mark.parametrize("num_steps", [10, 25, 100])
@torch.no_grad()
def test_dpm_solver_is_closer_to_the_flow_of_gaussian_data(num_steps):
    assert error("dpm-solver++", num_steps) < min(0.01, 0.2 * error("ddim", num_steps))


@pytest.mark.parametrize("guidance", [0.0, 0.5, 3.0])
def test_guidance_extrapolates_from_the_dropped_caption(guidance):
    network, z_t = SumOfText(), torch.randn(2, 1, 2, 2)
    tokens = torch.stack([torch.ones(3, 5), torch.full((3, 5), 2.0)])  # sums 15 and 30
    predicted = predict(network, z_t, 500, tokens, guidance)
    expected = z_t + guidance * torch.tensor([15.0, 30.0])[:, None, None, None]
    torch.testing.assert_close(predicted, expected)
    assert network.batches == [4]


def test_without_guidance_one_pass():
    network, z_t = SumOfText(), torch.randn(2, 1, 2, 2)
    torch.testing.assert_close(predict(network, z_t, 500, TOKENS, 1.0), z_t + 15)
    assert network.batches == [2]


def test_the_network_is_asked_once_a_step():
    network = SumOfText()
    sample_latents(
        network,
        sampling_scheduler(NOISE, "ddim"),
        TOKENS,
        torch.zeros(2, 1, 2, 2),
        guidance=1.0,
        num_steps=7,
    )
    assert network.batches == [2] * 7


def test_initial_latents_follow_their_seed():
    both = initial_latents([5, 6], (4, 32, 32))
    assert torch.equal(both[1:], initial_latents([6], (4, 32, 32)))
    assert not torch.equal(both[0], both[1])
    assert both.shape == (2, 4, 32, 32)
    assert abs(float(both.mean())) < 0.05 and abs(float(both.std()) - 1) < 0.05


@torch.no_grad()
def test_decoding_undoes_the_scale():
    network, latents = autoencoder(), torch.randn(2, 4, 8, 16)
    images = decode(network, SCALE * latents)
    expected = (network.decode(latents).sample.clamp(-1, 1) + 1) / 2 * 255  # type: ignore[union-attr]
    assert images.dtype == torch.uint8 and images.shape == (2, 3, 16, 32)
    assert (images - expected).abs().max() <= 0.501
