"""Expected cost of a sweep: points, seconds and bytes, and the measurements behind them.

Seconds are those of earlier points of the same results folder, else FLOPs of the tiny preset at the
rate that was measured on one thread of a laptop's processor (docs/explanation/scale.md). Everything
else is reported as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gcdp_bench.generators.spec import Flops, GeneratorSpec

IMAGES_PER_SEC = 16.0  # that the pretrained networks evaluate, the slowest measured
REFERENCE_SEC = 60.0  # statistics of the real images, once
GFLOPS_PER_SEC = 19.0  # of sampling on one thread, the slowest measured
SAMPLE_PX = 64 * 128  # of the images at which FLOPs were counted
BYTES_PER_PX = 4  # an image and a layout before compression: at most what their PNG files take
FEATURE_BYTES = 12_000  # features and counts of a sample, at most
BASIS = (
    f"FLOPs of the tiny preset at {GFLOPS_PER_SEC:g} GFLOP/s, as measured on one thread "
    "(docs/explanation/scale.md)"
)


@dataclass(frozen=True, kw_only=True)
class ModelEstimate:
    """One model of a sweep."""

    model: str
    num_points: int
    at_most: bool  # recall decides how many points there are
    sec: float | None  # to sample all points; None: unknown
    basis: str  # of `sec`

    def __str__(self) -> str:
        most = "at most " if self.at_most else ""
        time = "unknown" if self.sec is None else duration(self.sec)
        points = f"{self.num_points} point{'s' * (self.num_points != 1)}"
        return f"{self.model}: {most}{points}, sampling {time} ({self.basis})"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A whole sweep."""

    models: tuple[ModelEstimate, ...]
    num_samples: int  # of a point
    sec: float | None  # with evaluation; None: some of it is unknown
    num_bytes: int  # that stay in the results folder, at most

    def __str__(self) -> str:
        points = sum(model.num_points for model in self.models)
        time = "unknown" if self.sec is None else f"about {duration(self.sec)}"
        total = (
            f"{points} point{'s' * (points != 1)} of {self.num_samples} "
            f"sample{'s' * (self.num_samples != 1)}: {time} in one process "
            f"({IMAGES_PER_SEC:g} images a second are evaluated, {REFERENCE_SEC:g} s for the real "
            f"ones), at most {self.num_bytes / 1e6:,.0f} MB"
        )
        return "\n".join([total, *map(str, self.models)])


def estimate(
    models: Sequence[GeneratorSpec],
    *,
    values: Mapping[str, Sequence[float] | None],
    num_seeds: int,
    num_samples: int,
    steps: int,
    sr_steps: int,
    size: tuple[int, int],
    ladder: Sequence[float],
    device: str,
    results: Path,
    dataset: str,
) -> Estimate:
    """Expected cost of a sweep on a processor.

    Args:
        models: generators of the sweep.
        values: by sampling parameter ("guidance", "truncation", "none"); None: until recall
            saturates, at most `ladder`.
        num_seeds: of sampling.
        num_samples: of a point.
        steps: of the first stage.
        sr_steps: of the second one.
        size: (height, width) of the images.
        ladder: see `values`.
        device: on which is sampled; only for "cpu" there are rates to start from.
        results: folder with earlier points, or none.
        dataset: own name.
    """
    found = []
    measured = _measured(results, dataset)
    share = size[0] * size[1] / SAMPLE_PX
    for spec in models:
        chosen = values[spec.param]
        scales = tuple(ladder if chosen is None else chosen)
        num = num_samples * num_seeds
        if spec.name in measured:
            each, old_steps = measured[spec.name]
            sec = each * num * len(scales) * (steps / old_steps if old_steps else 1.0)
            basis = f"earlier points in {results}"
        elif device == "cpu" and spec.flops is not None:
            sec = sum(_gflops(spec.flops, spec.param, v, steps, sr_steps) for v in scales)
            sec *= num * share / GFLOPS_PER_SEC
            basis = BASIS
        else:
            sec, basis = None, f"nothing of it was measured on {device}"
        found.append(
            ModelEstimate(
                model=spec.name,
                num_points=len(scales) * num_seeds,
                at_most=chosen is None,
                sec=sec,
                basis=basis,
            )
        )
    images = num_samples * sum(model.num_points for model in found)
    known = [model.sec for model in found if model.sec is not None]
    whole = len(known) == len(found)
    each_bytes = size[0] * size[1] * BYTES_PER_PX + FEATURE_BYTES
    return Estimate(
        models=tuple(found),
        num_samples=num_samples,
        sec=sum(known) + images / IMAGES_PER_SEC + REFERENCE_SEC if whole else None,
        num_bytes=images * each_bytes,
    )


def duration(sec: float) -> str:
    """Seconds, minutes or hours, whichever is read best."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if sec >= 2 * length:
            return f"{sec / length:,.0f} {unit}"
    return f"{sec:.0f} s"


def _gflops(flops: Flops, param: str, value: float, steps: int, sr_steps: int) -> float:
    evaluations = 2 if param == "guidance" and value != 1.0 else 1
    return flops.once + evaluations * steps * flops.step + sr_steps * flops.sr_step


def _measured(results: Path, dataset: str) -> dict[str, tuple[float, int]]:
    """Model -> seconds a sample and steps of the latest points in a results folder."""
    if not (results / "results.parquet").is_file():
        return {}
    from gcdp_bench.results.table import read_rows

    rows = read_rows(results)
    own = rows[(rows["dataset"] == dataset) & (rows["source"] == "generated")]
    own = own[(own["class"] == "all") & own["seconds"].notna() & own["seed"].notna()]
    points = own.groupby(["model", "config_hash"]).agg(
        sec=("seconds", "max"), num=("num_samples", "max"), steps=("steps", "max")
    )
    means = points.groupby("model")[["sec", "num", "steps"]].agg(
        {"sec": "sum", "num": "sum", "steps": "mean"}
    )
    return {
        str(model): (float(line["sec"] / line["num"]), int(line["steps"]))
        for model, line in means.iterrows()
        if line["num"] > 0
    }
