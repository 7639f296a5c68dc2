"""Effect of the label schedule beta^c (Section 4.2; the paper's supplement)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdp_bench.analysis.convergence import (
    CONVERGED,
    IMAGE,
    KEPT,
    PREDICTED,
    SAMPLED,
    ConvergenceOrder,
    Curves,
    convergence,
)
from gcdp_bench.analysis.variants import ScheduleVariant, check_dataset, schedule_name
from gcdp_bench.core.finite import finite_samples
from gcdp_bench.core.progress import Progress, claim
from gcdp_bench.core.rng import derive_seed
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import (
    EvalOptions,
    Reference,
    evaluate,
    extract_features,
    reference_statistics,
    score_real,
)
from gcdp_bench.evaluation.metrics import ScoredMetric
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.generators.sample import SampleRequest, captions_digest, part_of, sample_folder
from gcdp_bench.io.cache import UserCache
from gcdp_bench.metrics.centres import centres
from gcdp_bench.metrics.intervals import Interval
from gcdp_bench.results.schema import REAL_OWN, REAL_VS_REAL
from reference_model.trajectory import explained_variance, label_agreement, record

GENERATED, NO_SCHEDULE = "generated", "none"
RUN_COLUMNS = ("guidance", "steps", "sr_steps", "seed", "training_steps", "weights")
SCORE_COLUMNS = (
    "dataset",
    "schedule",
    "source",
    "metric",
    "class",
    "value",
    "corrected",
    "ci_low",
    "ci_high",
    "ci_method",
    "num_samples",
    *RUN_COLUMNS,
)
ORDER_COLUMNS = (
    "dataset",
    "schedule",
    "quantity",
    "t",
    "value",
    "ci_low",
    "ci_high",
    "ci_method",
    "num_samples",
    *RUN_COLUMNS,
)
CONVERGED_COLUMNS = (
    "dataset",
    "schedule",
    "quantity",
    "level",
    "value",
    "ci_low",
    "ci_high",
    "ci_method",
    "num_samples",
    *RUN_COLUMNS,
)
LEVEL_COLUMNS = ("dataset", "schedule", "chain", "t", "alpha_bar")
SHOWN = ("miou", "semantic_recall", "fsd_generated", "fsd_predicted")
CONVERGED_NAMES = {
    PREDICTED: "t, predicted layout",
    KEPT: "t, kept prediction",
    SAMPLED: "t, sampled layout",
    IMAGE: "t, image",
    "lead": "lead",
    "lead_of_prediction": "lead of prediction",
}
NAME_WIDTH, CELL_WIDTH = 20, 28  # characters of a line of `summary_lines`

COUNTS = dict.fromkeys(("steps", "sr_steps", "seed", "training_steps"), "Int64")
"""Whole numbers that may be missing: real images have none of them."""


@dataclass(frozen=True, kw_only=True)
class ScheduleRequest:
    """Sampling settings of every cascade."""

    num_samples: int
    guidance: float = 2.0
    seed: int = 0
    batch_size: int = 16

    def __post_init__(self):
        if self.batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, got {self.batch_size}")


@dataclass(frozen=True)
class ScheduleAnalysis:
    """Results; schedules have the order of their folders."""

    scores: pd.DataFrame  # columns `SCORE_COLUMNS`
    order: pd.DataFrame  # columns `ORDER_COLUMNS`: means over the runs at every visited step
    converged: pd.DataFrame  # columns `CONVERGED_COLUMNS`: values are steps t
    levels: pd.DataFrame  # columns `LEVEL_COLUMNS`: chain "layout" of each, "image" of all


def analyze_schedules(
    variants: Sequence[ScheduleVariant],
    dataset: Dataset,
    extractors: Extractors,
    request: ScheduleRequest,
    folder: Path,
    *,
    progress: Progress,
) -> ScheduleAnalysis:
    """Evaluate the samples of every cascade; in its base stage, when layout and image converge.

    Captions and seeds are the same for all. Beside the samples stand real images: "real-own",
    the metrics of captions and layouts of the first ones, and "real-vs-real", the distances of the
    first ones (at most half of the split) to the others.

    For the order, the base stage runs once more with the same noise. At every visited step t:

    - `predicted_layout`: share of pixels whose argmax p(y_0 | z_t) is the run's final label;
    - `kept_prediction`: share of pixels whose argmax is that of the last step. The final labels are
      a draw, so that `predicted_layout` ends below 1 by the uncertainty that is left; this does
      not, as `image_r2` does not: the final image is the last prediction of x_0;
    - `sampled_layout`: share of pixels whose y_t is the final label;
    - `image_r2`: R^2 of the predicted x_0, thresholded as the sampler does, with the run's final
      image (`trajectory.explained_variance`).

    Both layout and image are those of the base stage. `converged` has the t from which each mean
    curve stays above 0.9, and how much earlier the layout does than the image, by the first
    quantity ("lead") and by the second ("lead_of_prediction"); positive: the layout leads.

    Args:
        variants: of `variants.load_variants`.
        dataset: the split in the order of its prompts, at the cascades' size.
        extractors: the networks.
        request: how to sample.
        folder: keeps samples and curves; a rerun draws only what is missing.
        progress: told of every batch.

    Raises:
        ValueError: fewer samples than 2 or more than the split has, cascades of another dataset, or
            `folder` holds samples of another request.
    """
    if not 2 <= request.num_samples <= len(dataset):
        raise ValueError(
            f"num_samples: expected 2 to {len(dataset)} (captions of {dataset.name} "
            f"{dataset.split}), got {request.num_samples}"
        )
    check_dataset(variants, dataset)
    reference = reference_statistics(dataset, extractors, UserCache(), progress)
    scores = _real_lines(reference, extractors, request, progress)
    order, converged = [], []
    for variant in variants:
        common = _common(variant, dataset, request)
        wanted = _sample_request(variant, dataset, request)
        place = folder / "samples" / variant.schedule
        with claim(part_of(place, range(request.num_samples)), "samples", progress):
            sample_folder(
                variant.cascade,
                dataset,
                wanted,
                place,
                batch_size=request.batch_size,
                progress=progress,
            )
        images = Folder(place, dataset.split, image_size=variant.cascade.image_size)
        task = f"evaluate {variant.schedule}"
        values = evaluate(
            images, reference, extractors, EvalOptions(), progress=progress, task=task
        ).values
        scores += [common | line for line in _score_lines(values, GENERATED)]
        path = folder / "curves" / f"{variant.schedule}-{wanted.hash}.npz"
        curves = _curves(variant, dataset, request, path, progress)
        found = convergence(curves)
        order += [common | line for line in _order_lines(curves, found)]
        converged += [common | line for line in _converged_lines(found)]
    return ScheduleAnalysis(
        pd.DataFrame(scores)[list(SCORE_COLUMNS)].astype(COUNTS),
        pd.DataFrame(order)[list(ORDER_COLUMNS)].astype(COUNTS),
        pd.DataFrame(converged)[list(CONVERGED_COLUMNS)].astype(COUNTS),
        level_table(variants),
    )


def level_table(variants: Sequence[ScheduleVariant]) -> pd.DataFrame:
    """alpha_bar of every label schedule and of the image's, at t = 0 .. T."""
    process = variants[0].cascade.stages[0].process
    dataset = variants[0].cascade.trained_on
    chains = [("image", schedule_name(process.config.image_schedule), process.image)]
    for variant in variants:
        chains.append(("layout", variant.schedule, variant.cascade.stages[0].process.layout))
    lines = [
        (dataset, schedule, chain, t, float(level))
        for chain, schedule, levels in chains
        for t, level in enumerate(levels.alpha_bar)
    ]
    return pd.DataFrame(lines, columns=list(LEVEL_COLUMNS))


