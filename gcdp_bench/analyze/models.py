"""The trained models that an analysis looks into."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.sample import load_generator
from gcdp_bench.sampling import SamplingConfig

if TYPE_CHECKING:
    from reference_model.generator import Cascade


def load_cascades(
    names: Sequence[str], dataset: str, weights: Sequence[tuple[str, Path]]
) -> list[Cascade]:
    """Trained cascades, in the order of their names.

    Args:
        names: of the catalogue.
        dataset: that they were trained on.
        weights: (model, folder) where not the usual one.

    Raises:
        ValueError: a model is no cascade, a folder is given for another model, or weights are
            damaged.
        FileNotFoundError: a model has not been trained; says how to.
    """
    from reference_model.generator import Cascade

    folders = dict(weights)
    unknown = sorted(set(folders) - set(names))
    if unknown:
        raise ValueError(
            f"--weights: expected folders of {', '.join(names)}, got {', '.join(unknown)}"
        )
    cascades = []
    for name in names:
        generator, _ = load_generator(name, dataset, folders.get(name), SamplingConfig())
        if not isinstance(generator, Cascade):
            raise ValueError(
                f"{name}: expected a diffusion cascade, whose internal features can be read; take "
                "reference or imagen"
            )
        cascades.append(generator)
    return cascades
