"""Exponential moving average of weights by the power rule of ema-pytorch, on torch's averager."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


def power_decay(num_updates: int, max_decay: float, power: float = 2 / 3) -> float:
    """Decay after `num_updates` updates: min(max_decay, 1 - (1 + k)^-power)."""
    return min(max_decay, 1.0 - (1.0 + num_updates) ** -power)


class MovingAverage(AveragedModel):
    """Moving average of a network's parameters; buffers are those of the network.

    It does what `AveragedModel` does in one call for all parameters, and has its state dict.
    """

    def __init__(self, network: nn.Module, max_decay: float):
        super().__init__(network)
        self.max_decay = max_decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take in the parameters of `model` after a step; the first ones are copied."""
        weight = 1.0 - power_decay(int(self.n_averaged), self.max_decay)
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            list(self.module.parameters()), list(model.parameters()), weight
        )
        for own, other in zip(self.module.buffers(), model.buffers(), strict=True):
            own.copy_(other)
        self.n_averaged += 1
