"""Sampling settings of generators; each generator uses those that it has."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Sampling of every generator of a sweep."""

    steps: int = 100  # of the base stage, or of the only one
    sr_steps: int = 100  # transitions of a cascade's super-resolution stage
    sr_guidance: float | None = 1.0  # of that stage; None: the base stage's guidance
    solver: Literal["dpm-solver++", "ddim"] = "dpm-solver++"  # of latent diffusion
    compile: bool = False  # networks are compiled first, see `device.compile_networks`
    device: str = "cpu"  # where networks run; draws come from the CPU's streams everywhere

    def __post_init__(self):
        for name in ("steps", "sr_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.solver not in ("dpm-solver++", "ddim"):
            raise ValueError(f"solver: expected dpm-solver++ or ddim, got {self.solver!r}")


def check_seeds(captions: Sized, seeds: Sized) -> None:
    """Refuse another number of seeds than of captions.

    Raises:
        ValueError: the numbers differ.
    """
    if len(captions) != len(seeds):
        raise ValueError(
            f"expected one seed per caption, got {len(captions)} captions and {len(seeds)} seeds"
        )
