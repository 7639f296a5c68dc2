"""Everything a process needs to do a sweep's jobs, loaded once; and what is checked before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from gcdp_bench.core.progress import Progress
from gcdp_bench.core.types import Dataset, Generator
from gcdp_bench.datasets.framing import by
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import DatasetIdentity, family
from gcdp_bench.datasets.registry import open_dataset, protocol_split
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.generators.registry import trained_parts
from gcdp_bench.generators.sample import SampleRequest, check_resize, load_generator
from gcdp_bench.results.compatibility import old_definitions
from gcdp_bench.results.costs import record_costs
from gcdp_bench.results.schema import read_rows
from gcdp_bench.results.sync import synchronise
from gcdp_bench.sweep.config import Paths, SweepConfig
from gcdp_bench.sweep.generators import find_generators
from gcdp_bench.sweep.jobs import Count, Draw, Job, Measure, Real, Renew
from gcdp_bench.sweep.measure import PointRunner
from gcdp_bench.sweep.renew import renew
from gcdp_bench.training.networks import Training
from gcdp_bench.training.runs import Run


class SweepContext:
    """Generators, data and extractors of a sweep.

    Args:
        config: what is measured.
        places: where to read and write.
        extractors: the networks that evaluate.
        progress: told of every batch.
    """

    def __init__(
        self, config: SweepConfig, places: Paths, extractors: Extractors, *, progress: Progress
    ):
        self.config, self.places, self.extractors = config, places, extractors
        self._generators: dict[str, tuple[Generator, str]] = {}
        self._progress = progress

    def generator(self, name: str) -> tuple[Generator, str]:
        """A generator, and the digest of everything its samples depend on; loaded when first asked.

        Raises:
            ValueError: unknown generator or dataset, or damaged weights.
            FileNotFoundError: it has not been trained; says how to.
        """
        if name not in self._generators:
            self._generators[name] = load_generator(self.runs[name], self.config.sampling)
        return self._generators[name]

    @cached_property
    def runs(self) -> Mapping[str, Run]:
        """See `find_generators`."""
        return find_generators(self.config, self.places)

    def training(self, name: str) -> Training:
        """What rows say of a generator's training; other data of the same name are told apart."""
        run, (generator, _) = self.runs[name], self.generator(name)
        data = run.trained_on(self._identity) or generator.trained_on
        return Training(dataset=data, seed=run.seed)

    @cached_property
    def _identity(self) -> DatasetIdentity:
        return dataset_identity(self.config.dataset, data_root=self.places.data_root)

    @cached_property
    def dataset(self) -> Dataset:
        """The split whose captions are prompted, in their order, at the generators' size."""
        config = self.config
        first, _ = self.generator(config.model_names[0])
        return shuffled(
            open_dataset(
                config.dataset,
                protocol_split(config.dataset, config.protocol),
                size=first.image_size,
                data_root=self.places.data_root,
                exclude=self.places.exclude,
                resize=self.places.resize,
                count_denied=self.places.count_denied,
            )
        )

    @cached_property
    def points(self) -> PointRunner:
        """The table on disk."""
        return PointRunner(
            self.config, self.places, self.dataset, self.extractors, progress=self._progress
        )

    def request(self, model: str, guidance: float, seed: int) -> SampleRequest:
        """Which samples a point has."""
        return self.points.request(model, self.generator(model)[1], guidance, seed)

    def old_definitions(self) -> list[str]:
        """Metrics of which the table has rows of the dataset by an older definition."""
        if not (self.places.results / "results.parquet").exists():
            return []
        rows = read_rows(self.places.results)
        return old_definitions(rows[rows["dataset"] == self.dataset.name])

    def do(self, job: Job, *, wait: bool) -> Path | None:
        """See `jobs.Doing`; rows that it makes are sent to a store."""
        done = self._do(job, wait=wait)
        if not isinstance(job, Draw):
            synchronise(self.places.results, progress=self._progress)
        return done

    def check(self) -> None:
        """Refuse, before any work, what could not be done or would not be comparable.

        Raises:
            ValueError: unknown names, a model of another dataset, subset or size, an extractor that
                taught a model, more captions than the split has, a table of other rows.
            FileNotFoundError: data or weights are missing.
        """
        config = self.config
        for name in config.model_names:
            self.generator(name)
            check_resize(name, self.runs[name].folder, self.dataset)
        for generator, _ in self._generators.values():
            _check_fit(generator, self.dataset, allow_subsets=config.allow_subsets)
            _refuse_own_teacher(generator, self.extractors)
        self.extractors.check(self.dataset)
        if config.num_samples > len(self.dataset):
            raise ValueError(
                f"num_samples: expected at most {len(self.dataset)} (captions of "
                f"{self.dataset.name} {self.dataset.split}), got {config.num_samples}; lower "
                "--num-samples"
            )
        self._refuse_mixture()

    def _do(self, job: Job, *, wait: bool) -> Path | None:
        if isinstance(job, Real):
            return self.points.real(wait=wait)
        if isinstance(job, Renew):
            return renew(
                self.places.results, self.points.reference, self.extractors, progress=self._progress
            )
        if isinstance(job, Count):
            return self._count(job)
        generator, _ = self.generator(job.model)
        request = self.request(job.model, job.guidance, job.seed)
        if isinstance(job, Draw):
            part = range(job.start, job.stop)
            return self.points.draw(generator, request, part, wait=wait)
        if isinstance(job, Measure):
            part = range(job.num_images)
            if self.points.draw(generator, request, part, wait=wait) is None:
                return None
        training = self.training(job.model)
        return self.points.score(generator, request, training=training, wait=wait)

    def _count(self, job: Count) -> Path:
        generator, weights = self.generator(job.model)
        folder = self.runs[job.model].folder
        return record_costs(
            self.places.results,
            generator,
            folder,
            parts=trained_parts(job.model, folder),
            context={
                "dataset": self.dataset.name,
                "weights": weights,
                "trained_on": self.training(job.model).dataset,
            },
            values=job.values,
            caption=self.dataset[0].caption,
        )

    def _refuse_mixture(self) -> None:
        """A results folder holds one set of weights per model and one set of extractors per
        dataset."""
        results = self.places.results
        if not (results / "results.parquet").exists():
            return
        rows = read_rows(results)
        rows = rows[rows["dataset"] == self.dataset.name]
        checks: list[tuple[str, Iterable[str], str]] = [
            ("other extractors", rows["extractors"], self.extractors.identity),
            ("another protocol", rows["protocol"], self.config.protocol),
        ]
        for model, (generator, now) in self._generators.items():
            own = rows[(rows["model"] == model) & (rows["steps"] == generator.num_steps)]
            checks.append((f"{model} with other weights or settings", own["weights"], now))
        for what, held, now in checks:
            others = sorted(set(held) - {now})
            if others:
                raise ValueError(
                    f"{results}: holds rows of {what} ({', '.join(others)}, now {now}), which "
                    "would be drawn as one curve; choose another --results or remove that folder"
                )


