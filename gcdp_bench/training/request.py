"""Request of a training, before anything is resolved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gcdp_bench.datasets.sizes import SizeChoice


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which network is trained on which data, and which of its defaults change."""

    model: str  # of `NETWORKS`, or an installed generator
    dataset: str
    preset: str = "tiny"
    stage: str | None = None  # of a cascade
    assignments: tuple[str, ...] = ()  # dotted overrides of the resolved configuration
    data_root: Path | None = None
    exclude: Path | None = None  # list of faulty items to leave out
    size: SizeChoice = SizeChoice()  # of the images; default: see `training_sizes.image_size`
    resize: str = "none"  # how images of another shape get there, see `framing.frame`
