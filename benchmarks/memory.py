"""Whether memory stays flat over a long training.

    python -m benchmarks.memory [--steps 2000]

Trains a small regression by the project's loop, with validations, previews, checkpoints and
TensorBoard as always, and prints one JSON line: resident memory after the first half and at the
end, and the slope of a line through the second half, in bytes per step.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gcdp_bench.core.progress import Silent
from gcdp_bench.training.loop import TrainingConfig, train
from gcdp_bench.training.task import Task

NUM_FEATURES, BATCH_SIZE = 256, 64  # 64 KiB per batch: one that is kept in every step shows


class Recorder(Silent):
    """Progress that writes down the resident memory after every step, in bytes."""

    def __init__(self):
        self.resident: list[int] = []

    def advance(self, amount: int = 1, *, values: Mapping[str, float] | None = None) -> None:
        """See `Progress.advance`."""
        self.resident.append(resident_bytes())


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def trend(resident: Sequence[int]) -> dict[str, float]:
    """The second half of a series.

    Returns:
        "middle_bytes", its first value; "end_bytes", its last one; "slope_bytes" of the
        least-squares line through it, per value.
    """
    half = np.array(resident[len(resident) // 2 :], dtype=np.float64)
    slope = np.polyfit(np.arange(len(half)), half, 1)[0]
    return {
        "middle_bytes": float(half[0]),
        "end_bytes": float(half[-1]),
        "slope_bytes": round(float(slope), 1),
    }


class Sums:
    """Learns the sum of random numbers."""

    num_examples = 1000
    loss_weights: Mapping[str, float] = {"fit": 1.0}

    def build(self) -> nn.Module:
        """See `Task.build`."""
        return nn.Linear(NUM_FEATURES, 1)

    def batch(self, indices: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        """See `Task.batch`."""
        x = torch.randn(len(indices), NUM_FEATURES, generator=generator)  # (B, D)
        return {"x": x, "y": x.sum(1, keepdim=True)}  # (B, D), (B, 1)

    def losses(self, network: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """See `Task.losses`."""
        return {"fit": (network(batch["x"]) - batch["y"]).square().mean()}

    @torch.no_grad()
    def validation(self, network: nn.Module) -> dict[str, float]:
        """See `Task.validation`."""
        return {"zero": float(network(torch.zeros(1, NUM_FEATURES)))}

    def preview(self, network: nn.Module) -> Tensor | None:
        """See `Task.preview`."""
        return torch.zeros(3, 32, 32, dtype=torch.uint8)

    def metadata(self) -> dict[str, Any]:
        """See `Task.metadata`."""
        return {"kind": "sums"}


def measure(task: Task, num_steps: int, folder: Path) -> dict[str, float]:
    """Train for `num_steps` into `folder`.

    Returns:
        Of resident memory over the steps, see `trend`.
    """
    config = TrainingConfig(
        steps=num_steps,
        batch_size=BATCH_SIZE,
        warmup_steps=0,
        checkpoint_every=50,
        validate_every=50,
        preview_every=50,
    )
    recorder = Recorder()
    train(
        task, config, folder, resume=False, progress=recorder, part="sums", dataset="random numbers"
    )
    return trend(recorder.resident)


def main() -> None:
    """Print the slope."""
    parser = argparse.ArgumentParser(description="Memory over a long training.")
    parser.add_argument("--steps", type=int, default=2000)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = measure(Sums(), options.steps, Path(folder))
    print(json.dumps({"steps": options.steps, **found}))


if __name__ == "__main__":
    main()
