"""The grid of points: models x guidance x seeds, each sampled and scored once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing

import pandas as pd

from gcdp_bench.core.progress import Progress
from gcdp_bench.datasets.sizes import used_images
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.generators.sample import SampleRequest
from gcdp_bench.io.atomic import output_folder
from gcdp_bench.results.schema import REFERENCE_MODELS
from gcdp_bench.results.sync import synchronise
from gcdp_bench.results.table import gather_rows
from gcdp_bench.sweep import plan
from gcdp_bench.sweep.checks import check_sweep
from gcdp_bench.sweep.config import Paths, SweepConfig
from gcdp_bench.sweep.jobs import Chain
from gcdp_bench.sweep.points import WORK, claimed, collected
from gcdp_bench.sweep.shared import Sweep


def run_sweep(
    config: SweepConfig,
    paths: Paths,
    extractors: Extractors,
    *,
    progress: Progress,
    run_elsewhere: Callable[[Iterable[Chain]], None] | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> pd.DataFrame:
    """Measure every point that `paths.results` lacks and return the sweep's rows.

    Rows of the dataset whose metrics have another definition now are computed again first, from
    what the networks saw.

    Args:
        config: what is measured.
        paths: where to read and write.
        extractors: the networks that evaluate.
        progress: told of every batch.
        run_elsewhere: does all jobs of some chains in other processes; None: they are done here.
        say: told at which size images are used, if that is not their own.

    Raises:
        ValueError: unknown names, a model of another dataset, subset or size, an extractor that
            taught a model, more captions than the split has; before any sampling.
        FileNotFoundError: data or weights are missing; before any sampling.
        MemoryError: a device has no room for one image.
        OSError: `paths.results` cannot be written (before any sampling); no room is left; a store
            does not answer.
    """
    sweep = Sweep(config, paths, extractors, progress=progress)
    synchronise(paths.results, progress=progress)
    check_sweep(sweep)
    if line := used_images(sweep.dataset):
        say(line)
    output_folder(paths.results)
    requests: list[SampleRequest] = []
    phases = (plan.renewals(sweep), plan.points(sweep, requests), plan.costs(sweep, requests))
    try:
        for chains in phases:
            if run_elsewhere is not None:
                run_elsewhere(chains)
                continue
            with closing(claimed(sweep, chains)) as jobs:
                for job in jobs:
                    WORK[job.kind](sweep, job)
    except BaseException:  # an interrupt too: what was measured is in the table
        gather_rows(paths.results)
        raise
    requests.extend(map(sweep.real_request, REFERENCE_MODELS))
    rows = collected(sweep, requests)
    synchronise(paths.results, whole=True, progress=progress)
    return rows
