"""The grid of points: models x guidance x seeds, each sampled and scored once."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdp_bench.catalog import open_dataset
from gcdp_bench.config import digest
from gcdp_bench.datasets.folder import Folder, FolderWriter
from gcdp_bench.evaluate import (
    Scores,
    class_proportions,
    reference_statistics,
    score,
    score_real,
)
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.files import output_folder, replacing
from gcdp_bench.points import score_folder, write_point
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import Dataset, check_guidance
from gcdp_bench.rows import CEILING, FLOOR, merge_rows, read_rows, to_frame
from gcdp_bench.sample import SampleRequest, load_generator, sample_folder
from reference_model.generator import Cascade, SamplingConfig

GUIDANCE_LADDER = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0)
SATURATION_GAIN, SATURATION_POINTS = 0.002, 2
"""`--until-saturation` stops after this many values without a gain of this share in recall."""

SPLIT = "test"
NUM_EXAMPLES = 8
"""Real triplets kept for the report."""


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """What a sweep measures."""

    dataset: str
    models: tuple[str, ...] = ("reference", "imagen")
    guidance: tuple[float, ...] | None = (1.0, 2.0, 4.0, 8.0)  # None: until saturation
    seeds: tuple[int, ...] = (0,)
    num_samples: int = 500
    sampling: SamplingConfig = SamplingConfig()
    batch_size: int = 16
    demo: bool = False

    def __post_init__(self):
        for value in self.guidance or ():
            check_guidance(value)
        if self.num_samples < 2:
            raise ValueError(f"num_samples: expected at least 2, got {self.num_samples}")


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a sweep reads and writes."""

    results: Path
    data_root: Path | None = None
    weights: tuple[tuple[str, Path], ...] = ()  # model -> folder, where not the usual one

    def point(self, request: SampleRequest) -> Path:
        """Folder of one point's samples."""
        name = f"g{request.guidance:g}-s{request.seed}-{request.hash}"
        return self.results / "points" / Path(request.dataset).name / request.model / name

    @property
    def cache(self) -> Path:
        """Folder of reference statistics."""
        return self.results / "cache"


def run_sweep(
    config: SweepConfig, places: Places, extractors: Extractors, *, progress: Progress
) -> pd.DataFrame:
    """Measure every point that `places.results` lacks and return the sweep's rows.

    Raises:
        ValueError: unknown names, a model of another dataset or size; before any sampling.
        FileNotFoundError: data or weights are missing; before any sampling.
        OSError: `places.results` cannot be written; before any sampling.
    """
    folders = dict(places.weights)
    generators = [
        load_generator(name, config.dataset, folders.get(name), config.sampling)
        for name in config.models
    ]
    dataset = open_dataset(
        config.dataset, SPLIT, size=generators[0][0].image_size, data_root=places.data_root
    )
    for generator, _ in generators:
        _check_fit(generator, dataset)
    extractors.check(dataset)

    in_use = {name: weights for name, (_, weights) in zip(config.models, generators, strict=True)}
    output_folder(places.results)
    _refuse_mixture(places.results, dataset, config.sampling, in_use, extractors)

    rows = _Rows(config, places, dataset, extractors, progress)
    rows.real()
    for name, (generator, weights) in zip(config.models, generators, strict=True):
        for seed in config.seeds:
            recalls: list[float] = []
            for guidance in _ladder(config, recalls):
                request = SampleRequest(
                    model=name,
                    weights=weights,
                    dataset=dataset.name,
                    split=SPLIT,
                    num_samples=config.num_samples,
                    guidance=guidance,
                    seed=seed,
                )
                recalls.append(rows.point(generator, request))
    return rows.collected()


def saturated(recalls: Sequence[float]) -> bool:
    """Whether the last `SATURATION_POINTS` values all failed to gain on the best before them."""
    if len(recalls) <= SATURATION_POINTS:
        return False
    best = max(recalls[:-SATURATION_POINTS])
    return all(value < best * (1 + SATURATION_GAIN) for value in recalls[-SATURATION_POINTS:])


def git_commit() -> str:
    """Commit of the program, "-dirty" appended when files differ; "unknown" outside a checkout."""
    root = Path(__file__).resolve().parent
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=root, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.strip()


