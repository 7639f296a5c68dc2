"""From x_t to x_s: ancestral, DDIM and DPM-Solver++(2M), all given the predicted x_0.

The layout's transition is the same draw with each of them, see `joint.reverse_step`.
"""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from gcdp_bench.core.sampling_config import ANCESTRAL, DDIM, DPM_SOLVER, Sampler
from reference_model import gaussian

ImageStep = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""x_s of x_0 (B, 3, H, W), x_t, alpha_bar_t (1, 1, 1, 1), alpha_bar_s and normal (B, 3, H, W)."""


def ancestral(
    x_0: Float[Tensor, "B 3 H W"],
    x_t: Float[Tensor, "B 3 H W"],
    alpha_bar_t: Float[Tensor, "#B 1 1 1"],
    alpha_bar_s: Float[Tensor, "#B 1 1 1"],
    normal: Float[Tensor, "B 3 H W"],
) -> Float[Tensor, "B 3 H W"]:
    """A draw of q(x_s | x_t, x_0), Eq. (12): the image part of Eq. (17)."""
    mean, variance = gaussian.posterior(x_0, x_t, alpha_bar_t, alpha_bar_s)
    return mean + variance.sqrt() * normal


def ddim(
    x_0: Float[Tensor, "B 3 H W"],
    x_t: Float[Tensor, "B 3 H W"],
    alpha_bar_t: Float[Tensor, "#B 1 1 1"],
    alpha_bar_s: Float[Tensor, "#B 1 1 1"],
    normal: Float[Tensor, "B 3 H W"],
) -> Float[Tensor, "B 3 H W"]:
    """`gaussian.ddim`, which needs no noise."""
    return gaussian.ddim(x_0, x_t, alpha_bar_t, alpha_bar_s)


class DpmSolver:
    """DPM-Solver++(2M) of one run (Lu et al. 2022, Algorithm 2), which keeps the last x_0.

    A first-order step, which is DDIM's, from an x_0 extrapolated from the last two predictions. The
    first step has no other prediction, and the last one, to s = 0, extrapolates nothing: it returns
    its x_0.
    """

    def __init__(self):
        self._last: tuple[Tensor, Tensor] | None = None  # x_0 and alpha_bar of the step before

    def __call__(
        self,
        x_0: Float[Tensor, "B 3 H W"],
        x_t: Float[Tensor, "B 3 H W"],
        alpha_bar_t: Float[Tensor, "#B 1 1 1"],
        alpha_bar_s: Float[Tensor, "#B 1 1 1"],
        normal: Float[Tensor, "B 3 H W"],
    ) -> Float[Tensor, "B 3 H W"]:
        """The next x_s; steps come in their order."""
        centre = x_0
        if self._last is not None:
            centre = gaussian.extrapolate_x_0(x_0, *self._last, alpha_bar_t, alpha_bar_s)
        self._last = x_0, alpha_bar_t
        return gaussian.ddim(centre, x_t, alpha_bar_t, alpha_bar_s)


def image_step(sampler: Sampler) -> ImageStep:
    """The transitions of one run.

    Raises:
        ValueError: no sampler of images.
    """
    steps: dict[str, Callable[[], ImageStep]] = {
        ANCESTRAL: lambda: ancestral,
        DDIM: lambda: ddim,
        DPM_SOLVER: DpmSolver,
    }
    if sampler not in steps:
        raise ValueError(f"sampler: expected {', '.join(steps)}, got {sampler!r}; choose one")
    return steps[sampler]()