def summary_lines(found: ScheduleAnalysis) -> list[str]:
    """The main numbers as text: a line per quantity, a column per schedule, then warnings."""
    scores = found.scores[(found.scores["class"] == "all") & (found.scores["source"] == GENERATED)]
    shown = scores["metric"].isin(SHOWN) | scores["metric"].str.startswith(("fid-", "fd-"))
    named = pd.concat(
        [
            scores[shown].assign(value=centres(scores)).rename(columns={"metric": "quantity"}),
            found.converged.assign(quantity=found.converged["quantity"].map(CONVERGED_NAMES)),
        ]
    )
    schedules = list(dict.fromkeys(named["schedule"]))
    lines = [f"{'':{NAME_WIDTH}s}" + "".join(f"{name:>{CELL_WIDTH}s}" for name in schedules)]
    for quantity, own in named.groupby("quantity", sort=False):
        cells = {
            schedule: _cell(*ends)
            for schedule, *ends in own[["schedule", "value", "ci_low", "ci_high"]].to_numpy()
        }
        lines.append(
            f"{quantity!s:{NAME_WIDTH}s}"
            + "".join(f"{cells[name]:>{CELL_WIDTH}s}" for name in schedules)
        )
    trained = found.converged.groupby("schedule", sort=False)["training_steps"].first()
    if trained.nunique() > 1:
        steps = ", ".join(f"{name} {number}" for name, number in trained.items())
        lines.append(
            f"Trained for different numbers of steps ({steps}): not the schedules alone "
            "are compared."
        )
    return lines


