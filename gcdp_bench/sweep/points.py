"""Points to rows: each is sampled and scored once, and the table on disk is always up to date."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from gcdp_bench.core import progress
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import (
    EvalOptions,
    evaluate,
    extract_features,
    rescore_captions,
    score_real,
)
from gcdp_bench.evaluation.metrics import derangement
from gcdp_bench.evaluation.reference import class_proportions
from gcdp_bench.generators.registry import trained_parts
from gcdp_bench.generators.sample import SampleRequest, part_of, sample_folder
from gcdp_bench.io.atomic import remove_leftovers
from gcdp_bench.results.compatibility import outdated
from gcdp_bench.results.costs import record_costs
from gcdp_bench.results.layout import write_proportions
from gcdp_bench.results.schema import REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL, REFERENCE_MODELS
from gcdp_bench.results.seed_pooling import pool_seeds
from gcdp_bench.results.sync import synchronise
from gcdp_bench.results.table import (
    is_measured,
    merge_rows,
    rows_of_point,
)
from gcdp_bench.sweep.jobs import Chain, Job
from gcdp_bench.sweep.records import (
    labelled,
    semantic_recall,
    share_of_real,
    write_examples,
)
from gcdp_bench.sweep.renew import renew
from gcdp_bench.sweep.rows import controls_of, write_controls_of, write_scores
from gcdp_bench.sweep.shared import Sweep


def score_reference(sweep: Sweep, job: Job) -> Path:
    """Rows of real images: with own captions, with shuffled ones, against the others.

    Returns:
        The file of what the extractors saw.
    """
    write_proportions(sweep.paths.results, class_proportions(sweep.reference))
    controls = controls_of(sweep)
    if not len(controls) or outdated(controls).any():
        write_controls_of(sweep)
    requests = {model: sweep.real_request(model) for model in REFERENCE_MODELS}
    if not all(is_done(sweep, request) for request in requests.values()):
        _tidy(sweep, requests[REAL_OWN])
        _score_real(sweep, requests)
    return sweep.reference_file


def sample_point(sweep: Sweep, job: Job) -> Path:
    """Samples of some of a point's captions, unless the point is done.

    Returns:
        The record of the samples.
    """
    request = request_of(sweep, job)
    folder = sweep.paths.point(request)
    if not is_done(sweep, request):
        generator, _ = sweep.generator(request.model)
        sample_folder(
            generator,
            sweep.dataset,
            request,
            folder,
            part=job.captions,
            batch_size=sweep.config.batch_size,
            png_level=sweep.config.png_level,
            progress=sweep.progress,
        )
    return folder / "samples.json"


def score_point(sweep: Sweep, job: Job) -> Path:
    """Rows of a point all of whose samples are drawn, unless it is done.

    Returns:
        The record of the point.
    """
    request = request_of(sweep, job)
    if not is_done(sweep, request):
        _tidy(sweep, request)
        generator, _ = sweep.generator(request.model)
        folder = sweep.paths.point(request)
        samples = Folder(
            folder,
            request.split,
            image_size=generator.image_size,
            require_layouts=generator.makes_layouts,
        )
        eval_options = EvalOptions(
            has_layouts=generator.makes_layouts,
            match_captions=generator.reads_captions,
            predicted_dir=_predicted(sweep, request),
        )
        task = f"evaluate {request.point(generator)}"
        scores = evaluate(
            samples,
            sweep.reference,
            sweep.extractors,
            eval_options,
            progress=sweep.progress,
            task=task,
        )
        scores.values.extend(share_of_real(scores, sweep.real_recall))
        scores.values.extend(labelled(generator, request.num_samples))
        write_scores(sweep, request, scores, samples=folder, generator=generator)
    return sweep.score_folder(request) / "point.json"


def sample_and_score(sweep: Sweep, job: Job) -> Path:
    """See `sample_point` and `score_point`."""
    sample_point(sweep, job)
    return score_point(sweep, job)


def renew_rows(sweep: Sweep, job: Job) -> Path:
    """See `renew`."""
    results, extractors = sweep.paths.results, sweep.extractors
    return renew(results, sweep.reference, extractors, progress=sweep.progress)


def count_costs(sweep: Sweep, job: Job) -> Path:
    """See `costs.record_costs`."""
    assert job.model is not None
    generator, weights = sweep.generator(job.model)
    run = sweep.runs[job.model]
    return record_costs(
        sweep.paths.results,
        generator,
        run.folder,
        parts=trained_parts(run),
        context={
            "model": job.model,
            "dataset": sweep.dataset.name,
            "weights": weights,
            "trained_on": sweep.training(job.model).dataset,
        },
        values=job.values,
        caption=sweep.dataset[0].caption,
    )


WORK: dict[str, Callable[[Sweep, Job], Path]] = {
    "real": score_reference,
    "renew": renew_rows,
    "sample": sample_point,
    "score": score_point,
    "sample and score": sample_and_score,
    "costs": count_costs,
}
"""Kind of a job -> what does it. Each returns a file that is there when the job is done; a job that
is done already does nothing."""


@contextmanager
def claim(sweep: Sweep, job: Job, *, wait: bool = True) -> Iterator[bool]:
    """Claim a job for this process; what it made is sent to a store before the claim ends.

    Args:
        sweep: of the job.
        job: to be done.
        wait: while another process does the job; False: yield False then.
    """
    task = str(job)
    with progress.claim(_claim_file(sweep, job), task, sweep.progress, wait=wait) as mine:
        yield mine
        if mine and job.kind != "sample":
            synchronise(sweep.paths.results, progress=sweep.progress)


def claimed(sweep: Sweep, chains: Iterable[Chain]) -> Generator[Job]:
    """Jobs of all chains, each while this process has its claim and is to do it.

    Jobs that another process is doing come last in their stage.
    """
    done: set[Job] = set()
    for chain in chains:
        for stage in chain:
            elsewhere = []
            for job in [job for job in stage if job not in done]:
                with claim(sweep, job, wait=False) as mine:
                    if mine:
                        yield job
                    else:
                        elsewhere.append(job)
            for job in elsewhere:
                with claim(sweep, job):
                    yield job
            done.update(stage)


def request_of(sweep: Sweep, job: Job) -> SampleRequest:
    """The samples of a job's point."""
    assert job.model is not None, "a job of a point"
    return sweep.request(job.model, job.guidance, job.seed)


