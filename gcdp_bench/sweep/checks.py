"""Refusals before any work: sweeps that cannot be done, or would not be comparable."""

from __future__ import annotations

from collections.abc import Iterable

from gcdp_bench.core.types import Generator
from gcdp_bench.datasets.framing import by
from gcdp_bench.datasets.identity import family
from gcdp_bench.evaluation.size import other_sizes, trained_for
from gcdp_bench.extractors.bundle import Extractors
from gcdp_bench.generators.registry import generator_spec
from gcdp_bench.generators.sample import check_resize
from gcdp_bench.metrics.lookup import all_metrics
from gcdp_bench.results.table import read_rows
from gcdp_bench.sweep.shared import Sweep
from gcdp_bench.training.networks import train_command


def check_sweep(sweep: Sweep) -> None:
    """Load generators, data and extractors, and refuse what does not fit.

    Raises:
        ValueError: unknown names, a model of another dataset, subset or size, an extractor that
            taught a model, more captions than the split has, a table of other rows, a metric of an
            installed package that cannot be imported.
        FileNotFoundError: data or weights are missing.
    """
    all_metrics()
    config, dataset = sweep.config, sweep.dataset
    for name in config.model_names:
        generator, _ = sweep.generator(name)
        check_resize(sweep.runs[name], dataset)
        check_fit(sweep, name, generator)
        _refuse_own_teacher(name, generator, sweep.extractors)
    sweep.extractors.check(dataset)
    if config.num_samples > len(dataset):
        raise ValueError(
            f"num_samples: expected at most {len(dataset)} (captions of {dataset.name} "
            f"{dataset.split}), got {config.num_samples}; lower --num-samples"
        )
    _refuse_mixture(sweep)


def check_fit(sweep: Sweep, name: str, generator: Generator) -> None:
    """Refuse a generator of other data, another size or other classes.

    Args:
        sweep: in which it takes part.
        name: of the generator, as the user gave it.
        generator: loaded.

    Raises:
        ValueError: says all that does not fit, and what to do.
    """
    run, dataset = sweep.runs[name], sweep.dataset
    spec, size, wanted = generator_spec(name, run.code), generator.image_size, dataset.image_size
    problems, remedies = [], []
    if generator.trained_on != dataset.name:
        sibling = family(generator.trained_on) == family(dataset.name)
        if not sibling:
            problems.append(f"it was trained on {generator.trained_on}, not on {dataset.name}")
        elif not sweep.config.allow_subsets:
            problems.append(
                f"it was trained on another subset, {generator.trained_on}, not on {dataset.name}"
            )
            remedies.append(
                "pass --allow-subsets to draw models of different subsets in one figure"
            )
    if size != wanted:
        problems.append(f"it makes images of {by(size)}, expected {by(wanted)}")
        if spec.training is not None:
            train = train_command(spec, sweep.identity) + f" --size {by(wanted)}"
            remedies.append(f"train it at that size (`{train}`)")
    elif seen := other_sizes(size, sweep.extractors):
        problems.append(f"it makes images of {by(size)}, but {seen}")
        remedies.append(trained_for(size, sweep.extractors, sweep.config.dataset))
    if generator.class_names != dataset.class_names:
        own, expected = ", ".join(generator.class_names), ", ".join(dataset.class_names)
        problems.append(f"its class_names are {own}; expected those of {dataset.name}: {expected}")
    remedies.append(
        f"give another --weights {name}=FOLDER" if spec.files else f"correct {run.folder}"
    )
    if problems:
        raise ValueError(f"{name}: {'; '.join(problems)}; {', or '.join(remedies)}")


def _refuse_own_teacher(name: str, generator: Generator, extractors: Extractors) -> None:
    if generator.clip_digest == extractors.clip.digest:
        raise ValueError(
            f"{name}: was trained with {extractors.clip.name}, which must not evaluate "
            "it; give another --clip, or train it with another one (gcdp-bench train lafite-clip)"
        )


def _refuse_mixture(sweep: Sweep) -> None:
    """A results folder holds one set of weights per model and one set of extractors per dataset."""
    results = sweep.paths.results
    if not (results / "results.parquet").exists():
        return
    rows = read_rows(results)
    rows = rows[rows["dataset"] == sweep.dataset.name]
    checks: list[tuple[str, Iterable[str], str]] = [
        ("other extractors", rows["extractors"], sweep.extractors.identity),
        ("another protocol", rows["protocol"], sweep.config.protocol),
    ]
    for model in sweep.config.model_names:
        generator, now = sweep.generator(model)
        own = rows[(rows["model"] == model) & (rows["steps"] == generator.num_steps)]
        checks.append((f"{model} with other weights or settings", own["weights"], now))
    for what, held, now in checks:
        others = sorted(set(held) - {now})
        if others:
            raise ValueError(
                f"{results}: holds rows of {what} ({', '.join(others)}, now {now}), which "
                "would be drawn as one curve; choose another --results or remove that folder"
            )
