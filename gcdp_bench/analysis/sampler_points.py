"""The ways to sample that a study of samplers compares."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from gcdp_bench.core.sampling_config import (
    ANCESTRAL,
    SAMPLERS,
    Precision,
    Sampler,
    SamplingConfig,
)
from gcdp_bench.core.types import GUIDANCE

NoiseLevels = tuple[float, float]
STEPS = (8, 16, 25, 50, 100)
INTERVALS: tuple[NoiseLevels | None, ...] = (None, (0.3, 5.0))
BASELINE_STEPS = 100


@dataclass(frozen=True)
class Point:
    """One way to sample."""

    sampler: Sampler
    interval: NoiseLevels | None
    steps: int
    precision: Precision = "float32"

    @property
    def name(self) -> str:
        """In messages and folders: "ddim-0.3-5-25", "ddim-25-bf16"."""
        interval = () if self.interval is None else (f"{end:g}" for end in self.interval)
        precision = () if self.precision == "float32" else (self.precision,)
        return "-".join([self.sampler, *interval, str(self.steps), *precision])


@dataclass(frozen=True, kw_only=True)
class SamplerRequest:
    """The ways to sample, and what they share."""

    num_samples: int
    samplers: tuple[Sampler, ...] = SAMPLERS
    intervals: tuple[NoiseLevels | None, ...] = INTERVALS  # noise levels at which guidance acts
    steps: tuple[int, ...] = STEPS
    precisions: tuple[Precision, ...] = ("float32",)
    baseline_steps: int = BASELINE_STEPS  # ancestral, guidance at every level, in float32
    sr_steps: int | None = None  # of the super-resolution stage; None: those of the base stage
    guidance: float = 2.0
    sr_guidance: float | None = 1.0
    seeds: tuple[int, ...] = (0,)
    batch_size: int = 16
    device: str = "cpu"

    def __post_init__(self):
        GUIDANCE.check(self.guidance)
        for name in ("samplers", "intervals", "steps", "precisions", "seeds"):
            if not getattr(self, name):
                raise ValueError(f"{name}: expected at least one, got none")
        if self.batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, got {self.batch_size}")
        if self.guidance == 1.0 and any(interval is not None for interval in self.intervals):
            raise ValueError(
                "guidance 1 acts nowhere, so that intervals do not differ; give another --guidance "
                "or --guidance-intervals none"
            )
        for point in self.points:
            self.config(point)

    @property
    def points(self) -> tuple[Point, ...]:
        """The baseline, then every other combination once."""
        baseline = Point(ANCESTRAL, None, self.baseline_steps)
        ways = product(self.samplers, self.intervals, self.steps, self.precisions)
        return tuple(dict.fromkeys((baseline, *(Point(*way) for way in ways))))

    def config(self, point: Point) -> SamplingConfig:
        """How a point is sampled.

        Raises:
            ValueError: an unknown sampler, less than one step, or no interval.
        """
        return SamplingConfig(
            steps=point.steps,
            sr_steps=self.sr_steps or point.steps,
            sr_guidance=self.sr_guidance,
            sampler=point.sampler,
            guidance_interval=point.interval,
            precision=point.precision,
            device=self.device,
        )
