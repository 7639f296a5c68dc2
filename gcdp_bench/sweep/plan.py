"""The jobs of a sweep, from its settings and the files that are there already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gcdp_bench.core.types import TRUNCATION, Generator
from gcdp_bench.generators.sample import SampleRequest
from gcdp_bench.results.compatibility import old_definitions
from gcdp_bench.results.object_store import store_of
from gcdp_bench.results.table import read_rows
from gcdp_bench.sweep.config import GUIDANCE_LADDER, SweepConfig
from gcdp_bench.sweep.jobs import Chain, Job, Kind, once
from gcdp_bench.sweep.points import is_done, recall
from gcdp_bench.sweep.shared import Sweep

SATURATION_GAIN, SATURATION_POINTS = 0.002, 2
"""`--until-saturation` stops after this many values without a gain of this share in recall."""


def renewals(sweep: Sweep) -> Iterator[Chain]:
    """Rows of the dataset whose metrics have another definition now."""
    if (sweep.paths.results / "results.parquet").exists():
        rows = read_rows(sweep.paths.results)
        if old := old_definitions(rows[rows["dataset"] == sweep.dataset.name]):
            yield once(Job(kind="renew", metrics=tuple(old)))


def points(sweep: Sweep, requests: list[SampleRequest]) -> Iterator[Chain]:
    """Real images; a chain per point, or per model and seed where recall decides how many points
    there are.

    Args:
        sweep: to plan.
        requests: gets that of every point.
    """
    config = sweep.config
    yield once(_real(sweep))
    for model in config.model_names:
        values = _values(sweep.generator(model)[0], config)
        for seed in config.seeds:
            if values is None:
                yield _until_saturation(sweep, model, seed, requests)
            else:
                for guidance in values:
                    yield _point(sweep, model, guidance, seed, requests)


def costs(sweep: Sweep, requests: Sequence[SampleRequest]) -> Iterator[Chain]:
    """Cost of every model at the values at which it was sampled."""
    found = []
    for model in sweep.config.model_names:
        values = {request.guidance for request in requests if request.model == model}
        found.append(Job(kind="costs", model=model, values=tuple(sorted(values))))
    yield once(*found)


def saturated(recalls: Sequence[float]) -> bool:
    """Whether the last `SATURATION_POINTS` values all failed to gain on the best before them."""
    if len(recalls) <= SATURATION_POINTS:
        return False
    best = max(recalls[:-SATURATION_POINTS])
    return all(value < best * (1 + SATURATION_GAIN) for value in recalls[-SATURATION_POINTS:])


def _point(
    sweep: Sweep, model: str, guidance: float, seed: int, requests: list[SampleRequest]
) -> Chain:
    """Samples in shards, then scores, which need those of real images; nothing of a point that is
    done.

    Machines that share a store share no samples before they are scored: a point is one job.
    """
    request = sweep.request(model, guidance, seed)
    requests.append(request)
    if is_done(sweep, request):
        return

    def job(kind: Kind, captions: range) -> Job:
        return Job(kind=kind, model=model, guidance=guidance, seed=seed, captions=captions)

    captions, size = range(sweep.config.num_samples), sweep.config.shard_size
    if store_of(sweep.paths.results) is not None:
        yield [_real(sweep)]
        yield [job("sample and score", captions)]
        return
    shards = [captions[start : start + size] for start in captions[::size]]
    yield [_real(sweep), *(job("sample", shard) for shard in shards)]
    yield [job("score", captions)]


def _until_saturation(sweep: Sweep, model: str, seed: int, requests: list[SampleRequest]) -> Chain:
    """Points of rising guidance, until recall stops gaining."""
    recalls: list[float] = []
    for guidance in GUIDANCE_LADDER:
        if saturated(recalls):
            return
        yield from _point(sweep, model, guidance, seed, requests)
        recalls.append(recall(sweep, sweep.request(model, guidance, seed)))


def _real(sweep: Sweep) -> Job:
    return Job(kind="real", captions=range(sweep.config.num_samples))


def _values(generator: Generator, config: SweepConfig) -> tuple[float, ...] | None:
    """Values of the generator's sampling parameter; None: of guidance, until recall saturates."""
    if generator.parameter is None:
        return (1.0,)
    return config.truncation if generator.parameter == TRUNCATION else config.guidance
