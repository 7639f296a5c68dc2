"""Samplers of a cascade's images: quality against time, and which are no worse than the slowest."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from gcdp_bench.analysis.sampler_points import Point, SamplerRequest
from gcdp_bench.comparison.measured import SetValues, averaged, set_values
from gcdp_bench.comparison.non_inferiority import is_non_inferior
from gcdp_bench.comparison.paired import differences, side_by_side
from gcdp_bench.core.progress import Progress, claim
from gcdp_bench.core.sampling_config import SamplingConfig, interval_text
from gcdp_bench.core.types import Dataset, Generator
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import (
    EvalOptions,
    Reference,
    extract_features,
    reference_statistics,
    score_generated,
)
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.generators.sample import SampleRequest, captions_digest, part_of, sample_folder
from gcdp_bench.generators.sample_folder import read_record
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics.definitions.features import frechet_name
from gcdp_bench.metrics.frechet import UNDERSAMPLED
from gcdp_bench.metrics.intervals import (
    Interval,
    at_least_zero,
    bounded_interval,
    bounded_mean,
    without_interval,
)
from gcdp_bench.results.summary import with_interval
from reference_model.generator import Cascade

YES, NO, UNKNOWN, BASELINE = "yes", "no", "undefined", "baseline"

METRICS = {"fid": "fid", "miou": "miou", "recall": "semantic_recall"}
"""Name in the table's columns -> metric of `paired.differences`."""
ENDS = {name: ("", *(["_corrected"] * (name == "fid")), "_low", "_high") for name in METRICS}
"""Ends of the names of a metric's columns, and of those of its differences."""
COLUMNS = (
    *("dataset", "split", "model", "sampler", "guidance_interval", "precision"),
    *("steps", "sr_steps"),
    *("passes", "seconds"),
    *(f"{name}{end}" for name, ends in ENDS.items() for end in ends),
    *(f"{name}_difference{end}" for name, ends in ENDS.items() for end in ends),
    *("non_inferior", "fid_name", "fid_method", "num_samples", "seeds", "guidance"),
    *("sr_guidance", "weights", "extractors"),
)


@dataclass(frozen=True)
class Measurement:
    """Values of a point's samples, averaged over the seeds."""

    captions: pd.DataFrame  # of `measured.averaged`
    sets: SetValues
    seconds: float  # per sample

    def intervals(self) -> dict[str, Interval]:
        """Of each of `METRICS`; mIoU is NaN without layouts."""
        recall = self.captions["recall"].to_numpy(float)
        recall = recall[~pd.isna(recall)]
        iou = self.sets.iou
        return {
            "fid": at_least_zero(self.sets.distances["fid"].interval()),
            "miou": without_interval(math.nan)
            if iou is None
            else bounded_interval(iou.value, iou.low, iou.high),
            "recall": bounded_mean(recall) if len(recall) > 1 else without_interval(math.nan),
        }