def rows_of(sweep: Sweep, request: SampleRequest) -> pd.DataFrame:
    """Rows of a point."""
    return rows_of_point(sweep.paths.results, sweep.config_hash(request))


def is_done(sweep: Sweep, request: SampleRequest) -> bool:
    """Whether the table has the point's rows."""
    return is_measured(sweep.paths.results, sweep.config_hash(request))


def recall(sweep: Sweep, request: SampleRequest) -> float:
    """Semantic Recall of a point that is done; NaN of a generator that reads no captions."""
    return semantic_recall(rows_of(sweep, request))


def collected(sweep: Sweep, requests: Iterable[SampleRequest]) -> pd.DataFrame:
    """Rows of points, and over all seeds of those that were measured with more than one."""
    hashes = {sweep.config_hash(request) for request in requests}

    def pooled(rows: pd.DataFrame) -> pd.DataFrame:
        found = pool_seeds(rows[rows["config_hash"].isin(hashes)])
        hashes.update(found["config_hash"])
        return found

    rows = merge_rows(sweep.paths.results, pooled)
    return rows[rows["config_hash"].isin(hashes)].reset_index(drop=True)


def _claim_file(sweep: Sweep, job: Job) -> Path:
    """The path that stands for a job."""
    results = sweep.paths.results
    if job.kind == "real":
        return sweep.paths.references / f"rows-{Path(sweep.dataset.name).name}"
    if job.kind == "renew":
        return results / "renewed"
    if job.kind == "costs":
        return results / f"costs-{job.model}"
    request = request_of(sweep, job)
    if job.kind == "sample":
        return part_of(sweep.paths.point(request), job.captions)
    return sweep.score_folder(request)


def _score_real(sweep: Sweep, requests: Mapping[str, SampleRequest]) -> None:
    num, dataset, extractors = sweep.config.num_samples, sweep.dataset, sweep.extractors
    eval_options = EvalOptions(num=num, predicted_dir=_predicted(sweep, requests[REAL_OWN]))
    seen = extract_features(
        dataset,
        extractors,
        eval_options,
        progress=sweep.progress,
        task=f"evaluate real {dataset.name}",
    )
    examples = write_examples(dataset, requests[REAL_OWN], sweep.paths.results)
    others = [sweep.captions[place] for place in derangement(num)]
    half = min(num, len(dataset) // 2)
    everything = sweep.reference.observed
    parts = {
        REAL_OWN: (seen, everything),
        REAL_SHUFFLED: (rescore_captions(dataset, seen, others, extractors), everything),
        REAL_VS_REAL: (everything.part(0, half), everything.part(half, None)),
    }
    for model, (sample, rest) in parts.items():
        scores = score_real(sample, rest, sweep.reference, extractors, model)
        write_scores(sweep, requests[model], scores, samples=examples)


def _tidy(sweep: Sweep, request: SampleRequest) -> None:
    """Remove what killed processes left where a point's scores lie."""
    remove_leftovers(sweep.score_folder(request))
    remove_leftovers(_predicted(sweep, request))


def _predicted(sweep: Sweep, request: SampleRequest) -> Path:
    return sweep.score_folder(request) / "predicted"
