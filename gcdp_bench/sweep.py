"""The grid of points: models x guidance x seeds, each sampled and scored once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdp_bench.catalog import (
    GENERATORS,
    TASKS,
    generator_folder,
    lookup,
    open_dataset,
    protocol_split,
    trained_parts,
)
from gcdp_bench.cost_rows import record_costs
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.extractors.weights import family
from gcdp_bench.files import output_folder
from gcdp_bench.measure import Measurements, Places, Setting
from gcdp_bench.progress import Progress
from gcdp_bench.protocols import GUIDANCE, TRUNCATION, Dataset, Generator, Taught
from gcdp_bench.rows import PROTOCOLS, read_rows
from gcdp_bench.sample import load_generator
from gcdp_bench.sampling import SamplingConfig

GUIDANCE_LADDER = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0)
SATURATION_GAIN, SATURATION_POINTS = 0.002, 2
"""`--until-saturation` stops after this many values without a gain of this share in recall."""


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """What a sweep measures.

    `task` "text-to-image" compares generators that read captions. "image-layout" compares pairs of
    image and layout (Table 1): any generator can take part, metrics of captions are defined for
    those that read them alone.

    `protocol` names whose captions are asked for and which real images are the reference:
    "heldout": the test split, which no model saw; "paper-like": what can be reconstructed of the
    paper's evaluation, see `catalog.protocol_split`.
    """

    dataset: str
    task: str = "text-to-image"  # of `catalog.TASKS`
    models: tuple[str, ...] | None = None  # None: those of the task
    guidance: tuple[float, ...] | None = GUIDANCE.values  # None: until saturation
    truncation: tuple[float, ...] = TRUNCATION.values  # of models whose knob it is
    seeds: tuple[int, ...] = (0,)
    num_samples: int = 500
    protocol: str = "heldout"
    sampling: SamplingConfig = SamplingConfig()
    batch_size: int = 16
    mix_subsets: bool = False  # models of other subsets of the dataset are welcome
    demo: bool = False

    @property
    def model_names(self) -> tuple[str, ...]:
        """Generators that are compared."""
        return TASKS[self.task] if self.models is None else self.models

    def __post_init__(self):
        lookup(TASKS, self.task, "task")
        for value in self.guidance or ():
            GUIDANCE.check(value)
        for value in self.truncation:
            TRUNCATION.check(value)
        if self.num_samples < 2:
            raise ValueError(f"num_samples: expected at least 2, got {self.num_samples}")
        if self.protocol not in PROTOCOLS:
            raise ValueError(
                f"protocol: expected one of {', '.join(PROTOCOLS)}, got {self.protocol!r}"
            )


def run_sweep(
    config: SweepConfig, places: Places, judges: Extractors, *, progress: Progress
) -> pd.DataFrame:
    """Measure every point that `places.results` lacks and return the sweep's rows.

    Raises:
        ValueError: unknown names, a model of another dataset, subset or size, a judge that taught
            a model, more captions than the split has; before any sampling.
        FileNotFoundError: data or weights are missing; before any sampling.
        OSError: `places.results` cannot be written; before any sampling.
    """
    folders = dict(places.weights)
    _refuse_other_task(config)
    generators = [
        load_generator(name, config.dataset, folders.get(name), config.sampling)
        for name in config.model_names
    ]
    dataset = shuffled(
        open_dataset(
            config.dataset,
            protocol_split(config.dataset, config.protocol),
            size=generators[0][0].image_size,
            data_root=places.data_root,
            quarantine=places.quarantine,
        )
    )
    for generator, _ in generators:
        _check_fit(generator, dataset, mix_subsets=config.mix_subsets)
        _refuse_own_teacher(generator, judges)
    judges.check(dataset)
    if config.num_samples > len(dataset):
        raise ValueError(
            f"num_samples: expected at most {len(dataset)} (captions of {dataset.name} "
            f"{dataset.split}), got {config.num_samples}; lower --num-samples"
        )

    in_use = dict(zip(config.model_names, generators, strict=True))
    output_folder(places.results)
    _refuse_mixture(places.results, dataset, config, in_use, judges)

    setting = Setting(
        protocol=config.protocol,
        num_samples=config.num_samples,
        batch_size=config.batch_size,
        demo=config.demo,
        device=config.sampling.device,
    )
    points = Measurements(setting, places, dataset, judges, progress=progress)
    points.real()
    for name, (generator, weights) in in_use.items():
        values: set[float] = set()
        for seed in config.seeds:
            recalls: list[float] = []
            for guidance in _values(generator, config, recalls):
                request = points.request(name, weights, guidance, seed)
                recalls.append(points.point(generator, request))
                values.add(guidance)
        folder = generator_folder(name, config.dataset, folders.get(name))
        record_costs(
            places.results,
            generator,
            folder,
            parts=trained_parts(name, folder),
            dataset=dataset.name,
            weights=weights,
            values=values,
            caption=dataset[0].caption,
        )
    points.pool()
    return points.collected()


def saturated(recalls: Sequence[float]) -> bool:
    """Whether the last `SATURATION_POINTS` values all failed to gain on the best before them."""
    if len(recalls) <= SATURATION_POINTS:
        return False
    best = max(recalls[:-SATURATION_POINTS])
    return all(value < best * (1 + SATURATION_GAIN) for value in recalls[-SATURATION_POINTS:])


def _refuse_mixture(
    results: Path,
    dataset: Dataset,
    config: SweepConfig,
    in_use: Mapping[str, tuple[Generator, str]],
    judges: Extractors,
) -> None:
    """A results folder holds one set of weights per model and one set of judges per dataset."""
    if not (results / "results.parquet").exists():
        return
    rows = read_rows(results)
    rows = rows[rows["dataset"] == dataset.name]
    checks = [
        ("other judges", rows["judges"], judges.identity),
        ("another protocol", rows["protocol"], config.protocol),
    ]
    for model, (generator, now) in in_use.items():
        own = rows[(rows["model"] == model) & (rows["steps"] == generator.num_steps)]
        checks.append((f"{model} with other weights or settings", own["weights"], now))
    for what, held, now in checks:
        others = sorted(set(held) - {now})
        if others:
            raise ValueError(
                f"{results}: holds rows of {what} ({', '.join(others)}, now {now}), which would be "
                "drawn as one curve; choose another --results or remove that folder"
            )


def _values(generator: Generator, config: SweepConfig, recalls: list[float]) -> Iterator[float]:
    """Values of the generator's knob: the given ones, or guidance until recall saturates."""
    if generator.knob is None:
        yield 1.0
    elif generator.knob == TRUNCATION:
        yield from config.truncation
    elif config.guidance is not None:
        yield from config.guidance
    else:
        for guidance in GUIDANCE_LADDER:
            if saturated(recalls):
                return
            yield guidance


