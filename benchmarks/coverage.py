"""Coverage of the intervals of distances, simulated with known populations.

    python -m benchmarks.coverage [--pool FILE] [--num 24,64,200,1000] [--repetitions 400]
        [--methods frechet,frechet-influence]

Samples are drawn from a population (see `benchmarks.coverage_pool` and `Gaussian`), whose distance
is the truth: 0, once and five times the bias of the plain Fréchet distance at that number of
samples. One line of the table per population, metric, number of samples and distance; lines that
are there already are replaced. Ends are those before anything is cut at 0, so that a distance of 0
is not covered for nothing. Methods of one metric see the same samples.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from benchmarks.coverage_pool import load_pool
from gcdp_bench.io.atomic import replacing
from gcdp_bench.metrics.cmmd import SCALE, gaussian_kernel
from gcdp_bench.metrics.feature_sets import Array
from gcdp_bench.metrics.frechet import (
    frechet_distance,
    frechet_intervals_unbounded,
    influence_intervals,
)
from gcdp_bench.metrics.intervals import Interval
from gcdp_bench.metrics.kid import cubic_kernel
from gcdp_bench.metrics.mmd import Kernel, kernel_sums, normal_interval

POOL_SCENES = 10_000
OTHER = 1000
"""Samples on the other side, as real images are."""

TIMES = (0, 1, 5)
BIAS_DRAWS = 40


class Population(Protocol):
    """Two sides at any distance from each other."""

    def distance(self, scale: float) -> float:
        """Fréchet distance of the sides; 0 at scale 0, growing with it."""
        ...

    def kernel_distance(self, kernel: Kernel, scale: float) -> float:
        """Squared maximum mean discrepancy of the sides."""
        ...

    def draw(self, rng: np.random.Generator, num: int, scale: float) -> Array:
        """Samples of the first side, (num, D); of the second one at scale 0."""
        ...


@dataclass(frozen=True)
class Between:
    """Rows of a finite pool, moved from one version towards another by `scale`."""

    clean: Array  # (N, D)
    degraded: Array

    def distance(self, scale: float) -> float:
        """See `Population`."""
        num = len(self.clean)  # ddof 0: the pool is the population
        moved = self._moved(np.arange(num), scale)
        found = frechet_distance(moved, self.clean)
        return found.mean_term + found.covariance_term * (num - 1) / num

    def kernel_distance(self, kernel: Kernel, scale: float) -> float:
        """See `Population`."""
        moved = self._moved(np.arange(len(self.clean)), scale)
        return kernel_sums(moved, self.clean, kernel).biased()

    def draw(self, rng: np.random.Generator, num: int, scale: float) -> Array:
        """See `Population`."""
        return self._moved(rng.integers(len(self.clean), size=num), scale)

    def _moved(self, places: np.ndarray, scale: float) -> Array:
        clean = self.clean[places]
        return clean + scale * (self.degraded[places] - clean)


@dataclass(frozen=True)
class Gaussian:
    """N(0, diag l) against N(s r, (1 + s)^2 diag l) with r = sqrt(l): distance 2 s^2 sum l."""

    eigenvalues: Array  # l, (D,)
    freedom: int = 0  # above 2: each sample is scaled as Student's t is, to the same covariance

    def distance(self, scale: float) -> float:
        """See `Population`."""
        return float(2.0 * scale**2 * self.eigenvalues.sum())

    def kernel_distance(self, kernel: Kernel, scale: float) -> float:
        """Not known in closed form."""
        raise NotImplementedError

    def draw(self, rng: np.random.Generator, num: int, scale: float) -> Array:
        """See `Population`."""
        roots = np.sqrt(self.eigenvalues)
        noise = rng.standard_normal((num, len(roots)))
        if self.freedom:
            noise *= np.sqrt((self.freedom - 2.0) / rng.chisquare(self.freedom, (num, 1)))
        return roots * ((1.0 + scale) * noise + scale)


@dataclass(frozen=True)
class Coverage:
    """One line of the table; errors and ends are means over the repetitions."""

    population: str
    metric: str
    num: int
    other: int
    times_bias: int
    repetitions: int
    truth: float
    plain_error: float  # of the plain value: its bias
    corrected_error: float
    corrected_sd: float
    low: float  # ends before the cut at 0
    high: float
    width: float
    covered_percent: float
    truth_below_percent: float  # of the interval
    truth_above_percent: float
    flagged_percent: float

    @property
    def holds(self) -> bool:
        """90 to 99 % (more, where nothing differs), or a flag."""
        highest = 100.0 if self.times_bias == 0 else 99.5
        return 90.0 <= self.covered_percent <= highest or self.flagged_percent > 90.0


Measure = Callable[[Array, Array], Interval]


def frechet(x: Array, y: Array) -> Interval:
    """The Fréchet distance."""
    return frechet_intervals_unbounded(x, y).total


def frechet_influence(x: Array, y: Array) -> Interval:
    """The same by the way of costly halves."""
    return influence_intervals(x, y).total


def kid(x: Array, y: Array) -> Interval:
    """The kernel distance of all samples."""
    sums = kernel_sums(x, y, cubic_kernel)
    return normal_interval(sums.unbiased(), sums.unbiased(), sums.jackknife_error())


def cmmd(x: Array, y: Array) -> Interval:
    """CMMD's formula on these features, scaled to length 1."""
    sums = kernel_sums(unit(x), unit(y), gaussian_kernel)
    values = (sums.biased(), sums.unbiased(), sums.jackknife_error())
    return normal_interval(*(SCALE * value for value in values))


