"""What the loop needs to know of a network, its data and its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Task(Protocol):
    """A learning problem. All randomness of a step is drawn in `batch`, so a step can be repeated,
    resumed and split over processes."""

    num_examples: int
    loss_weights: Mapping[str, float]  # term -> weight in the total

    def build(self) -> nn.Module:
        """Fresh network; the caller has seeded the global generator."""
        ...

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """Examples, augmentation and every random draw of the loss, stacked along axis 0."""
        ...

    def losses(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Named scalar terms, unweighted, averaged over the batch."""
        ...

    def validation(self, network: nn.Module) -> dict[str, float]:
        """Named numbers on held-out data, the same draws every time."""
        ...

    def preview(self, network: nn.Module) -> Tensor | None:
        """Sheet of examples to look at, uint8 (3, H, W), or None."""
        ...

    def metadata(self) -> dict[str, Any]:
        """Resolved configuration, stored beside the weights; enough to use them again."""
        ...