def _refuse_other_task(config: SweepConfig) -> None:
    silent = [name for name in config.model_names
              if name in GENERATORS and not GENERATORS[name].reads_captions]  # fmt: skip
    if silent and config.task == "text-to-image":
        raise ValueError(
            f"{', '.join(silent)}: expected generators that read captions for text-to-image; "
            "pass --task image-layout"
        )


def _refuse_own_teacher(generator: Generator, judges: Extractors) -> None:
    if isinstance(generator, Taught) and generator.clip_digest == judges.clip.digest:
        raise ValueError(
            f"{generator.name}: was trained to please {judges.clip.name}, which would judge it; "
            "give another --clip, or train it with another one (gcdp-bench train lafite-clip)"
        )


def _check_fit(generator: Generator, dataset: Dataset, *, mix_subsets: bool) -> None:
    problems = []
    if generator.trained_on != dataset.name:
        sibling = family(generator.trained_on) == family(dataset.name)
        if not sibling:
            problems.append(f"it was trained on {generator.trained_on}, not on {dataset.name}")
        elif not mix_subsets:
            problems.append(
                f"it was trained on another subset, {generator.trained_on}, not on {dataset.name}; "
                "pass --mix-subsets to draw models of different subsets in one figure"
            )
    if generator.image_size != dataset.image_size:
        problems.append(f"it makes {generator.image_size}, expected {dataset.image_size}")
    if generator.class_names != dataset.class_names:
        problems.append("its classes differ from the dataset's")
    if problems:
        raise ValueError(
            f"{generator.name}: {'; '.join(problems)}; "
            f"or give another --weights {generator.name}=FOLDER"
        )
