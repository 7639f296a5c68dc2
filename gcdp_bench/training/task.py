"""Interface of the training loop to a network, its data and its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)


class Learning(Protocol):
    """Shared members of every learning problem. All randomness of a step is drawn in `batch`, so a
    step can be repeated, resumed and split over processes.
    """

    num_examples: int
    loss_weights: Mapping[str, float]  # term -> weight in the total

    def build(self) -> nn.Module:
        """Fresh network; the caller has seeded the global generator."""
        ...

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """Examples, augmentation and every random draw of the loss, stacked along axis 0."""
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


class Task(Learning, Protocol):
    """A learning problem with one loss."""

    def losses(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Named scalar terms, unweighted, averaged over the batch."""
        ...


@runtime_checkable
class AdversarialTask(Learning, Protocol):
    """An adversarial learning problem: parts of the network are updated in turn, each on its own
    loss and all on the batch of the step."""

    phases: Sequence[str]  # children of the network, in the order of a step

    def phase_losses(
        self, network: nn.Module, batch: dict[str, Tensor], phase: str, step: int
    ) -> dict[str, Tensor]:
        """Named scalar terms of one phase, unweighted; no terms: the part rests in this step.

        Args:
            network: with gradients of the parameters of the child `phase` alone.
            batch: of the step.
            phase: whose loss it is; the terms of different phases have different names.
            step: from 0.
        """
        ...


@runtime_checkable
class BatchCoupled(Protocol):
    """A task whose loss of a batch is not the mean of the losses of its parts."""

    mixes_examples: str  # why not


@runtime_checkable
class Exporting(Protocol):
    """A task whose network is stored in another form than `model.safetensors`."""

    def export(self, network: nn.Module, folder: Path) -> None:
        """Write the averaged network into the run folder, as it is loaded later."""
        ...


def plain(network: nn.Module, kind: type[N]) -> N:
    """The network that a task has built, inside accelerate's wrapper or without one."""
    inner = getattr(network, "module", network)
    assert isinstance(inner, kind)
    return inner
