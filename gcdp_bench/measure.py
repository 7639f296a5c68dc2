"""Points to rows: each is sampled and scored once, and the table on disk is always up to date."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from gcdp_bench.config import digest
from gcdp_bench.datasets.folder import Folder, FolderWriter
from gcdp_bench.evaluate import (
    Judging,
    Observed,
    Scores,
    ask_again,
    observe,
    reference_statistics,
    score_generated,
    score_real,
)
from gcdp_bench.evaluate.reference import Reference, class_proportions
from gcdp_bench.evaluate.score import Judged, derangement
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.files import replacing
from gcdp_bench.points import read_proportions, score_folder, write_point
from gcdp_bench.pooling import pool_seeds
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import Dataset, FewLabels, Generator, MetricValue
from gcdp_bench.provenance import PRECISION, git_commit, hardware, library_versions
from gcdp_bench.rows import CEILING, FLOOR, SPLIT, merge_rows, read_rows, to_frame
from gcdp_bench.sample import Drawn, SampleRequest, captions_digest, sample_folder

NUM_EXAMPLES = 8
"""Real triplets kept for the report."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all points of a sweep share."""

    protocol: str
    num_samples: int
    batch_size: int
    demo: bool
    device: str = "cpu"  # where generators run


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a sweep reads and writes."""

    results: Path
    data_root: Path | None = None
    quarantine: Path | None = None  # list of faulty items to leave out
    weights: tuple[tuple[str, Path], ...] = ()  # model -> folder, where not the usual one

    def point(self, request: SampleRequest) -> Path:
        """Folder of one point's samples."""
        name = f"g{request.guidance:g}-s{request.seed}-{request.hash}"
        return self.results / "points" / Path(request.dataset).name / request.model / name

    @property
    def cache(self) -> Path:
        """Folder of reference statistics."""
        return self.results / "cache"