class _Rows:
    """Scores points and keeps the table on disk up to date."""

    def __init__(
        self,
        config: SweepConfig,
        places: Places,
        dataset: Dataset,
        extractors: Extractors,
        progress: Progress,
    ):
        self._config, self._places = config, places
        self._dataset, self._extractors, self._progress = dataset, extractors, progress
        self._reference = reference_statistics(dataset, extractors, places.cache, progress)
        self._commit = git_commit()
        self._hashes: list[str] = []
        _write_proportions(places.results, class_proportions(self._reference, dataset))

    def real(self) -> None:
        """Reference rows: real test images with their own and with shuffled captions."""
        for model in (CEILING, FLOOR):
            request = SampleRequest(
                model=model,
                weights="none",
                dataset=self._dataset.name,
                split=SPLIT,
                num_samples=self._config.num_samples,
                guidance=1.0,
                seed=0,
            )
            if not self._is_done(request):
                scores = score_real(
                    self._dataset,
                    self._reference,
                    self._extractors,
                    num_samples=self._config.num_samples,
                    shuffled=model == FLOOR,
                    predicted_dir=self._predicted_dir(request) if model == CEILING else None,
                    progress=self._progress,
                )
                examples = _write_examples(self._places, self._dataset, request)
                self._write(request, scores, seconds=math.nan, samples=examples)

    def point(self, generator: Cascade, request: SampleRequest) -> float:
        """Sample and score one point unless it is done; returns its Semantic Recall."""
        if not self._is_done(request):
            folder = self._places.point(request)
            seconds = sample_folder(
                generator,
                self._dataset,
                request,
                folder,
                batch_size=self._config.batch_size,
                progress=self._progress,
            )
            samples = Folder(
                folder,
                SPLIT,
                image_size=generator.image_size,
                require_layouts=generator.makes_layouts,
            )
            scores = score(
                samples,
                self._reference,
                self._extractors,
                has_layouts=generator.makes_layouts,
                predicted_dir=self._predicted_dir(request),
                progress=self._progress,
            )
            self._write(request, scores, seconds=seconds, samples=folder)
        rows = self._of(request)
        recall = rows[(rows["metric"] == "semantic_recall") & (rows["class"] == "all")]
        return float(recall["value"].iloc[0])

    def collected(self) -> pd.DataFrame:
        """Rows of every point this sweep asked for."""
        rows = read_rows(self._places.results)
        return rows[rows["config_hash"].isin(self._hashes)].reset_index(drop=True)

    def _hash(self, request: SampleRequest) -> str:
        return digest({"samples": request, "extractors": self._extractors.digests})

    def _predicted_dir(self, request: SampleRequest) -> Path:
        return score_folder(self._places.results, self._hash(request)) / "predicted"

    def _of(self, request: SampleRequest) -> pd.DataFrame:
        rows = read_rows(self._places.results)
        return rows[rows["config_hash"] == self._hash(request)]

    def _is_done(self, request: SampleRequest) -> bool:
        self._hashes.append(self._hash(request))
        exists = (self._places.results / "results.parquet").exists()
        return exists and len(self._of(request)) > 0

    def _write(
        self, request: SampleRequest, scores: Scores, *, seconds: float, samples: Path
    ) -> None:
        config_hash = self._hash(request)
        write_point(self._places.results, config_hash, samples, scores.per_sample)
        real = request.model in (CEILING, FLOOR)
        context = {
            "dataset": request.dataset,
            "split": request.split,
            "model": request.model,
            "guidance": math.nan if real else request.guidance,
            "steps": None if real else self._config.sampling.steps,
            "seed": request.seed,
            "weights": request.weights,
            "judges": digest(self._extractors.digests),
            "config_hash": config_hash,
            "git_commit": self._commit,
            "seconds": seconds,
            "demo": self._config.demo,
        }
        merge_rows(
            self._places.results,
            to_frame([
                context
                | {
                    "metric": value.metric,
                    "class": value.class_name,
                    "value": value.value,
                    "num_samples": value.num_samples,
                    "extractor": scores.extractors.get(value.metric, "none"),
                }
                for value in scores.values
            ]),
        )  # fmt: skip


def _write_examples(places: Places, dataset: Dataset, request: SampleRequest) -> Path:
    """The first real triplets as a folder, so that the report can show them."""
    folder = places.results / "points" / Path(request.dataset).name / request.model
    writer = FolderWriter(folder, class_names=dataset.class_names, dataset=request.dataset,
                          split=request.split)  # fmt: skip
    for index in range(min(NUM_EXAMPLES, request.num_samples)):
        triplet = dataset[index]
        if not writer.holds(triplet.id):
            writer.write(triplet.id, triplet.image, triplet.layout, triplet.caption)
    return folder


def _write_proportions(results: Path, new: pd.DataFrame) -> None:
    """Keep `classes.parquet`: one set of proportions per dataset."""
    path = results / "classes.parquet"
    if path.exists():
        old = pd.read_parquet(path)
        new = pd.concat([old[~old["dataset"].isin(new["dataset"])], new], ignore_index=True)
    with replacing(path) as temporary:
        new.to_parquet(temporary, index=False)


def _refuse_mixture(
    results: Path,
    dataset: Dataset,
    sampling: SamplingConfig,
    weights: Mapping[str, str],
    extractors: Extractors,
) -> None:
    """A results folder holds one set of weights per model and one set of judges per dataset."""
    if not (results / "results.parquet").exists():
        return
    rows = read_rows(results)
    rows = rows[rows["dataset"] == dataset.name]
    checks = [("other judges", rows["judges"], digest(extractors.digests))]
    for model, now in weights.items():
        own = rows[(rows["model"] == model) & (rows["steps"] == sampling.steps)]
        checks.append((f"{model} with other weights or settings", own["weights"], now))
    for what, held, now in checks:
        others = sorted(set(held) - {now})
        if others:
            raise ValueError(
                f"{results}: holds rows of {what} ({', '.join(others)}, now {now}), which would be "
                "drawn as one curve; choose another --results or remove that folder"
            )


def _ladder(config: SweepConfig, recalls: list[float]) -> Iterator[float]:
    """Guidance values: the given ones, or the ladder until recall saturates."""
    if config.guidance is not None:
        yield from config.guidance
        return
    for guidance in GUIDANCE_LADDER:
        if saturated(recalls):
            return
        yield guidance


def _check_fit(generator: Cascade, dataset: Dataset) -> None:
    problems = []
    if generator.trained_on != dataset.name:
        problems.append(f"it was trained on {generator.trained_on}, not on {dataset.name}")
    if generator.image_size != dataset.image_size:
        problems.append(f"it makes {generator.image_size}, expected {dataset.image_size}")
    if generator.class_names != dataset.class_names:
        problems.append("its classes differ from the dataset's")
    if problems:
        raise ValueError(
            f"{generator.name}: {'; '.join(problems)}; "
            f"give another --weights {generator.name}=FOLDER"
        )