def _refuse_own_teacher(generator: Generator, extractors: Extractors) -> None:
    if generator.clip_digest == extractors.clip.digest:
        raise ValueError(
            f"{generator.name}: was trained with {extractors.clip.name}, which must not evaluate "
            "it; give another --clip, or train it with another one (gcdp-bench train lafite-clip)"
        )


def _check_fit(generator: Generator, dataset: Dataset, *, allow_subsets: bool) -> None:
    problems = []
    if generator.trained_on != dataset.name:
        sibling = family(generator.trained_on) == family(dataset.name)
        if not sibling:
            problems.append(f"it was trained on {generator.trained_on}, not on {dataset.name}")
        elif not allow_subsets:
            problems.append(
                f"it was trained on another subset, {generator.trained_on}, not on {dataset.name}; "
                "pass --allow-subsets to draw models of different subsets in one figure"
            )
    if generator.image_size != dataset.image_size:
        problems.append(
            f"it makes images of {by(generator.image_size)}, expected {by(dataset.image_size)}; "
            f"train it at that size (gcdp-bench train {generator.name} --size "
            f"{by(dataset.image_size)})"
        )
    if generator.class_names != dataset.class_names:
        problems.append("its classes differ from the dataset's")
    if problems:
        raise ValueError(
            f"{generator.name}: {'; '.join(problems)}; "
            f"or give another --weights {generator.name}=FOLDER"
        )
