"""Noise schedules on integer steps, built in float64, and the respaced sampling grid.

Step t runs from 0 (clean data, alpha_bar = 1 exactly) to T. The continuous schedule alpha_bar(u),
u in [0, 1], is read at u = t / T:

- image chain: alpha_bar_t = alpha_bar(t / T) for t >= 1, so the network's log SNR is the authors';
- layout chain (`normalized=True`): alpha_bar_t = alpha_bar(t / T) / alpha_bar(0), so that the
  product of the transitions from the clean level is alpha_bar_t.

alpha_bar is bounded away from 0 (log SNR >= -13): the first sampling step then stays within the
noise levels that training sees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

ScheduleName = Literal["cosine", "linear"]

MIN_LOG_SNR, MAX_LOG_SNR = -13.0, 9.0
COSINE_OFFSET = 0.008


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """Noise schedule and number of steps.

    `power` p turns `cosine` into cos^(2p): 1 is Nichol and Dhariwal's schedule, 0.5 the form that
    multinomial diffusion uses for labels.
    """

    name: ScheduleName = "cosine"
    num_steps: int = 1000
    power: float = 1.0

    def __post_init__(self):
        if self.name not in ("cosine", "linear"):
            raise ValueError(f"schedule name: expected 'cosine' or 'linear', got {self.name!r}")
        if self.num_steps < 1:
            raise ValueError(f"num_steps: expected at least 1, got {self.num_steps}")
        if not 0.0 < self.power < math.inf:
            raise ValueError(f"power: expected a finite value above 0, got {self.power}")
        if self.name == "linear" and self.power != 1.0:
            raise ValueError(f"power belongs to 'cosine'; 'linear' needs 1.0, got {self.power}")


class Schedule:
    """The levels of one chain.

    Attributes:
        num_steps: T.
        alpha_bar: float64 (T + 1,), decreasing, alpha_bar[0] = 1.
        log_snr: float64 (T + 1,), log(alpha_bar / (1 - alpha_bar)) clamped to [-13, 9], what the
            network is told. In the image chain alpha_bar agrees with the clamp at every t >= 1; in
            the layout chain with its lower end.
    """

    def __init__(self, config: ScheduleConfig, *, normalized: bool = False):
        time = torch.arange(config.num_steps + 1, dtype=torch.float64) / config.num_steps  # (T+1,)
        alpha_bar = continuous_alpha_bar(config.name, time, config.power)  # (T+1,)
        if normalized:
            alpha_bar = alpha_bar / alpha_bar[0]
        highest = math.inf if normalized else MAX_LOG_SNR
        log_snr = torch.logit(alpha_bar)  # (T+1,)
        self.alpha_bar = torch.sigmoid(log_snr.clamp(MIN_LOG_SNR, highest))  # (T+1,)
        self.alpha_bar[0] = 1.0
        self.log_snr = torch.logit(self.alpha_bar).clamp(MIN_LOG_SNR, MAX_LOG_SNR)  # (T+1,)
        self.num_steps = config.num_steps

    def at(self, t: Int[Tensor, " B"], *, ndim: int = 4) -> Float[Tensor, "*_"]:
        """alpha_bar_t, float64, shaped (B, 1, ..., 1) with `ndim` axes, on the device of `t`."""
        return self.alpha_bar.to(t.device)[t].reshape(-1, *[1] * (ndim - 1))


def continuous_alpha_bar(
    name: ScheduleName, time: Float[Tensor, "*_"], power: float = 1.0
) -> Float[Tensor, "*_"]:
    """alpha_bar(time) of the authors' continuous schedules, time in [0, 1].

    `cosine`: cos^(2 power)((time + 0.008) / 1.008 * pi / 2) (Nichol and Dhariwal 2021, not divided
    by its value at 0); `linear`: exp(-(1e-4 + 10 time^2)).
    """
    if name == "linear":
        return torch.exp(-(1e-4 + 10.0 * time**2))
    angle = (time + COSINE_OFFSET) / (1.0 + COSINE_OFFSET) * (math.pi / 2)
    return torch.cos(angle).clamp_min(0.0) ** (2.0 * power)


def respaced_steps(num_train_steps: int, num_steps: int) -> tuple[int, ...]:
    """Sampling grid T = t_S > ... > t_1 >= 1 with t_i = round(i T / S), each visited once.

    The last transition goes from t_1 to 0.

    Raises:
        ValueError: S is not in 1..T.
    """
    if not 1 <= num_steps <= num_train_steps:
        raise ValueError(
            f"num_steps: expected 1 to {num_train_steps} (the steps of training), got {num_steps}"
        )
    return tuple(
        (2 * i * num_train_steps + num_steps) // (2 * num_steps) for i in range(num_steps, 0, -1)
    )


def respaced_transitions(num_train_steps: int, num_steps: int) -> list[tuple[int, int]]:
    """The S reverse transitions (t, s) of `respaced_steps`, from T down to 0."""
    steps = [*respaced_steps(num_train_steps, num_steps), 0]
    return list(zip(steps[:-1], steps[1:], strict=True))
