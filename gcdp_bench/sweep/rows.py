"""Columns that all rows of a point share, and how a point is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gcdp_bench.core.types import Generator
from gcdp_bench.datasets.framing import resize_of
from gcdp_bench.datasets.reading import reading_of
from gcdp_bench.evaluation import Scores, score_controls
from gcdp_bench.generators.sample import SampleRequest, captions_digest
from gcdp_bench.generators.sample_folder import SamplingRecord, read_record
from gcdp_bench.io.cache import UserCache
from gcdp_bench.results.alarms import ids_of, read_controls, write_controls
from gcdp_bench.results.layout import write_point
from gcdp_bench.results.schema import COLUMNS, REAL_OWN, REAL_SHUFFLED, REAL_VS_REAL, to_frame
from gcdp_bench.results.table import add_point
from gcdp_bench.sweep.records import control_lines, hardware_of, record
from gcdp_bench.sweep.shared import Sweep

SOURCES = {REAL_OWN: "real", REAL_SHUFFLED: "real", REAL_VS_REAL: "real-vs-real"}
"""Model of real images -> the rows' `source`; of a generator it is "generated"."""


def write_scores(
    sweep: Sweep,
    request: SampleRequest,
    scores: Scores,
    *,
    samples: Path,
    generator: Generator | None = None,
) -> None:
    """Write the rows of a point, the values of every sample, and what the extractors saw.

    Args:
        sweep: of the point.
        request: which samples.
        scores: every metric, and what it was computed from.
        samples: their folder; of real images, that of the first ones.
        generator: that drew them; None: real images.
    """
    results, folder = sweep.paths.results, sweep.score_folder(request)
    scores.seen.save(folder / "observed.npz")
    write_point(results, folder.name, samples, sweep.reference_file, scores.per_sample)
    controls = controls_of(sweep)
    alarms = controls[controls["source"] == "alarm"]
    context = _context(sweep, request, scores.seen.captions)
    if generator is not None:
        context |= _context_of(sweep, generator, request, read_record(samples))
    rows = to_frame([context | record(scored) for scored in scores.values])
    add_point(
        results,
        folder.name,
        rows.assign(alarm=ids_of(alarms, rows["metric"], rows["extractor"])).astype(COLUMNS),
    )


def controls_of(sweep: Sweep) -> pd.DataFrame:
    """Rows of controls and alarms of this dataset, these networks and this number of samples."""
    table = read_controls(sweep.paths.results)
    hash_ = sweep.config_hash(sweep.real_request("control"))
    return to_frame([]) if table is None else table[table["config_hash"] == hash_]


def write_controls_of(sweep: Sweep) -> None:
    """Try the networks on controls, and write what `controls_of` reads."""
    request = sweep.real_request("control")
    num = request.num_samples
    controls = score_controls(
        sweep.reference, sweep.extractors, UserCache(), sweep.progress, num_samples=num
    )
    lines = control_lines(controls, _context(sweep, request, sweep.captions), num)
    write_controls(sweep.paths.results, to_frame(lines))


def _context(sweep: Sweep, request: SampleRequest, captions: Sequence[str]) -> dict[str, Any]:
    """Columns that all rows of a point share, as they are of real images."""
    return {
        "dataset": request.dataset,
        "split": request.split,
        "protocol": sweep.config.protocol,
        "source": SOURCES.get(request.model, "generated"),
        "model": request.model,
        "trained_on": "none",
        "train_seed": None,
        "param_name": "none",
        "param_value": math.nan,
        "steps": None,
        "seed": request.seed,
        "between_seed_sd": math.nan,
        "within_seed_sd": math.nan,
        "image_size": "x".join(map(str, sweep.dataset.image_size)),
        "resize": resize_of(sweep.dataset),
        "reference": sweep.reference.digest,
        "captions": captions_digest(captions, reading_of(sweep.dataset)),
        "weights": request.weights,
        "extractors": sweep.extractors.identity,
        "config_hash": sweep.config_hash(request),
        "seconds": math.nan,
        "demo": sweep.config.demo,
        "alarm": "none",
        **sweep.made_with,
        "hardware": hardware_of(None),
    }


def _context_of(
    sweep: Sweep, generator: Generator, request: SampleRequest, drawn: SamplingRecord
) -> dict[str, Any]:
    """Those that a generator's rows say in addition."""
    training = sweep.training(request.model)
    return {
        "trained_on": training.dataset,
        "train_seed": training.seed,
        "param_name": "none" if generator.parameter is None else generator.parameter.name,
        "param_value": request.guidance,
        "steps": generator.num_steps,
        "seconds": drawn.seconds,
        "hardware": hardware_of(drawn),
    }
