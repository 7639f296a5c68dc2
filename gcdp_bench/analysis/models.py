"""The trained models that an analysis looks into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.generators.sample import load_generator
from gcdp_bench.training.runs import Run

if TYPE_CHECKING:
    from reference_model.generator import Cascade


def load_cascades(runs: Sequence[Run]) -> list[Cascade]:
    """Trained cascades, in the order of `runs`.

    Args:
        runs: see `sample.find_generator`.

    Raises:
        ValueError: a model is no cascade, or weights are damaged.
    """
    from reference_model.generator import Cascade

    cascades = []
    for run in runs:
        generator, _ = load_generator(run, SamplingConfig())
        if not isinstance(generator, Cascade):
            raise ValueError(
                f"{run.network}: expected a diffusion cascade, whose internal features can be "
                "read; take reference or imagen"
            )
        cascades.append(generator)
    return cascades