def _cell(value: float, low: float, high: float) -> str:
    """A value with its interval, three decimals below 10 and one above."""
    if pd.isna(value):
        return "undefined"
    digits = 1 if abs(value) >= 10 else 3
    interval = "" if pd.isna(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{value:.{digits}f}{interval}"


def _sample_request(
    variant: ScheduleVariant, dataset: Dataset, request: ScheduleRequest
) -> SampleRequest:
    captions = [dataset[index].caption for index in range(request.num_samples)]
    return SampleRequest(
        model=variant.cascade.name,
        weights=variant.digest,
        dataset=dataset.name,
        split=dataset.split,
        num_samples=request.num_samples,
        captions=captions_digest(captions),
        guidance=request.guidance,
        seed=request.seed,
    )


def _curves(
    variant: ScheduleVariant,
    dataset: Dataset,
    request: ScheduleRequest,
    path: Path,
    progress: Progress,
) -> Curves:
    """Curves of the base stage's runs with the captions and the noise of the samples."""
    if path.exists():
        return Curves.load(path)
    cascade, parts = variant.cascade, []
    progress.start(f"order of {variant.schedule}", request.num_samples, unit="image")
    for start in range(0, request.num_samples, request.batch_size):
        places = range(start, min(start + request.batch_size, request.num_samples))
        captions = [dataset[place].caption for place in places]
        with finite_samples(cascade.name, captions):
            run = record(
                cascade.stages[0],
                cascade.encode_text(captions),
                guidance=request.guidance,
                seeds=[derive_seed(request.seed, place) for place in places],
                num_steps=cascade.num_steps,
            )
        values = {
            PREDICTED: label_agreement(run.y_0_hat, run.layout).numpy(),
            KEPT: label_agreement(run.y_0_hat, run.y_0_hat[-1]).numpy(),
            SAMPLED: label_agreement(run.y_t, run.layout).numpy(),
            IMAGE: explained_variance(run.x_0_hat, run.z_0.image).numpy(),
        }  # (B, S) each
        parts.append(Curves(run.steps, values))
        progress.advance(len(places))
    progress.finish()
    curves = Curves.cat(parts)
    curves.save(path)
    return curves


def _real_lines(
    reference: Reference, extractors: Extractors, request: ScheduleRequest, progress: Progress
) -> list[dict]:
    """Metrics of real images, where they are defined."""
    dataset = reference.dataset
    seen = extract_features(
        dataset,
        extractors,
        EvalOptions(num=request.num_samples),
        progress=progress,
        task=f"evaluate real {dataset.name}",
    )
    everything = reference.observed
    half = min(request.num_samples, len(everything) // 2)
    parts = {
        REAL_OWN: (seen, everything),
        REAL_VS_REAL: (everything.part(0, half), everything.part(half, None)),
    }
    common = {"dataset": dataset.name, "schedule": NO_SCHEDULE} | dict.fromkeys(RUN_COLUMNS)
    return [
        common | line
        for source, (sample, rest) in parts.items()
        for line in _score_lines(
            score_real(sample, rest, reference, extractors, source).values, source
        )
    ]


def _common(variant: ScheduleVariant, dataset: Dataset, request: ScheduleRequest) -> dict:
    config = variant.cascade.config
    return {
        "dataset": dataset.name,
        "schedule": variant.schedule,
        "guidance": request.guidance,
        "steps": config.steps,
        "sr_steps": config.sr_steps if len(variant.cascade.stages) > 1 else None,
        "seed": request.seed,
        "training_steps": variant.training_steps,
        "weights": variant.digest,
    }


def _score_lines(values: Sequence[ScoredMetric], source: str) -> list[dict]:
    """Values of the primary extractors."""
    return [
        {
            "source": source,
            "metric": scored.value.metric,
            "class": scored.value.class_name,
            "value": scored.value.value,
            "corrected": scored.value.corrected,
            "ci_low": scored.value.ci_low,
            "ci_high": scored.value.ci_high,
            "ci_method": scored.value.ci_method,
            "num_samples": scored.value.num_samples,
        }
        for scored in values
        if scored.primary
    ]


def _order_lines(curves: Curves, found: ConvergenceOrder) -> list[dict]:
    return [
        {"quantity": quantity, "t": t} | _interval_columns(interval, found)
        for quantity, intervals in found.curves.items()
        for t, interval in zip(curves.steps, intervals, strict=True)
    ]


def _converged_lines(found: ConvergenceOrder) -> list[dict]:
    return [
        {"quantity": quantity, "level": CONVERGED} | _interval_columns(interval, found)
        for quantity, interval in found.converged.items()
    ]


def _interval_columns(interval: Interval, found: ConvergenceOrder) -> dict:
    return {
        "value": interval.value,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "ci_method": interval.method,
        "num_samples": found.num_samples,
    }
