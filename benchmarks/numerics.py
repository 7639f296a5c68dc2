"""Time and memory of metrics against the plain formula, one thread.

    OMP_NUM_THREADS=1 python -m benchmarks.numerics [--cases kid-2000,...] [--repeat 3]

Both forms of a case run in turn, each time in a new process: `plain` is the formula written down
below without any saving, `ours` is the package's. One line of the table per case, with the median
of the CPU seconds, the peak memory above that of the inputs, and the largest difference of the
numbers relative to `plain`. Lines that are there already are replaced.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from benchmarks.frechet import make_features
from gcdp_bench.io.atomic import replacing
from gcdp_bench.metrics.feature_sets import Array
from gcdp_bench.metrics.frechet import (
    frechet_distance,
    frechet_intervals,
    halves_interval,
    is_undersampled,
)
from gcdp_bench.metrics.frechet_halves import NUM_COSTLY_HALVES, halved_terms
from gcdp_bench.metrics.intervals import NUM_RESAMPLES, resampled_sums, weighted_sums
from gcdp_bench.metrics.kid import NUM_SUBSETS, SUBSET_SIZE, cubic_kernel, kid_values
from gcdp_bench.metrics.mmd import kernel_sums

Form = Callable[[], Array]


def plain_kid(x: Array, y: Array) -> Array:
    """Mean over subsets that are taken out one after the other, and the jackknife error, (2,)."""
    sums, state = kernel_sums(x, y, cubic_kernel), np.random.RandomState(0)
    values = np.empty(NUM_SUBSETS)
    for index in range(NUM_SUBSETS):
        part_x = x[state.choice(len(x), SUBSET_SIZE, replace=False)]
        part_y = y[state.choice(len(y), SUBSET_SIZE, replace=False)]
        values[index] = kernel_sums(part_x, part_y, cubic_kernel).unbiased()
    error = np.hypot(sums.jackknife_error(), values.std(ddof=1) / NUM_SUBSETS**0.5)
    return np.array([values.mean(), values.mean() + 1.959963984540054 * error])


def our_kid(x: Array, y: Array) -> Array:
    """Value and upper end, (2,)."""
    (row,) = kid_values("tf1", x, y)
    return np.array([row.value, row.ci_high])


def kid_case(num: int, width: int) -> tuple[Form, Form]:
    """Two sets of `num` samples a small distance apart."""
    x, y = make_features(num, num, width)
    return partial(plain_kid, x + 0.1, y), partial(our_kid, x + 0.1, y)


def plain_frechet(x: Array, y: Array) -> Array:
    """Value, with bias and error by 50 halves of both sides, (1,)."""
    value = frechet_distance(x, y).total
    halved = np.add(*halved_terms(x, y, NUM_COSTLY_HALVES))
    is_undersampled(x, y)
    return np.array([halves_interval(value, halved, method="plain").value])


def our_frechet(x: Array, y: Array) -> Array:
    """Value, (1,); the ends come from other draws, see `benchmarks.coverage` for both."""
    return np.array([frechet_intervals(x, y).total.value])


def frechet_case(num: int, width: int) -> tuple[Form, Form]:
    """Two sets of `num` samples a small distance apart."""
    x, y = make_features(num, num, width)
    return partial(plain_frechet, x + 0.02, y), partial(our_frechet, x + 0.02, y)


def plain_counts(values: Array) -> Array:
    """Sums over bootstrap resamples from one matrix of counts, drawn a row at a time, (R, C)."""
    rng, num = np.random.default_rng(0), len(values)
    counts = np.empty((NUM_RESAMPLES, num), np.int32)
    for row in counts:
        row[:] = np.bincount(rng.integers(num, size=num), minlength=num)
    return counts @ values


def plain_weights(values: Array) -> Array:
    """Sums under random weights drawn for these values, (R, C)."""
    rng = np.random.default_rng(0)
    rng.standard_gamma(0.5, NUM_RESAMPLES)  # of the imagined sample
    return rng.standard_exponential((NUM_RESAMPLES, len(values))) @ values


def our_weights(values: Array) -> Array:
    """The same by the package, (R, C)."""
    return weighted_sums(values)[0]


def sums_case(
    plain: Callable[[Array], Array], ours: Callable[[Array], Array], num: int, times: int
) -> tuple[Form, Form]:
    """`times` metrics of two columns over the same `num` samples."""
    values = np.random.default_rng(1).random((times, num, 2))

    def form(of_one: Callable[[Array], Array]) -> Array:
        return np.stack([of_one(one) for one in values])

    return partial(form, plain), partial(form, ours)


CASES: dict[str, Callable[[], tuple[Form, Form]]] = {
    "kid-2000": lambda: kid_case(2000, 2048),
    "kid-5000": lambda: kid_case(5000, 2048),
    "frechet-10000": lambda: frechet_case(10_000, 2048),
    "counts-1000-10-metrics": lambda: sums_case(plain_counts, resampled_sums, 1000, 10),
    "counts-30000": lambda: sums_case(plain_counts, resampled_sums, 30_000, 1),
    "weights-1000-10-metrics": lambda: sums_case(plain_weights, our_weights, 1000, 10),
    "weights-30000": lambda: sums_case(plain_weights, our_weights, 30_000, 1),
}


def measure(case: str, form: int) -> tuple[float, float, Array]:
    """CPU seconds, peak MiB above that of the inputs, and the numbers of one form."""
    run = CASES[case]()[form]
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, start = resident_mib("VmRSS"), time.process_time()
    found = run()
    seconds = time.process_time() - start
    return seconds, resident_mib("VmHWM") - before, np.asarray(found)


def resident_mib(field: str) -> float:
    """`VmRSS`, the memory of this process, or `VmHWM`, its peak; Linux only."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def processor() -> str:
    """Name of the processor; Linux only."""
    return Path("/proc/cpuinfo").read_text().split("model name\t: ")[1].split("\n")[0]


def line(case: str, repeat: int) -> dict[str, object]:
    """Both forms of a case in turn, `repeat` times."""
    context = multiprocessing.get_context("spawn")
    runs: list[list[tuple[float, float, Array]]] = [[], []]
    for _ in range(repeat):
        for form in (0, 1):
            with context.Pool(1) as pool:
                runs[form].append(pool.apply(measure, (case, form)))
    plain, ours = (
        (median(one[0] for one in form), median(one[1] for one in form)) for form in runs
    )
    expected, found = runs[0][0][2], runs[1][0][2]
    return {
        "case": case,
        "plain_sec": round(plain[0], 3),
        "ours_sec": round(ours[0], 3),
        "plain_mib": round(plain[1]),
        "ours_mib": round(ours[1]),
        "difference": f"{np.abs(found - expected).max() / np.abs(expected).max():.1e}",
        "repeat": repeat,
        "machine": f"{processor()}, numpy {np.__version__}",
    }


def main() -> None:
    """Measure the cases and write the table."""
    parser = argparse.ArgumentParser(description="Time and memory of metrics.")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/performance/numerics.csv"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for case in options.cases.split(","):
        frame = pd.DataFrame([line(case, options.repeat)])
        print(frame.to_string(index=False), flush=True)
        if options.out.exists():
            frame = pd.concat([pd.read_csv(options.out), frame]).drop_duplicates(
                "case", keep="last"
            )
        with replacing(options.out) as temporary:
            frame.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()
