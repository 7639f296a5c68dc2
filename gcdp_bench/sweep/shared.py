"""Objects that the jobs of a process share: generators, captions, real images, extractors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from gcdp_bench.core.config import digest
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.provenance import PRECISION, git_commit, library_versions
from gcdp_bench.core.types import Dataset, Generator
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.datasets.reading import reading_of
from gcdp_bench.datasets.registry import open_dataset, protocol_split
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.evaluation import Reference, kept_reference
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.generators.sample import SampleRequest, captions_digest, load_generator
from gcdp_bench.io.cache import UserCache
from gcdp_bench.results.layout import score_folder
from gcdp_bench.results.schema import OLD_IDS, REAL_OWN
from gcdp_bench.results.table import rows_of_point
from gcdp_bench.sweep.config import Paths, SweepConfig
from gcdp_bench.sweep.generators import find_generators
from gcdp_bench.sweep.records import recalls_of, refuse_other_reference
from gcdp_bench.training.networks import Training
from gcdp_bench.training.runs import Run

HASHED = {new: old for old, new in OLD_IDS.items()}
"""Ids of real images as hashes have them, so that older folders are continued."""


class Sweep:
    """A sweep as one process sees it; what it loads is loaded when it is first asked for.

    Args:
        config: what is measured.
        paths: where to read and write.
        extractors: the networks that evaluate.
        progress: told of every batch.
    """

    def __init__(
        self, config: SweepConfig, paths: Paths, extractors: Extractors, *, progress: Progress
    ):
        self.config, self.paths, self.extractors = config, paths, extractors
        self.progress = progress
        self.made_with = {
            "git_commit": git_commit(),
            "versions": library_versions(),
            "precision": PRECISION,
        }
        self._generators: dict[str, tuple[Generator, str]] = {}

    @cached_property
    def runs(self) -> Mapping[str, Run]:
        """See `find_generators`."""
        return find_generators(self.config, self.paths)

    def generator(self, name: str) -> tuple[Generator, str]:
        """A generator, and the digest of everything its samples depend on.

        Raises:
            ValueError: unknown generator or dataset, or damaged weights.
            FileNotFoundError: it has not been trained; says how to.
        """
        if name not in self._generators:
            self._generators[name] = load_generator(self.runs[name], self.config.sampling)
        return self._generators[name]

    def training(self, name: str) -> Training:
        """Training of a generator, for rows; other data of the same name are told apart."""
        run, (generator, _) = self.runs[name], self.generator(name)
        data = run.trained_on(self.identity) or generator.trained_on
        return Training(dataset=data, seed=run.seed)

    @cached_property
    def identity(self) -> DatasetIdentity:
        """Of the dataset."""
        return dataset_identity(self.config.dataset, data_root=self.paths.data_root)

    @cached_property
    def dataset(self) -> Dataset:
        """The split whose captions are prompted, in their order, at the generators' size."""
        config, paths = self.config, self.paths
        first, _ = self.generator(config.model_names[0])
        return shuffled(
            open_dataset(
                config.dataset,
                protocol_split(config.dataset, config.protocol),
                size=first.image_size,
                data_root=paths.data_root,
                exclude=paths.exclude,
                resize=paths.resize,
                count_denied=paths.count_denied,
            )
        )

    @cached_property
    def captions(self) -> Sequence[str]:
        """The N captions prompted; read from the split, unless all of it was read already."""
        num = self.config.num_samples
        if "_kept" in vars(self):
            return self.reference.observed.captions[:num]
        return [self.dataset[place].caption for place in range(num)]

    @property
    def reference(self) -> Reference:
        """Features of the real images, from disk if they are there.

        Raises:
            ValueError: the table has rows of the dataset that were compared with other real images.
        """
        return self._kept[0]

    @property
    def reference_file(self) -> Path:
        """Its file."""
        return self._kept[1]

    @cached_property
    def _kept(self) -> tuple[Reference, Path]:
        results, name = self.paths.results, self.dataset.name
        return kept_reference(
            self.dataset,
            self.extractors,
            UserCache(),
            self.paths.references,
            self.progress,
            check=lambda found: refuse_other_reference(results, name, found),
        )

    @cached_property
    def real_recall(self) -> Mapping[str, float]:
        """Semantic Recall of real images with their own captions, by segmenter."""
        request = self.real_request(REAL_OWN)
        return recalls_of(rows_of_point(self.paths.results, self.config_hash(request)))

    def request(self, model: str, guidance: float, seed: int) -> SampleRequest:
        """Request of the samples of a point."""
        return self._request(model, self.generator(model)[1], guidance, seed)

    def real_request(self, model: str) -> SampleRequest:
        """Real images as a point; `model` is one of `schema.REFERENCE_MODELS`, or "control"."""
        return self._request(model, "none", 1.0, 0)

    def _request(self, model: str, weights: str, guidance: float, seed: int) -> SampleRequest:
        return SampleRequest(
            model=model,
            weights=weights,
            dataset=self.dataset.name,
            split=self.dataset.split,
            num_samples=self.config.num_samples,
            captions=captions_digest(self.captions),
            guidance=guidance,
            seed=seed,
        )

    def config_hash(self, request: SampleRequest) -> str:
        """Digest of all that a point's rows depend on. The key "judges" is that of older tables."""
        reading = reading_of(self.dataset)
        return digest(
            {
                "samples": replace(request, model=HASHED.get(request.model, request.model)),
                "judges": self.extractors.identity,
                "protocol": self.config.protocol,
            }
            | ({"reading": reading} if reading else {})
        )

    def score_folder(self, request: SampleRequest) -> Path:
        """Folder of a point's scores."""
        return score_folder(self.paths.results, self.config_hash(request))
