"""Points to rows: each is sampled and scored once, and the table on disk is always up to date."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

import pandas as pd

from gcdp_bench.core.config import digest
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.provenance import PRECISION, git_commit, library_versions
from gcdp_bench.core.types import Dataset, Generator
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.datasets.framing import resize_of
from gcdp_bench.datasets.reading import reading_of
from gcdp_bench.evaluation import (
    EvalOptions,
    FeatureCache,
    Scores,
    extract_features,
    kept_reference,
    rescore_captions,
    score_controls,
    score_generated,
    score_real,
)
from gcdp_bench.evaluation.metrics import derangement
from gcdp_bench.evaluation.reference import Reference, class_proportions
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.generators.sample import SampleRequest, captions_digest, sample_folder
from gcdp_bench.generators.sample_folder import SamplingRecord, announce_wait, read_record
from gcdp_bench.io.atomic import remove_leftovers
from gcdp_bench.io.cache import UserCache
from gcdp_bench.io.locks import exclusive
from gcdp_bench.results.alarms import ids_of, read_controls, write_controls
from gcdp_bench.results.compatibility import outdated
from gcdp_bench.results.layout import score_folder, write_point, write_proportions
from gcdp_bench.results.schema import (
    CEILING,
    FLOOR,
    REFERENCE_MODELS,
    SPLIT,
    merge_rows,
    read_rows,
    to_frame,
)
from gcdp_bench.results.seed_pooling import pool_seeds
from gcdp_bench.sweep.config import Paths, SweepConfig
from gcdp_bench.sweep.records import (
    control_lines,
    hardware_of,
    labelled,
    of_ceiling,
    recalls_of,
    record,
    refuse_other_reference,
    semantic_recall,
    write_examples,
)
from gcdp_bench.training.networks import Training


class PointRunner:
    """Draws and scores points and keeps the table on disk up to date.

    Several processes may work on the same results: each piece of work is done by one of them, and
    no row is lost.

    Args:
        config: what is measured.
        places: where to read and write.
        dataset: the split in the order of its prompts (`datasets.shuffled`).
        extractors: the networks that evaluate.
        progress: told of every batch.
    """

    def __init__(
        self,
        config: SweepConfig,
        places: Paths,
        dataset: Dataset,
        extractors: Extractors,
        *,
        progress: Progress,
    ):
        self._config, self._places = config, places
        self._dataset, self._extractors, self._progress = dataset, extractors, progress
        self._made_with = {
            "git_commit": git_commit(),
            "versions": library_versions(),
            "precision": PRECISION,
        }

    @property
    def reference(self) -> Reference:
        """What the networks extracted from the real images, from disk if it is there.

        Raises:
            ValueError: the table has rows of the dataset that were compared with other real images.
        """
        return self._kept_reference[0]

    @cached_property
    def _kept_reference(self) -> tuple[Reference, Path]:
        return kept_reference(
            self._dataset,
            self._extractors,
            UserCache(),
            self._places.references,
            self._progress,
            check=lambda digest: refuse_other_reference(
                self._places.results, self._dataset.name, digest
            ),
        )

    def request(self, model: str, weights: str, guidance: float, seed: int) -> SampleRequest:
        """Which samples a point has."""
        return SampleRequest(
            model=model,
            weights=weights,
            dataset=self._dataset.name,
            split=self._dataset.split,
            num_samples=self._config.num_samples,
            captions=captions_digest(self._captions),
            guidance=guidance,
            seed=seed,
        )

    def real_request(self, model: str) -> SampleRequest:
        """Real images as a point; `model` is one of `rows.REFERENCE_MODELS`."""
        return self.request(model, "none", 1.0, 0)

    def real(self, *, wait: bool) -> Path | None:
        """Rows of real images: with own captions, with shuffled ones, against the others.

        Returns:
            The file of what the extractors saw; None: another process is at it, and `wait` is
            False.
        """
        write_proportions(self._places.results, class_proportions(self.reference))
        requests = {model: self.real_request(model) for model in REFERENCE_MODELS}
        name = "score real images"
        with self._alone(self._score_folder(requests[CEILING]), name, wait=wait) as mine:
            if not mine:
                return None
            if not len(self._controls) or outdated(self._controls).any():
                self._score_controls()
            if not all(self.is_done(request) for request in requests.values()):
                self._tidy(requests[CEILING])
                self._score_real(requests)
        return self._kept_reference[1]

    def draw(
        self, generator: Generator, request: SampleRequest, part: range, *, wait: bool
    ) -> Path | None:
        """Draw samples of some of a point's captions, unless the point is done.

        Returns:
            The record of the samples; None: another process draws them, and `wait` is False.
        """
        folder = self._places.point(request)
        if not self.is_done(request):
            there = sample_folder(
                generator,
                self._dataset,
                request,
                folder,
                part=part,
                wait=wait,
                batch_size=self._config.batch_size,
                progress=self._progress,
            )
            if not there:
                return None
        return folder / "samples.json"

    def score(
        self, generator: Generator, request: SampleRequest, *, training: Training, wait: bool
    ) -> Path | None:
        """Score a point all of whose samples are drawn, unless it is done.

        Args:
            generator: whose samples they are.
            request: which samples.
            training: of the generator.
            wait: for another process that scores it.

        Returns:
            The record of the point; None: another process scores it, and `wait` is False.
        """
        name = f"score {request.model}, guidance {request.guidance:g}"
        with self._alone(self._score_folder(request), name, wait=wait) as mine:
            if not mine:
                return None
            if not self.is_done(request):
                self._tidy(request)
                self._score_generated(generator, request, name, training)
        return self._score_folder(request) / "point.json"

    def recall(self, request: SampleRequest) -> float:
        """Semantic Recall of a point that is done; NaN of a generator that reads no captions."""
        return semantic_recall(self._of(request))

    def is_done(self, request: SampleRequest) -> bool:
        """Whether the table has the point's rows."""
        exists = (self._places.results / "results.parquet").exists()
        return exists and len(self._of(request)) > 0

    def collected(self, requests: Iterable[SampleRequest]) -> pd.DataFrame:
        """Rows of points, and over all seeds of those that were measured with more than one."""
        results = self._places.results
        hashes = {self._hash(request) for request in requests}
        rows = read_rows(results)
        pooled = pool_seeds(rows[rows["config_hash"].isin(hashes)])
        if len(pooled):
            rows = merge_rows(results, pooled)
            hashes |= set(pooled["config_hash"])
        return rows[rows["config_hash"].isin(hashes)].reset_index(drop=True)

    @cached_property
    def _captions(self) -> Sequence[str]:
        """Asked for; read from the split, unless all of it was read already."""
        num = self._config.num_samples
        if "_kept_reference" in self.__dict__:
            return self.reference.observed.captions[:num]
        return [self._dataset[index].caption for index in range(num)]

    @property
    def _controls(self) -> pd.DataFrame:
        """Rows of controls and alarms of this dataset, these networks and numbers of samples."""
        table = read_controls(self._places.results)
        hash_ = self._hash(self.real_request("control"))
        return to_frame([]) if table is None else table[table["config_hash"] == hash_]

    def _score_controls(self) -> None:
        request = self.real_request("control")
        controls = score_controls(
            self.reference,
            self._extractors,
            UserCache(),
            self._progress,
            num_samples=request.num_samples,
        )
        lines = control_lines(controls, self._context(request), request.num_samples)
        write_controls(self._places.results, to_frame(lines))

    def _score_real(self, requests: Mapping[str, SampleRequest]) -> None:
        num = self._config.num_samples
        eval_options = EvalOptions(num=num, predicted_dir=self._predicted_dir(requests[CEILING]))
        seen = extract_features(
            self._dataset,
            self._extractors,
            eval_options,
            progress=self._progress,
            task=f"score real {self._dataset.name}",
        )
        examples = write_examples(self._dataset, requests[CEILING], self._places.results)
        others = [self._captions[index] for index in derangement(num)]
        half = min(num, len(self._dataset) // 2)
        everything = self.reference.observed
        parts = {
            CEILING: (seen, everything),
            FLOOR: (rescore_captions(self._dataset, seen, others, self._extractors), everything),
            SPLIT: (everything.part(0, half), everything.part(half, None)),
        }
        for model, (sample, rest) in parts.items():
            scores = score_real(sample, rest, self.reference, self._extractors, model)
            self._write(requests[model], sample, scores, samples=examples)

    def _score_generated(
        self, generator: Generator, request: SampleRequest, task: str, training: Training
    ) -> None:
        folder = self._places.point(request)
        samples = Folder(
            folder,
            request.split,
            image_size=generator.image_size,
            require_layouts=generator.makes_layouts,
        )
        eval_options = EvalOptions(
            has_layouts=generator.makes_layouts,
            match_captions=generator.reads_captions,
            predicted_dir=self._predicted_dir(request),
        )
        seen = extract_features(
            samples, self._extractors, eval_options, progress=self._progress, task=task
        )
        scores = score_generated(
            seen, self.reference, self._extractors, captions=generator.reads_captions
        )
        ceiling = recalls_of(self._of(self.real_request(CEILING)))
        scores.values.extend(of_ceiling(scores, ceiling))
        scores.values.extend(labelled(generator, request.num_samples))
        self._write(
            request,
            seen,
            scores,
            drawn=read_record(folder),
            samples=folder,
            generator=generator,
            training=training,
        )

    def _tidy(self, request: SampleRequest) -> None:
        """Remove what killed processes left where a point's scores lie."""
        remove_leftovers(self._score_folder(request))
        remove_leftovers(self._predicted_dir(request))

    def _alone(self, path: Path, task: str, *, wait: bool) -> AbstractContextManager[bool]:
        return exclusive(path, wait=wait, waiting=lambda: announce_wait(self._progress, task))

    def _hash(self, request: SampleRequest) -> str:
        reading = reading_of(self._dataset)
        return digest(
            {
                "samples": request,
                "judges": self._extractors.identity,
                "protocol": self._config.protocol,
            }
            | ({"reading": reading} if reading else {})
        )

    def _score_folder(self, request: SampleRequest) -> Path:
        return score_folder(self._places.results, self._hash(request))

    def _predicted_dir(self, request: SampleRequest) -> Path:
        return self._score_folder(request) / "predicted"

    def _of(self, request: SampleRequest) -> pd.DataFrame:
        rows = read_rows(self._places.results)
        return rows[rows["config_hash"] == self._hash(request)]

    def _write(
        self,
        request: SampleRequest,
        seen: FeatureCache,
        scores: Scores,
        *,
        samples: Path,
        drawn: SamplingRecord | None = None,
        generator: Generator | None = None,
        training: Training | None = None,
    ) -> None:
        config_hash = self._hash(request)
        results = self._places.results
        seen.save(score_folder(results, config_hash) / "observed.npz")
        write_point(results, config_hash, samples, self._kept_reference[1], scores.per_sample)
        alarms = self._controls
        alarms = alarms[alarms["source"] == "alarm"]
        context = self._context(request, seen.captions, drawn, generator, training)
        lines = [context | record(scored) for scored in scores.values]
        for line in lines:
            line["alarm"] = ids_of(alarms, line["metric"], line["extractor"])
        merge_rows(results, to_frame(lines))

    def _context(
        self,
        request: SampleRequest,
        captions: Sequence[str] | None = None,
        drawn: SamplingRecord | None = None,
        generator: Generator | None = None,
        training: Training | None = None,
    ) -> dict:
        """Columns that all rows of a point share."""
        parameter = None if generator is None else generator.parameter
        return {
            "dataset": request.dataset,
            "split": request.split,
            "protocol": self._config.protocol,
            "source": {CEILING: "real", FLOOR: "real", SPLIT: "real-split"}.get(
                request.model, "generated"
            ),
            "model": request.model,
            "trained_on": "none" if training is None else training.dataset,
            "train_seed": None if training is None else training.seed,
            "param_name": "none" if parameter is None else parameter.name,
            "param_value": math.nan if generator is None else request.guidance,
            "steps": None if generator is None else generator.num_steps,
            "seed": request.seed,
            "between_seed_sd": math.nan,
            "within_seed_sd": math.nan,
            "image_size": "x".join(map(str, self._dataset.image_size)),
            "resize": resize_of(self._dataset),
            "reference": self.reference.digest,
            "captions": captions_digest(
                self._captions if captions is None else captions, reading_of(self._dataset)
            ),
            "weights": request.weights,
            "extractors": self._extractors.identity,
            "config_hash": self._hash(request),
            "seconds": math.nan if drawn is None else drawn.seconds,
            "demo": self._config.demo,
            "alarm": "none",
            **self._made_with,
            "hardware": hardware_of(drawn),
        }