def analyze_samplers(
    load: Callable[[SamplingConfig], tuple[Generator, str]],
    model: str,
    dataset: Dataset,
    extractors: Extractors,
    request: SamplerRequest,
    folder: Path,
    *,
    progress: Progress,
) -> pd.DataFrame:
    """Sample the same captions and seeds in every way, and compare each with the baseline.

    Values are Fréchet distance to the real images of the split, mIoU of image and layout, and
    Semantic Recall, with their 95 % intervals; differences are paired by caption and seed, as in
    `paired.compare_pair`. `non_inferior` follows `non_inferiority.is_non_inferior`. Ends of
    intervals belong to the corrected value, where there is one. `seconds` is the wall time of
    sampling per sample on this machine; `passes` counts how often a network sees a sample.

    Args:
        load: makes the generator of a sampling configuration, with the digest of both.
        model: its name.
        dataset: the split in the order of its prompts, at the generator's size.
        extractors: the networks.
        request: the ways to sample.
        folder: keeps the samples; a rerun draws only what is missing.
        progress: told of every batch.

    Returns:
        One row per way to sample, the baseline first; columns `COLUMNS`.

    Raises:
        ValueError: fewer samples than 2 or more than the split has, a model that is no cascade or
            reads no captions, more steps than it was trained with, or `folder` holds samples of
            another request.
    """
    if not 2 <= request.num_samples <= len(dataset):
        raise ValueError(
            f"num_samples: expected 2 to {len(dataset)} (captions of {dataset.name} "
            f"{dataset.split}), got {request.num_samples}"
        )
    reference = reference_statistics(dataset, extractors, UserCache(), progress)
    lines: list[dict] = []
    baseline: Measurement | None = None
    for point in request.points:
        generator, digest = load(request.config(point))
        cascade = as_cascade(generator, request)
        wanted = _sample_request(model, digest, dataset, request)
        places = {
            seed: folder / "samples" / f"{model}-{point.name}-s{seed}" for seed in request.seeds
        }
        for seed, place in places.items():
            with claim(part_of(place, range(request.num_samples)), point.name, progress):
                sample_folder(
                    cascade,
                    dataset,
                    replace(wanted, seed=seed),
                    place,
                    batch_size=request.batch_size,
                    progress=progress,
                )
        measured = _measure(cascade, list(places.values()), point, reference, extractors, progress)
        baseline = baseline or measured
        lines.append(
            {
                "dataset": dataset.name,
                "split": dataset.split,
                "model": model,
                "sampler": point.sampler,
                "guidance_interval": interval_text(point.interval),
                "precision": point.precision,
                "steps": point.steps,
                "sr_steps": cascade.config.sr_steps if len(cascade.stages) > 1 else None,
                "passes": cascade.num_passes(request.guidance),
                "seconds": measured.seconds,
                **_values(measured, baseline),
                "fid_name": frechet_name(_protocol(extractors)),
                "num_samples": request.num_samples,
                "seeds": " ".join(map(str, request.seeds)),
                "guidance": request.guidance,
                "sr_guidance": request.sr_guidance,
                "weights": digest,
                "extractors": extractors.identity,
            }
        )
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    return table.astype({"sr_steps": "Int64"})


def as_cascade(generator: Generator, request: SamplerRequest) -> Cascade:
    """The generator, as one whose image has these samplers.

    Raises:
        ValueError: it is no cascade, reads no captions, or was trained with fewer steps.
    """
    if not isinstance(generator, Cascade) or not generator.reads_captions:
        raise ValueError(
            f"{generator.name}: expected a diffusion cascade that reads captions, whose samplers "
            "can be chosen; take reference or imagen"
        )
    most = min(stage.process.num_steps for stage in generator.stages)
    given = max(*(point.steps for point in request.points), request.sr_steps or 1)
    if given > most:
        raise ValueError(
            f"steps: expected at most {most}, as {generator.name} was trained with, got {given}; "
            "lower --steps, --sr-steps or --baseline-steps"
        )
    return generator


def summary_lines(table: pd.DataFrame) -> list[str]:
    """A line per way to sample, then the fastest one that is no worse, then warnings."""
    lines = [_summary_line(line) for line in table.to_dict("records")]
    baseline, *others = table.to_dict("records")
    good = [line for line in others if line["non_inferior"] == YES]
    if good:
        best = min(good, key=lambda line: line["seconds"])
        lines.append(
            f"Fastest that is non-inferior: {_label(best)}, "
            f"{baseline['seconds'] / best['seconds']:.1f} times faster than {_label(baseline)}. "
            "It was chosen among several: confirm it with other seeds (--seeds 1,)."
        )
    else:
        lines.append(f"None is shown to be non-inferior to {_label(baseline)}.")
    if table["fid_method"].str.endswith(UNDERSAMPLED).any():
        lines.append(
            "Too few samples for the intervals of the Fréchet distance (fid_method); raise "
            "--num-samples before anything is chosen."
        )
    return lines


