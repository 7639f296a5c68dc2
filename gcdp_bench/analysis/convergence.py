"""The step at which layout and image converge, from curves of single sampling runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.npz import read_arrays
from gcdp_bench.metrics.intervals import (
    Interval,
    basic_interval,
    resampled_sums,
    without_interval,
)

PREDICTED, KEPT, SAMPLED = "predicted_layout", "kept_prediction", "sampled_layout"
IMAGE = "image_r2"
QUANTITIES = (PREDICTED, KEPT, SAMPLED, IMAGE)
OLD_NAMES = {"drawn_layout": SAMPLED}
"""Quantities in older files."""
LEADS = {"lead": PREDICTED, "lead_of_prediction": KEPT}
"""Layout minus image: by how many steps t the layout converges earlier, by which measure."""

CONVERGED = 0.9
"""Agreement with the final sample from which on a curve has converged."""

MOST_UNDEFINED = 0.025
"""Share of resamples that may never converge; with more, an end of a 95 % interval is not known."""


@dataclass(frozen=True)
class Curves:
    """Agreement with the final sample at each visited step; NaN where it is not defined."""

    steps: tuple[int, ...]  # T = t_S > ... > t_1
    values: Mapping[str, NDArray[np.float64]]  # by quantity of `QUANTITIES`, (N, S)

    @classmethod
    def cat(cls, parts: Sequence[Curves]) -> Curves:
        """Runs along the same steps, joined."""
        return cls(
            parts[0].steps,
            {name: np.concatenate([part.values[name] for part in parts]) for name in QUANTITIES},
        )

    def save(self, path: Path) -> None:
        """Write everything to one .npz file, complete or not at all."""
        arrays = {"steps": np.array(self.steps), **self.values}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Curves:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: no such file.
            ValueError: it is damaged, or lacks a quantity.
        """
        remedy = "remove it and run the analysis again"
        arrays = {
            OLD_NAMES.get(name, name): array
            for name, array in read_arrays(path, remedy=remedy).items()
        }
        missing = [name for name in ("steps", *QUANTITIES) if name not in arrays]
        if missing:
            raise ValueError(f"{path}: expected {', '.join(missing)}, found none; {remedy}")
        values = {name: arrays[name].astype(np.float64) for name in QUANTITIES}
        return cls(tuple(arrays["steps"].tolist()), values)


@dataclass(frozen=True)
class ConvergenceOrder:
    """Means over runs with basic bootstrap intervals; all quantities share the resamples."""

    num_samples: int  # runs whose every quantity is defined; the others are left out
    curves: Mapping[str, Sequence[Interval]]  # by quantity, one per visited step
    converged: Mapping[str, Interval]  # t by quantity, and the differences `LEADS`


def convergence(curves: Curves) -> ConvergenceOrder:
    """Mean curves, and the t at which each of them reaches `CONVERGED` for good.

    The interval of such a t has a fixed level of the mean curve read off in every resample of the
    runs. It is undefined where the mean curve never converges, or more than `MOST_UNDEFINED` of the
    resampled ones do not.

    Raises:
        ValueError: fewer than two runs are defined.
    """
    defined = ~np.any([np.isnan(curves.values[name]).any(1) for name in QUANTITIES], axis=0)  # (N,)
    num = int(defined.sum())
    if num < 2:
        raise ValueError(
            f"expected at least 2 runs whose final image has more than one colour, got {num}; "
            "sample more, or train the models longer"
        )
    means, resampled = {}, {}
    for name in QUANTITIES:
        own = curves.values[name][defined]  # (N, S)
        means[name], resampled[name] = own.mean(0), resampled_sums(own) / num  # (S,), (R, S)
    at = {name: float(converged_step(means[name][None], curves.steps)[0]) for name in QUANTITIES}
    drawn_at = {name: converged_step(resampled[name], curves.steps) for name in QUANTITIES}  # (R,)
    for lead, name in LEADS.items():
        at[lead], drawn_at[lead] = at[name] - at[IMAGE], drawn_at[name] - drawn_at[IMAGE]
    return ConvergenceOrder(
        num,
        {
            name: [
                basic_interval(float(mean), resampled[name][:, place])
                for place, mean in enumerate(means[name])
            ]
            for name in QUANTITIES
        },
        {name: _interval(at[name], drawn_at[name]) for name in at},
    )


def converged_step(
    curves: NDArray[np.float64], steps: Sequence[int], level: float = CONVERGED
) -> NDArray[np.float64]:
    """The largest t from which a curve stays at `level` or above to the last visited step.

    Curves are linear in t between visited steps; one that is never below `level` gives T, one whose
    last value is below it NaN.

    Args:
        curves: (R, S), in the order of `steps`.
        steps: S visited steps, falling.
        level: from which on a curve has converged.

    Returns:
        (R,), in steps t.
    """
    t = np.asarray(steps, np.float64)  # (S,)
    below = curves < level  # (R, S)
    num = len(t)
    last = num - 1 - below[:, ::-1].argmax(1)  # (R,), the last step below, if any is
    after = np.minimum(last + 1, num - 1)
    rows = np.arange(len(curves))
    rise = curves[rows, after] - curves[rows, last]
    share = np.divide(level - curves[rows, last], rise, out=np.zeros(len(rows)), where=rise > 0)
    found = t[last] + share * (t[after] - t[last])
    found[below[:, -1]] = np.nan
    found[~below.any(1)] = t[0]
    return found


def _interval(value: float, resampled: NDArray[np.float64]) -> Interval:
    if np.isnan(resampled).mean() > MOST_UNDEFINED:
        return without_interval(value)
    return basic_interval(value, resampled)
