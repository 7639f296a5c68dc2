"""Exponential moving average of weights by the power rule of ema-pytorch, on torch's averager."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def power_decay(num_updates: int, max_decay: float, power: float = 2 / 3) -> float:
    """Decay after `num_updates` updates: min(max_decay, 1 - (1 + k)^-power)."""
    return min(max_decay, 1.0 - (1.0 + num_updates) ** -power)


def averaged(network: nn.Module, max_decay: float) -> AveragedModel:
    """Moving average of `network`; call `update_parameters(network)` after each step."""

    @torch.no_grad()
    def update(averages, parameters, num_averaged) -> None:
        weight = 1.0 - power_decay(int(num_averaged), max_decay)
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            list(averages), list(parameters), weight
        )

    return AveragedModel(network, multi_avg_fn=update, use_buffers=False)