def _sample_request(
    model: str, digest: str, dataset: Dataset, request: SamplerRequest
) -> SampleRequest:
    """The samples of the first seed."""
    captions = [dataset[index].caption for index in range(request.num_samples)]
    return SampleRequest(
        model=model,
        weights=digest,
        dataset=dataset.name,
        split=dataset.split,
        num_samples=request.num_samples,
        captions=captions_digest(captions),
        guidance=request.guidance,
        seed=request.seeds[0],
    )


def _measure(
    cascade: Cascade,
    places: Sequence[Path],
    point: Point,
    reference: Reference,
    extractors: Extractors,
    progress: Progress,
) -> Measurement:
    """Values of a point from the folders of its seeds."""
    dataset = reference.dataset
    scores = []
    for place in places:
        seen = extract_features(
            Folder(
                place,
                dataset.split,
                image_size=cascade.image_size,
                require_layouts=cascade.makes_layouts,
            ),
            extractors,
            EvalOptions(has_layouts=cascade.makes_layouts),
            progress=progress,
            task=f"evaluate {point.name}",
        )
        scores.append(score_generated(seen, reference, extractors, distances=False))
    seen = [score.seen for score in scores]
    seconds = sum(read_record(place).seconds for place in places)
    return Measurement(
        averaged([score.per_sample for score in scores]),
        set_values(seen, [reference.observed] * len(seen), _protocol(extractors)),
        seconds / sum(map(len, seen)),
    )


def _protocol(extractors: Extractors) -> str:
    """Of the features in which the Fréchet distance is measured."""
    return extractors.features[0].protocol


def _values(measured: Measurement, baseline: Measurement) -> dict:
    """Columns of the values and of their differences to the baseline."""
    own = measured.intervals()
    columns = {"fid_method": own["fid"].method}
    for name, interval in own.items():
        columns |= _columns(name, name, interval)
    if measured is baseline:
        return columns | {"non_inferior": BASELINE}
    captions = side_by_side(measured.captions, baseline.captions)
    lines = {
        line["metric"]: line
        for line in differences(captions, measured.sets, baseline.sets, noise={})
    }
    found = {
        name: _difference(lines[metric]) for name, metric in METRICS.items() if metric in lines
    }
    for name, interval in found.items():
        columns |= _columns(f"{name}_difference", name, interval)
    missing = without_interval(math.nan)
    verdict = is_non_inferior(
        baseline.intervals()["fid"], found["fid"], found.get("recall", missing)
    )
    answers = {True: YES, False: NO, None: UNKNOWN}
    return columns | {"non_inferior": answers[verdict]}


def _difference(line: dict) -> Interval:
    ends = (line[name] for name in ("difference", "ci_low", "ci_high", "ci_method", "corrected"))
    return Interval(*ends)


def _columns(start: str, metric: str, interval: Interval) -> dict[str, float]:
    values = {
        "": interval.value,
        "_corrected": interval.corrected,
        "_low": interval.low,
        "_high": interval.high,
    }
    return {f"{start}{end}": values[end] for end in ENDS[metric]}


def _label(line: Mapping[Hashable, Any]) -> str:
    """ "ddim, 25 steps, guidance at 0.3:5, bf16"."""
    interval, precision = line["guidance_interval"], line["precision"]
    where = "" if interval == "none" else f", guidance at {interval}"
    coarse = "" if precision == "float32" else f", {precision}"
    return f"{line['sampler']}, {line['steps']} steps{where}{coarse}"


def _summary_line(line: Mapping[Hashable, Any]) -> str:
    """Values as people read them, each with its interval."""
    fid = line["fid"] if math.isnan(line["fid_corrected"]) else line["fid_corrected"]
    cells = [
        f"FID {with_interval(fid, line['fid_low'], line['fid_high'])}",
        *(
            f"{name} {with_interval(value, low, high, '{:.1f}')} %"
            for name in ("miou", "recall")
            for value, low, high in [[100.0 * line[f"{name}{end}"] for end in ENDS[name]]]
            if not math.isnan(value)
        ),
        f"non-inferior: {line['non_inferior']}",
    ]
    return f"{_label(line):46s} {line['seconds']:7.3f} s  {'  '.join(cells)}"
