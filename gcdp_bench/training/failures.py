"""Errors that stop a training, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from gcdp_bench.core.batching import out_of_memory
from gcdp_bench.core.types import Dataset
from gcdp_bench.training import checkpoint
from gcdp_bench.training.settings import TrainingConfig


class Diverged(FloatingPointError):
    """A loss or a weight is not finite.

    Args:
        run_dir: of the training.
        step: in which it happened, from 1.
        what: was seen.
        examples: of the step's batch, indices from 0.
        items: of the data, if example i is item i of them; their ids are named.
    """

    def __init__(
        self,
        run_dir: Path,
        step: int,
        what: str,
        examples: Sequence[int],
        items: Dataset | None = None,
    ):
        self.examples = tuple(examples)
        ids = "" if items is None else ", ".join(items[index].id for index in examples)
        super().__init__(
            f"diverged at step {step}: {what}; examples of the batch: "
            f"{', '.join(map(str, examples))}; the last good checkpoint is {_newest(run_dir)}; "
            "train anew into another --out with a lower learning_rate or with precision=no: a run "
            "resumes with its own settings alone"
            + (f"; ids of the batch's items: {ids}" if ids else "")
        )


def not_finite(weights: Mapping[str, Tensor]) -> str | None:
    """Name of a weight that is NaN or infinite."""
    for name, weight in weights.items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            return name
    return None


@contextmanager
def enough_memory(
    run_dir: Path, step: int, config: TrainingConfig, num_processes: int
) -> Iterator[None]:
    """Say of a GPU without memory left which settings need less.

    Args:
        run_dir: of the training.
        step: the one that is made, from 1.
        config: of the training.
        num_processes: that train together.

    Raises:
        MemoryError: in place of the error of torch.
    """
    try:
        yield
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        num = config.batch_size // num_processes
        parts = 2 if num % 2 == 0 else num
        smaller = (
            f"--set batch_size={config.batch_size // parts} "
            f"--set accumulation={config.accumulation * parts} (as many examples a step), "
        )
        raise MemoryError(
            f"out of memory at step {step}: {num} examples at a time were "
            f"too many for this device ({str(error).partition('.')[0]}); the last checkpoint is "
            f"{_newest(run_dir)}; resume on more processes, or train anew into another --out with "
            + (smaller if num > 1 else "")
            + "--set precision=bf16 or, for a U-Net of ours, "
            "--set stage.unet.gradient_checkpointing=true"
        ) from error


def _newest(run_dir: Path) -> str:
    newest = checkpoint.checkpoints(run_dir)
    return str(newest[-1]) if newest else "none"