class Measurements:
    """Scores points and keeps the table on disk up to date.

    Args:
        setting: what all points share.
        places: where to read and write.
        dataset: the split in the order of its prompts (`datasets.shuffled`).
        judges: the networks that judge.
        progress: told of every batch.

    Raises:
        ValueError: the table has rows of the dataset that were compared with other real images.
    """

    def __init__(
        self,
        setting: Setting,
        places: Places,
        dataset: Dataset,
        judges: Extractors,
        *,
        progress: Progress,
    ):
        self._setting, self._places = setting, places
        self._dataset, self._judges, self._progress = dataset, judges, progress
        self._reference = reference_statistics(dataset, judges, places.cache, progress)
        _refuse_other_reference(places.results, self._reference)
        self._captions = self._reference.observed.captions[: setting.num_samples]
        self._made_with = {
            "git_commit": git_commit(),
            "versions": library_versions(),
            "precision": PRECISION,
        }
        self._hashes: list[str] = []
        _write_proportions(places.results, class_proportions(self._reference))

    def request(self, model: str, weights: str, guidance: float, seed: int) -> SampleRequest:
        """Which samples a point has."""
        return SampleRequest(
            model=model,
            weights=weights,
            dataset=self._dataset.name,
            split=self._dataset.split,
            num_samples=self._setting.num_samples,
            captions=captions_digest(self._captions),
            guidance=guidance,
            seed=seed,
        )

    def real(self) -> None:
        """Rows of real images: with own captions, with shuffled ones, against the others."""
        num = self._setting.num_samples
        requests = {model: self.request(model, "none", 1.0, 0) for model in (CEILING, FLOOR, SPLIT)}
        if all([self._is_done(request) for request in requests.values()]):
            return
        judging = Judging(num=num, predicted_dir=self._predicted_dir(requests[CEILING]))
        seen = observe(self._dataset, self._judges, judging, progress=self._progress,
                       task=f"score real {self._dataset.name}")  # fmt: skip
        examples = self._write_examples(requests[CEILING])
        others = [self._captions[index] for index in derangement(num)]
        half = min(num, len(self._dataset) // 2)
        everything = self._reference.observed
        parts = {
            CEILING: (seen, everything),
            FLOOR: (ask_again(self._dataset, seen, others, self._judges), everything),
            SPLIT: (everything.part(0, half), everything.part(half, None)),
        }
        for model, (sample, rest) in parts.items():
            scores = score_real(sample, rest, self._reference, self._judges, model)
            self._write(requests[model], sample, scores, samples=examples)

    def point(self, generator: Generator, request: SampleRequest) -> float:
        """Sample and score one point unless it is done.

        Returns:
            Its Semantic Recall; NaN of a generator that reads no captions.
        """
        if not self._is_done(request):
            folder = self._places.point(request)
            drawn = sample_folder(generator, self._dataset, request, folder,
                                  batch_size=self._setting.batch_size,
                                  progress=self._progress,
                                  device=self._setting.device)  # fmt: skip
            samples = Folder(folder, request.split, image_size=generator.image_size,
                             require_layouts=generator.makes_layouts)  # fmt: skip
            judging = Judging(has_layouts=generator.makes_layouts,
                              match_captions=generator.reads_captions,
                              predicted_dir=self._predicted_dir(request))  # fmt: skip
            task = f"score {request.model}, guidance {request.guidance:g}"
            seen = observe(samples, self._judges, judging, progress=self._progress, task=task)
            scores = score_generated(seen, self._reference, self._judges,
                                     captions=generator.reads_captions)  # fmt: skip
            scores.values.extend(self._of_ceiling(scores))
            scores.values.extend(_labelled(generator, request.num_samples))
            self._write(request, seen, scores, drawn=drawn, samples=folder, generator=generator)
        return _semantic_recall(self._of(request))

    def pool(self) -> None:
        """Rows over all seeds, for points that were measured with more than one."""
        pooled = pool_seeds(self.collected())
        if len(pooled):
            self._hashes += pooled["config_hash"].unique().tolist()
            merge_rows(self._places.results, pooled)

    def collected(self) -> pd.DataFrame:
        """Rows of every point that was asked for."""
        rows = read_rows(self._places.results)
        return rows[rows["config_hash"].isin(self._hashes)].reset_index(drop=True)

    def _of_ceiling(self, scores: Scores) -> list[Judged]:
        """Semantic Recall as a share of what real images reach under the same judge.

        NaN where they reach nothing.
        """
        ceiling = _recalls(self._of(self.request(CEILING, "none", 1.0, 0)))
        shares = []
        for judged in scores.values:
            value = judged.value
            if value.metric != "semantic_recall" or value.class_name != "all":
                continue
            top = ceiling[judged.extractor] or math.nan
            share = replace(
                value,
                metric="semantic_recall_of_ceiling",
                value=value.value / top,
                ci_low=value.ci_low / top,
                ci_high=value.ci_high / top,
            )
            shares.append(replace(judged, value=share))
        return shares

    def _hash(self, request: SampleRequest) -> str:
        return digest({"samples": request, "judges": self._judges.identity,
                       "protocol": self._setting.protocol})  # fmt: skip

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
        self, request: SampleRequest, seen: Observed, scores: Scores, *, samples: Path,
        drawn: Drawn | None = None, generator: Generator | None = None,
    ) -> None:  # fmt: skip
        config_hash = self._hash(request)
        results = self._places.results
        seen.save(score_folder(results, config_hash) / "observed.npz")
        write_point(results, config_hash, samples, self._reference.file, scores.per_sample)
        knob = None if generator is None else generator.knob
        context = {
            "dataset": request.dataset,
            "split": request.split,
            "protocol": self._setting.protocol,
            "source": {CEILING: "real", FLOOR: "real", SPLIT: "real-split"}.get(
                request.model, "generated"
            ),
            "model": request.model,
            "trained_on": "none" if generator is None else generator.trained_on,
            "knob": "none" if knob is None else knob.name,
            "guidance": math.nan if generator is None else request.guidance,
            "steps": None if generator is None else generator.num_steps,
            "seed": request.seed,
            "between_seed_sd": math.nan,
            "within_seed_sd": math.nan,
            "image_size": "x".join(map(str, self._dataset.image_size)),
            "reference": self._reference.digest,
            "captions": captions_digest(seen.captions),
            "weights": request.weights,
            "judges": self._judges.identity,
            "config_hash": config_hash,
            "seconds": math.nan if drawn is None else drawn.seconds,
            "demo": self._setting.demo,
            **self._made_with,
            "hardware": _hardware(drawn),
        }
        merge_rows(results, to_frame([context | _record(judged) for judged in scores.values]))

    def _write_examples(self, request: SampleRequest) -> Path:
        """The first real triplets as a folder, so that the report can show them."""
        folder = self._places.results / "points" / Path(request.dataset).name / request.model
        writer = FolderWriter(folder, class_names=self._dataset.class_names,
                              dataset=request.dataset, split=request.split)  # fmt: skip
        for index in range(min(NUM_EXAMPLES, request.num_samples)):
            triplet = self._dataset[index]
            if not writer.holds(triplet.id):
                writer.write(triplet.id, triplet.image, triplet.layout, triplet.caption)
        return folder


