"""The Gaussian-categorical distribution of Eq. (6)-(8)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from reference_model import gaussian

MAX_STATES = 1 << 20
"""Most joint states S = K^M for which sums over states are carried out."""


@dataclass(frozen=True)
class GaussianCategorical:
    """NC(x, y; mu, Sigma, Theta): y ~ Theta, then x ~ N(mu_y, Sigma_y), Sigma_y diagonal.

    N is the width of x, M the number of labels in y, and S is either K^M, a mean and variance for
    every joint state (Eq. 6; state sum_i y_i K^(M-1-i)), or 1, the same for all: the [mu]_{xS} of
    Eq. (10)-(12), where x and y are independent given the conditions.
    """

    mean: Float[Tensor, "B S N"]
    variance: Float[Tensor, "B S N"]
    log_theta: Float[Tensor, "B M K"]  # log-probabilities of each label

    def __post_init__(self):
        num_labels, num_classes = self.log_theta.shape[1:]
        num_states = self.mean.shape[1]
        if self.mean.shape != self.variance.shape:
            raise ValueError(
                f"mean and variance: expected one shape, got {tuple(self.mean.shape)} and "
                f"{tuple(self.variance.shape)}"
            )
        if num_states not in (1, num_classes**num_labels):
            raise ValueError(
                f"mean: expected S = 1 or K^M = {num_classes}^{num_labels} states, got {num_states}"
            )

    def sample(
        self, normal: Float[Tensor, "B N"], uniform: Float[Tensor, "B M"]
    ) -> tuple[Float[Tensor, "B N"], Int[Tensor, "B M"]]:
        """(x, y) by Eq. (7) from standard normal and uniform [0, 1) numbers."""
        cumulative = self.log_theta.exp().cumsum(2)  # (B, M, K)
        target = uniform[..., None] * cumulative[..., -1:]  # (B, M, 1)
        last = self.log_theta.shape[2] - 1
        y = (cumulative <= target).sum(2).clamp_max(last)  # (B, M)
        mean, variance = self._given(y)  # (B, N)
        return mean + variance.sqrt() * normal, y

    def kl(self, other: GaussianCategorical) -> Float[Tensor, " B"]:
        """KL(self || other) in nats: KL(Theta || Theta') + E_y KL(N_y || N'_y).

        With S = 1 on both sides this is the sum of Eq. (19) before constants are dropped.
        """
        theta = self.log_theta.exp()  # (B, M, K)
        gap = torch.where(theta > 0, self.log_theta - other.log_theta, 0.0)  # (B, M, K)
        labels = (theta * gap).sum((1, 2))  # (B,)
        pair = (self.mean, self.variance, other.mean, other.variance)
        images = gaussian.kl(*pair).sum(2)  # (B, S)
        if images.shape[1] == 1:
            return labels + images[:, 0]
        return labels + (self._state_probabilities() * images).sum(1)

    def _given(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """mu_y and the diagonal of Sigma_y, each (B, N)."""
        if self.mean.shape[1] == 1:
            return self.mean[:, 0], self.variance[:, 0]
        num_labels, num_classes = self.log_theta.shape[1:]
        place = num_classes ** torch.arange(num_labels - 1, -1, -1, device=y.device)  # (M,)
        state = (y * place).sum(1)  # (B,)
        rows = torch.arange(len(y), device=y.device)
        return self.mean[rows, state], self.variance[rows, state]

    def _state_probabilities(self) -> Tensor:
        """prod_i Theta_{i, y_i} of every state, (B, S)."""
        batch, num_labels, num_classes = self.log_theta.shape
        if num_classes**num_labels > MAX_STATES:
            raise ValueError(
                f"expected at most {MAX_STATES} joint states, got {num_classes}^{num_labels}; "
                "give mean and variance with S = 1"
            )
        log_states = self.log_theta.new_zeros(batch, 1)  # (B, 1)
        for label in self.log_theta.unbind(1):
            log_states = (log_states[..., None] + label[:, None]).flatten(1)  # (B, K^i)
        return log_states.exp()
