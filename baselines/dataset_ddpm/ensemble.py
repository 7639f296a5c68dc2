"""The ensemble of pixel classifiers, what it votes for and how far it disagrees."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.dataset_ddpm.config import LabelConfig

INIT_STD = 0.02


class PixelEnsemble(nn.Module):
    """M multilayer perceptrons on the features of one pixel (Baranchuk et al. 2022, Section 4).

    Each is Linear, ReLU, BatchNorm, Linear, ReLU, BatchNorm, Linear; weights start at N(0, 0.02^2),
    biases at 0.

    Args:
        config: number of members, hidden widths and classes K.
        width: F of the features.
    """

    def __init__(self, config: LabelConfig, width: int):
        super().__init__()
        num_classes = len(config.class_names)
        self.members = nn.ModuleList(
            _perceptron(width, config.hidden, num_classes) for _ in range(config.members)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Logits of every member.

        Args:
            features: float (P, M, F), member m reads [:, m]; or (P, F), which all of them read.

        Returns:
            float (P, M, K).
        """
        num = len(self.members)
        own = [features] * num if features.ndim == 2 else features.unbind(1)  # M x (P, F)
        logits = [member(x) for member, x in zip(self.members, own, strict=True)]
        return torch.stack(logits, 1)  # (P, M, K)


def vote(logits: Tensor) -> Tensor:
    """The class that most members choose; of several, the one with the highest summed probability.

    Args:
        logits: float (P, M, K), K <= 255.

    Returns:
        uint8 (P,).
    """
    num_classes = logits.shape[-1]
    counts = F.one_hot(logits.argmax(-1), num_classes).sum(1)  # (P, K)
    probability = logits.softmax(-1).mean(1)  # (P, K), below 1 where members differ
    return (counts + probability).argmax(-1).to(torch.uint8)  # (P,)


def disagreement(logits: Tensor) -> Tensor:
    """Jensen-Shannon divergence of the members: H(mean_m p_m) - mean_m H(p_m).

    Args:
        logits: float (P, M, K).

    Returns:
        float (P,) in nats, 0 (all members agree) to log(min(M, K)).
    """
    log_p = logits.log_softmax(-1)  # (P, M, K)
    log_mean = log_p.logsumexp(1) - log_p.new_tensor(float(logits.shape[1])).log()  # (P, K)
    return _entropy(log_mean) - _entropy(log_p).mean(1)  # (P,)


def _entropy(log_p: Tensor) -> Tensor:
    """(..., K) to (...), in nats."""
    return -(log_p.exp() * log_p).sum(-1)


def _perceptron(width: int, hidden: tuple[int, int], num_classes: int) -> nn.Sequential:
    first, second = hidden
    layers = nn.Sequential(
        nn.Linear(width, first),
        nn.ReLU(),
        nn.BatchNorm1d(first),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.BatchNorm1d(second),
        nn.Linear(second, num_classes),
    )
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=INIT_STD)
            nn.init.zeros_(layer.bias)
    return layers
