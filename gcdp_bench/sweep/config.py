"""Settings of a sweep, and the paths that it reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gcdp_bench.core.images import PNG_LEVEL
from gcdp_bench.core.lookup import lookup
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import GUIDANCE, TRUNCATION
from gcdp_bench.generators.registry import TASKS
from gcdp_bench.generators.sample import SampleRequest
from gcdp_bench.results.schema import PROTOCOLS
from gcdp_bench.training.runs import Weights

GUIDANCE_LADDER = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0)
"""Values that `--until-saturation` tries, in this order."""


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """Settings of a sweep.

    `task` "text-to-image" compares generators that read captions. "image-layout" compares pairs of
    image and layout (Table 1): any generator can take part, metrics of captions are defined for
    those that read them alone.

    `protocol` names whose captions are prompted and which real images are the reference:
    "heldout": the test split, whose images no model saw; "paper-like": what can be reconstructed of
    the paper's evaluation, see `catalog.protocol_split`.
    """

    dataset: str
    task: str = "text-to-image"  # of `catalog.TASKS`
    models: tuple[str, ...] | None = None  # None: those of the task
    guidance: tuple[float, ...] | None = GUIDANCE.values  # None: until saturation
    truncation: tuple[float, ...] = TRUNCATION.values  # of models whose sampling parameter it is
    seeds: tuple[int, ...] = (0,)
    num_samples: int = 500
    protocol: str = "heldout"
    sampling: SamplingConfig = SamplingConfig()
    batch_size: int = 16  # samples drawn at once on a GPU
    shard_size: int = 1024  # captions of one job
    png_level: int = PNG_LEVEL  # see `images.write_image`
    allow_subsets: bool = False  # models of other subsets of the dataset are welcome
    demo: bool = False

    @property
    def model_names(self) -> tuple[str, ...]:
        """Generators that are compared."""
        return TASKS[self.task] if self.models is None else self.models

    def __post_init__(self):
        lookup(TASKS, self.task, "task")
        for value in self.guidance or ():
            GUIDANCE.check(value)
        for value in self.truncation:
            TRUNCATION.check(value)
        for name, low in (("num_samples", 2), ("batch_size", 1), ("shard_size", 1)):
            if getattr(self, name) < low:
                raise ValueError(f"{name}: expected at least {low}, got {getattr(self, name)}")
        if self.protocol not in PROTOCOLS:
            raise ValueError(
                f"protocol: expected one of {', '.join(PROTOCOLS)}, got {self.protocol!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Paths that a sweep reads and writes."""

    results: Path
    data_root: Path | None = None
    exclude: Path | None = None  # list of faulty items to leave out
    resize: str = "none"  # how images of another shape get theirs, see `framing.frame`
    count_denied: bool = False  # captions prompt what they deny, see `reading.CountingDenied`
    weights: tuple[tuple[str, Weights], ...] = ()  # by model, where not that of the dataset

    def point(self, request: SampleRequest) -> Path:
        """Folder of one point's samples."""
        name = f"g{request.guidance:g}-s{request.seed}-{request.hash}"
        return self.results / "points" / Path(request.dataset).name / request.model / name

    @property
    def references(self) -> Path:
        """Folder of what networks extracted from real images."""
        return self.results / "references"
