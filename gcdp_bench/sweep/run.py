"""The grid of points: models x guidance x seeds, each sampled and scored once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import TRUNCATION, Generator
from gcdp_bench.datasets.sizes import used_images
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.generators.sample import SampleRequest
from gcdp_bench.io.atomic import output_folder
from gcdp_bench.results.object_store import store_of
from gcdp_bench.results.schema import REFERENCE_MODELS
from gcdp_bench.results.sync import synchronise
from gcdp_bench.sweep.bench import SweepContext
from gcdp_bench.sweep.config import GUIDANCE_LADDER, Paths, SweepConfig
from gcdp_bench.sweep.jobs import (
    Chain,
    Count,
    Draw,
    InProcess,
    Job,
    Measure,
    Real,
    Renew,
    Scheduler,
    Score,
    once,
)

SATURATION_GAIN, SATURATION_POINTS = 0.002, 2
"""`--until-saturation` stops after this many values without a gain of this share in recall."""


def run_sweep(
    config: SweepConfig,
    places: Paths,
    extractors: Extractors,
    *,
    progress: Progress,
    scheduler: Scheduler | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> pd.DataFrame:
    """Measure every point that `places.results` lacks and return the sweep's rows.

    Rows of the dataset whose metrics have another definition now are computed again first, from
    what the networks saw.

    Args:
        config: what is measured.
        places: where to read and write.
        extractors: the networks that evaluate.
        progress: told of every batch.
        scheduler: who does the work; None: this process.
        say: told at which size images are used, if that is not their own.

    Raises:
        ValueError: unknown names, a model of another dataset, subset or size, an extractor that
        taught
            a model, more captions than the split has; before any sampling.
        FileNotFoundError: data or weights are missing; before any sampling.
        MemoryError: a device has no room for one image.
        OSError: `places.results` cannot be written (before any sampling); no room is left; a store
            does not answer.
    """
    scheduler = InProcess() if scheduler is None else scheduler
    bench = SweepContext(config, places, extractors, progress=progress)
    synchronise(places.results, progress=progress)
    bench.check()
    if line := used_images(bench.dataset):
        say(line)
    output_folder(places.results)
    old = bench.old_definitions()
    if old:
        scheduler.run([once(Renew(tuple(old)))], bench.do)
    prompted: list[SampleRequest] = []
    scheduler.run(_chains(bench, prompted), bench.do)
    scheduler.run([once(*_counts(bench, prompted))], bench.do)
    prompted.extend(bench.points.real_request(name) for name in REFERENCE_MODELS)
    rows = bench.points.collected(prompted)
    synchronise(places.results, whole=True, progress=progress)
    return rows


def saturated(recalls: Sequence[float]) -> bool:
    """Whether the last `SATURATION_POINTS` values all failed to gain on the best before them."""
    if len(recalls) <= SATURATION_POINTS:
        return False
    best = max(recalls[:-SATURATION_POINTS])
    return all(value < best * (1 + SATURATION_GAIN) for value in recalls[-SATURATION_POINTS:])


def _chains(bench: SweepContext, prompted: list[SampleRequest]) -> Iterator[Chain]:
    """Real images; a chain per point, or per model and seed where recall decides how many points
    there are.

    Args:
        bench: of the sweep.
        asked: gets the request of every point.
    """
    config = bench.config
    yield once(Real(config.num_samples))
    for model in config.model_names:
        values = _values(bench.generator(model)[0], config)
        for seed in config.seeds:
            if values is None:
                yield _until_saturation(bench, model, seed, prompted)
            else:
                for guidance in values:
                    yield _point(bench, model, guidance, seed, prompted)


def _point(
    bench: SweepContext, model: str, guidance: float, seed: int, prompted: list[SampleRequest]
) -> Chain:
    """Samples in shards, then scores, which need those of real images; nothing of a point that is
    done.

    Machines that share a store share no samples before they are scored: a point is one job.
    """
    request = bench.request(model, guidance, seed)
    prompted.append(request)
    if bench.points.is_done(request):
        return
    num, size = bench.config.num_samples, bench.config.shard_size
    if store_of(bench.places.results) is not None:
        yield [Real(num)]
        yield [Measure(model, guidance, seed, num)]
        return
    starts = range(0, num, size)
    draws = [Draw(model, guidance, seed, start, min(start + size, num)) for start in starts]
    yield [Real(num), *draws]
    yield [Score(model, guidance, seed, num)]


def _until_saturation(
    bench: SweepContext, model: str, seed: int, prompted: list[SampleRequest]
) -> Chain:
    """Points of rising guidance, until recall stops gaining."""
    recalls: list[float] = []
    for guidance in GUIDANCE_LADDER:
        if saturated(recalls):
            return
        yield from _point(bench, model, guidance, seed, prompted)
        recalls.append(bench.points.recall(bench.request(model, guidance, seed)))


def _counts(bench: SweepContext, prompted: Sequence[SampleRequest]) -> Iterator[Job]:
    for model in bench.config.model_names:
        values = {request.guidance for request in prompted if request.model == model}
        yield Count(model, tuple(sorted(values)))


def _values(generator: Generator, config: SweepConfig) -> tuple[float, ...] | None:
    """Values of the generator's sampling parameter; None: of guidance, until recall saturates."""
    if generator.parameter is None:
        return (1.0,)
    return config.truncation if generator.parameter == TRUNCATION else config.guidance