def _hardware(drawn: Drawn | None) -> str:
    """What samples were drawn on and judged on, once where it is the same."""
    judged = hardware()
    if drawn is None or drawn.hardware == judged:
        return judged
    return f"drawn on {drawn.hardware}, judged on {judged}"


def _record(judged: Judged) -> dict:
    value = judged.value
    return {
        "metric": value.metric,
        "class": value.class_name,
        "value": value.value,
        "corrected": value.corrected,
        "ci_low": value.ci_low,
        "ci_high": value.ci_high,
        "ci_method": value.ci_method,
        "num_samples": value.num_samples,
        "num_reference": judged.num_reference,
        "extractor": judged.extractor,
        "resizer": judged.resizer,
        "primary": judged.primary,
    }


def _labelled(generator: Generator, num_samples: int) -> list[Judged]:
    """How many labelled images stand behind the layouts, where that is a setting."""
    if not isinstance(generator, FewLabels):
        return []
    count = float(generator.num_labelled_images)
    return [Judged(MetricValue("labelled_images", "all", count, num_samples))]


def _semantic_recall(rows: pd.DataFrame) -> float:
    return next(iter(_recalls(rows[rows["primary"]]).values()), math.nan)


def _recalls(rows: pd.DataFrame) -> dict[str, float]:
    """Semantic Recall of one point, by segmenter."""
    recall = rows[(rows["metric"] == "semantic_recall") & (rows["class"] == "all")]
    return dict(zip(recall["extractor"], recall["value"], strict=True))


def _refuse_other_reference(results: Path, reference: Reference) -> None:
    """A results folder holds one set of real images per dataset."""
    if not (results / "results.parquet").exists():
        return
    rows = read_rows(results)
    held = set(rows[rows["dataset"] == reference.dataset.name]["reference"])
    others = sorted(held - {reference.digest})
    if others:
        raise ValueError(
            f"{results}: holds rows that were compared with other real images of "
            f"{reference.dataset.name} ({', '.join(others)}, now {reference.digest}): the data or "
            "--quarantine changed; choose another --results or remove that folder"
        )


def _write_proportions(results: Path, new: pd.DataFrame) -> None:
    """Keep `classes.parquet`: one set of proportions per dataset."""
    path = results / "classes.parquet"
    if path.exists():
        old = read_proportions(results)
        new = pd.concat([old[~old["dataset"].isin(new["dataset"])], new], ignore_index=True)
    with replacing(path) as temporary:
        new.to_parquet(temporary, index=False)
