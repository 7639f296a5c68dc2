"""Settings of a training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of a training; the task defines data and loss."""

    steps: int
    batch_size: int = 16  # examples per micro-batch, over all processes
    accumulation: int = 1  # micro-batches per optimizer step
    learning_rate: float = 3e-4
    decay: Literal["constant", "cosine"] = "constant"  # after the warm-up, to zero at `steps`
    warmup_steps: int = 500
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    max_grad_norm: float | None = 1.0
    precision: Literal["no", "fp16", "bf16"] = "no"
    ema_max_decay: float = 0.999
    seed: int = 0
    checkpoint_every: int = 1000
    validate_every: int = 1000
    preview_every: int = 1000

    def __post_init__(self):
        for name in ("steps", "batch_size", "accumulation", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate: expected above 0, got {self.learning_rate}")

    def learning_rate_at(self, step: int) -> float:
        """Rate of optimizer step `step` (from 0): linear warm-up, then constant or cosine."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.decay == "constant":
            return self.learning_rate
        progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