def unit(x: Array) -> Array:
    """Rows of length 1."""
    return x / np.linalg.norm(x, axis=1, keepdims=True)


METHODS: dict[str, Measure] = {"frechet": frechet, "frechet-influence": frechet_influence}


def scale_at(population: Population, distance: float, *, steps: int = 20) -> float:
    """Positions of the sides at a Fréchet distance, by a bisection of so many steps."""
    if distance == 0.0:
        return 0.0
    low, high = 0.0, 1.0
    while population.distance(high) < distance:
        high *= 2.0
    for _ in range(steps):
        middle = (low + high) / 2.0
        low, high = (middle, high) if population.distance(middle) < distance else (low, middle)
    return high


def plain_bias(population: Population, num: int, other: int, *, seed: int = 0) -> float:
    """Mean plain Fréchet distance of samples of one population."""
    rng = np.random.default_rng((seed, num, other))
    return float(
        np.mean(
            [
                frechet_distance(
                    population.draw(rng, num, 0.0), population.draw(rng, other, 0.0)
                ).total
                for _ in range(BIAS_DRAWS)
            ]
        )
    )


def simulate(
    population: Population,
    measure: Measure,
    truth: float,
    *,
    names: tuple[str, str],
    sizes: tuple[int, int],
    scale: float,
    times_bias: int,
    repetitions: int,
    seed: int = 0,
) -> Coverage:
    """Draw, measure, count.

    Args:
        population: what is drawn from.
        measure: two samples to an interval that is not cut.
        truth: what the interval should hold.
        names: of population and metric.
        sizes: samples on each side.
        scale: of the first side.
        times_bias: for the table.
        repetitions: how many pairs are drawn.
        seed: of the draws.
    """
    rng = np.random.default_rng((seed, *sizes, times_bias))
    found = [
        measure(population.draw(rng, sizes[0], scale), population.draw(rng, sizes[1], 0.0))
        for _ in range(repetitions)
    ]
    plain, centre, low, high = (
        np.array([getattr(one, name) for one in found])
        for name in ("value", "centre", "low", "high")
    )
    return Coverage(
        *names,
        *sizes,
        times_bias=times_bias,
        repetitions=repetitions,
        truth=truth,
        plain_error=float(plain.mean()) - truth,
        corrected_error=float(centre.mean()) - truth,
        corrected_sd=float(centre.std(ddof=1)),
        low=float(low.mean()),
        high=float(high.mean()),
        width=float((high - low).mean()),
        covered_percent=100.0 * float(((low <= truth) & (truth <= high)).mean()),
        truth_below_percent=100.0 * float((truth < low).mean()),
        truth_above_percent=100.0 * float((truth > high).mean()),
        flagged_percent=100.0
        * float(np.mean([one.method.endswith("undersampled") for one in found])),
    )


