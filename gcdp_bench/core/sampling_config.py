"""Sampling settings of generators; each generator uses those that it has."""

from __future__ import annotations

import math
from collections.abc import Sized
from dataclasses import dataclass
from typing import Final, Literal

Sampler = Literal["ancestral", "ddim", "dpm-solver++"]
Solver = Literal["dpm-solver++", "ddim"]
Precision = Literal["float32", "bf16"]
ANCESTRAL: Final = "ancestral"
DDIM: Final = "ddim"
DPM_SOLVER: Final = "dpm-solver++"
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")
SAMPLERS: tuple[Sampler, ...] = (ANCESTRAL, DDIM, DPM_SOLVER)
SOLVERS: tuple[Solver, ...] = (DPM_SOLVER, DDIM)
"""Those of them that follow an ordinary differential equation and draw no noise."""


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Sampling of every generator of a sweep."""

    steps: int = 100  # of the base stage, or of the only one
    sr_steps: int = 100  # transitions of a cascade's super-resolution stage
    sr_guidance: float | None = 1.0  # of that stage; None: the base stage's guidance
    sampler: Sampler | None = None  # of images; None: ancestral, of latent diffusion DPM-Solver++
    solver: Solver | None = None  # of latent diffusion alone; None: `sampler`
    guidance_interval: tuple[float, float] | None = None  # noise levels sigma in (low, high] at
    # which guidance acts (Kynkaanniemi et al. 2024), sigma^2 = (1 - alpha_bar) / alpha_bar; at the
    # others it is 1; None: at every level
    precision: Precision = "float32"  # of the networks' products; what is sampled is float32
    compile: bool = False  # networks are compiled first, see `device.compile_networks`
    device: str = "cpu"  # where networks run; draws come from the CPU's streams everywhere

    def __post_init__(self):
        for name in ("steps", "sr_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.sampler not in (None, *SAMPLERS):
            raise ValueError(f"sampler: expected {', '.join(SAMPLERS)}, got {self.sampler!r}")
        if self.solver not in (None, *SOLVERS):
            raise ValueError(f"solver: expected dpm-solver++ or ddim, got {self.solver!r}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision: expected float32 or bf16, got {self.precision!r}")
        if self.guidance_interval is not None:
            low, high = self.guidance_interval
            if not 0.0 <= low < high <= math.inf:
                raise ValueError(
                    "guidance_interval: expected noise levels 0 <= low < high, got "
                    f"{low:g} and {high:g}"
                )

    @property
    def image_sampler(self) -> Sampler:
        """Sampler of a cascade's images."""
        return self.sampler or ANCESTRAL

    def require_plain(self, name: str, what: str) -> None:
        """Refuse another sampler than the ancestral one, and a guidance interval.

        Args:
            name: of the generator.
            what: that has neither.

        Raises:
            ValueError: says which was given, and to leave the option out.
        """
        if self.image_sampler != ANCESTRAL:
            raise ValueError(
                f"{name}: {what} has the ancestral sampler alone, got {self.sampler}; leave "
                "--sampler out"
            )
        if self.guidance_interval is not None:
            raise ValueError(
                f"{name}: {what} has no guidance interval, got "
                f"{interval_text(self.guidance_interval)}; leave --guidance-interval out"
            )


def interval_text(interval: tuple[float, float] | None) -> str:
    """ "LOW:HIGH" of noise levels, or "none"."""
    return "none" if interval is None else f"{interval[0]:g}:{interval[1]:g}"


def parse_interval(text: str) -> tuple[float, float] | None:
    """The interval that `interval_text` writes; HIGH may be inf.

    Raises:
        ValueError: another form.
    """
    if text == "none":
        return None
    low, colon, high = text.partition(":")
    try:
        interval = float(low), float(high)
    except ValueError:
        interval = math.nan, math.nan
    if not colon or not 0.0 <= interval[0] < interval[1]:
        raise ValueError(
            "expected LOW:HIGH with noise levels 0 <= LOW < HIGH, such as 0.3:5, or none; got "
            f"{text!r}"
        )
    return interval


def check_seeds(captions: Sized, seeds: Sized) -> None:
    """Refuse another number of seeds than of captions.

    Raises:
        ValueError: the numbers differ.
    """
    if len(captions) != len(seeds):
        raise ValueError(
            f"expected one seed per caption, got {len(captions)} captions and {len(seeds)} seeds"
        )
