"""Every image sampler against the exact flow, against diffusers, and against its equation."""

from itertools import pairwise

import pytest
import torch

from gcdp_bench.core.sampling_config import SAMPLERS
from reference_model import gaussian
from reference_model.image_samplers import ancestral, image_step
from reference_model.joint import JointProcess, NoiseDraw, Pair, ProcessConfig, reverse_step
from reference_model.schedules import ScheduleConfig, respaced_transitions

FINE = ScheduleConfig(name="linear", num_steps=6400)
COARSE = ScheduleConfig(name="cosine", num_steps=50)


def images_only(schedule):
    config = ProcessConfig(image_schedule=schedule, layout_schedule=schedule, num_classes=None)
    return JointProcess(config)


def error(sampler: str, std: float, num_steps: int) -> float:
    """Relative distance from the exact flow of N(0, std^2), from t = T down to T / 8."""
    schedule = images_only(FINE).image
    levels = schedule.alpha_bar
    variances = levels * std**2 + 1.0 - levels
    x_t = start = torch.randn(1, 3, 4, 4, dtype=torch.float64, generator=seeded(0))
    step = image_step(sampler)
    for t, s in respaced_transitions(FINE.num_steps, num_steps)[: 7 * num_steps // 8]:
        x_0 = levels[t].sqrt() * std**2 / variances[t] * x_t  # mean of x_0 given x_t
        at = (schedule.at(torch.tensor([one])) for one in (t, s))
        x_t = step(x_0, x_t, *at, torch.zeros_like(x_t))
    exact = start * (variances[s] / variances[-1]).sqrt()
    return float((x_t - exact).norm() / exact.norm())


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("std", [0.2, 2.0])
@pytest.mark.parametrize(("sampler", "order"), [("ddim", 1), ("dpm-solver++", 2)])
def test_order_of_convergence_on_gaussian_data(sampler, order, std):
    errors = [error(sampler, std, num_steps) for num_steps in (64, 128, 256)]
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(2.0**order, rel=0.05), errors
    assert errors[-1] < 0.1**order


def bent(x_t, t):
    """A noise prediction that is no function of x_t alone, and whose x_0 is beyond [-1, 1]."""
    return torch.tanh(1.3 * x_t + t / 40.0) + 0.2 * x_t.roll(1, -1)


def own_run(sampler, x_T, num_steps):
    process, z, step = images_only(COARSE), Pair(x_T, None), image_step(sampler)
    for t, s in respaced_transitions(COARSE.num_steps, num_steps):
        noise = NoiseDraw(torch.zeros_like(x_T), None)
        z = reverse_step(process, z, t, s, bent(z.image, t), None, noise, image_step=step)
    return z.image


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of diffusers
@pytest.mark.parametrize("num_steps", [2, 5, 25])
@pytest.mark.parametrize("sampler", ["ddim", "dpm-solver++"])
def test_equals_the_scheduler_of_diffusers(sampler, num_steps):
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler

    levels = images_only(COARSE).image.alpha_bar
    shared = {
        "num_train_timesteps": COARSE.num_steps,
        "trained_betas": (1.0 - levels[1:] / levels[:-1]).numpy(),
        "thresholding": True,
        "dynamic_thresholding_ratio": 0.95,
        "sample_max_value": 1e6,
    }
    theirs = x_T = torch.randn(2, 3, 6, 6, generator=seeded(1))
    if sampler == "ddim":
        scheduler = DDIMScheduler(**shared, clip_sample=False, timestep_spacing="trailing")
        scheduler.set_timesteps(num_steps)
        options = {"eta": 0.0, "use_clipped_model_output": True}
    else:
        scheduler = DPMSolverMultistepScheduler(
            **shared, algorithm_type="dpmsolver++", solver_order=2, lower_order_final=False
        )
        steps = respaced_transitions(COARSE.num_steps, num_steps)
        scheduler.set_timesteps(timesteps=[t - 1 for t, _ in steps])  # diffusers counts from 0
        options = {}
    for index in scheduler.timesteps:
        noise = bent(theirs, int(index) + 1)
        theirs = scheduler.step(noise, index, theirs, **options).prev_sample
    torch.testing.assert_close(own_run(sampler, x_T, num_steps), theirs, rtol=0, atol=2e-5)


def test_ddim_is_the_equation_of_the_paper():
    """Eq. (12) of Song et al. with sigma = 0, in its own form: predicted x_0, then direction."""
    x_t, noise = (torch.randn(1, 3, 2, 2, dtype=torch.float64, generator=seeded(i)) for i in (2, 3))
    a_t, a_s = (torch.full((1, 1, 1, 1), level, dtype=torch.float64) for level in (0.3, 0.6))
    x_0 = gaussian.predict_x_0(x_t, noise, a_t)
    expected = a_s.sqrt() * (x_t - (1 - a_t).sqrt() * noise) / a_t.sqrt() + (1 - a_s).sqrt() * noise
    torch.testing.assert_close(gaussian.ddim(x_0, x_t, a_t, a_s), expected)


def test_the_ancestral_step_is_the_posterior_to_the_bit():
    process, source = images_only(COARSE), seeded(4)
    x_t, noise_hat, normal = (torch.randn(2, 3, 4, 4, generator=source) for _ in range(3))
    z_s = reverse_step(process, Pair(x_t, None), 30, 20, noise_hat, None, NoiseDraw(normal, None))
    a_t, a_s = (process.image.at(torch.tensor([t])) for t in (30, 20))
    x_0 = gaussian.dynamic_threshold(gaussian.predict_x_0(x_t, noise_hat, a_t))
    mean, variance = gaussian.posterior(x_0, x_t, a_t, a_s)
    assert torch.equal(z_s.image, mean + variance.sqrt() * normal)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_last_step_returns_x_0(sampler):
    """To s = 0 nothing is left of x_t, of noise or of an earlier prediction."""
    step, source = image_step(sampler), seeded(5)
    x_t, normal, first, last = (torch.randn(1, 3, 4, 4, generator=source) for _ in range(4))
    schedule = images_only(COARSE).image
    for x_0, t, s in ((first, 10, 5), (last, 5, 0)):
        at_t, at_s = (schedule.at(torch.tensor([one])) for one in (t, s))
        x_t = step(x_0, x_t, at_t, at_s, normal)
    torch.testing.assert_close(x_t, last)


def test_every_run_has_its_own_solver():
    assert image_step("dpm-solver++") is not image_step("dpm-solver++")
    assert image_step("ancestral") is ancestral


def test_an_unknown_sampler_is_refused():
    with pytest.raises(ValueError, match="sampler: expected ancestral, ddim, dpm-solver.., got"):
        image_step("euler")  # type: ignore[arg-type]