def cases(
    populations: Mapping[str, Population],
    nums: Sequence[int],
    others: Sequence[int],
    reps: int,
    *,
    kernels: bool,
    methods: Sequence[str] = ("frechet",),
) -> Iterator[Coverage]:
    """Every line of the table; other = 0 stands for as many as on the first side."""
    for name, population in populations.items():
        for num in nums:
            for other in sorted({other or num for other in others}):
                bias = plain_bias(population, num, other)
                for times in TIMES:
                    scale = scale_at(population, times * bias)
                    common = {
                        "sizes": (num, other),
                        "scale": scale,
                        "times_bias": times,
                        "repetitions": reps,
                    }
                    for method in methods:
                        yield simulate(
                            population,
                            METHODS[method],
                            population.distance(scale),
                            names=(name, method),
                            **common,
                        )
                    if kernels and isinstance(population, Between) and name == "scenes-features":
                        truth = population.kernel_distance(cubic_kernel, scale)
                        yield simulate(population, kid, truth, names=(name, "kid"), **common)
                        truth = _unit_distance(population, scale)
                        yield simulate(population, cmmd, truth, names=(name, "cmmd"), **common)


def _unit_distance(population: Between, scale: float) -> float:
    moved = population.clean + scale * (population.degraded - population.clean)
    sums = kernel_sums(unit(moved), unit(population.clean), gaussian_kernel)
    return SCALE * sums.biased()


def spectrum(values: Array) -> Array:
    """Eigenvalues of the covariance of rows, (D,), none negative."""
    eigenvalues = np.linalg.eigvalsh(np.cov(values, rowvar=False))
    return np.asarray(np.clip(eigenvalues, 0.0, None), np.float64)


def write(lines: Sequence[Coverage], path: Path) -> None:
    """Add lines to a CSV table; lines of the same case are replaced."""
    key = ["population", "metric", "num", "other", "times_bias"]
    frame = pd.DataFrame([asdict(line) for line in lines]).round(4)
    if path.exists():
        frame = pd.concat([pd.read_csv(path), frame]).drop_duplicates(key, keep="last")
    with replacing(path) as temporary:
        frame.sort_values(key).to_csv(temporary, index=False)


def main() -> None:
    """Simulate and write the table."""
    parser = argparse.ArgumentParser(description="Coverage of the intervals of distances.")
    parser.add_argument("--pool", type=Path, default=Path(".cache/coverage-pool.npz"))
    parser.add_argument("--num", default="24,64,200,1000")
    parser.add_argument("--other", default=f"{OTHER},0", help="0: as many as --num")
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--populations", default="scenes-features,scenes-areas,spectrum")
    parser.add_argument("--methods", default="frechet", help=", ".join(METHODS))
    parser.add_argument("--kernels", action="store_true", help="KID and CMMD too")
    parser.add_argument("--out", type=Path, default=Path("results/coverage/distances.csv"))
    options = parser.parse_args()
    pool = load_pool(options.pool, POOL_SCENES)
    every: dict[str, Population] = {
        "scenes-features": Between(pool.features, pool.degraded_features),
        "scenes-areas": Between(pool.areas, pool.degraded_areas),
        "spectrum": Gaussian(spectrum(pool.features)),
        "spectrum-heavy": Gaussian(spectrum(pool.features), freedom=6),
    }
    chosen = {name: every[name] for name in options.populations.split(",")}
    nums, others = (
        [int(value) for value in text.split(",")] for text in (options.num, options.other)
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    lines = cases(
        chosen,
        nums,
        others,
        options.repetitions,
        kernels=options.kernels,
        methods=options.methods.split(","),
    )
    for line in lines:
        print(json.dumps(asdict(line) | {"holds": line.holds}), flush=True)
        write([line], options.out)


if __name__ == "__main__":
    main()
