"""Places of the trained generators of a sweep, found once for all processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.generators import registry
from gcdp_bench.sweep.config import Paths, SweepConfig
from gcdp_bench.training.runs import Run, Weights


def find_generators(config: SweepConfig, paths: Paths) -> dict[str, Run]:
    """Where the generators of a sweep are; nothing is loaded.

    Raises:
        FileNotFoundError: some are not trained; says for all of them how to train them.
        ValueError: unknown names, a generator of another task, or a run of other data.
    """
    given = dict(paths.weights)
    check_models(config, given)
    for name in given:
        registry.generator_spec(name, given[name])
    dataset = dataset_identity(config.dataset, data_root=paths.data_root)
    return registry.find_generators(config.model_names, given, dataset)


def pinned(paths: Paths, runs: Mapping[str, Run]) -> Paths:
    """Places from which every process takes the same generators, whatever is trained meanwhile."""
    return replace(paths, weights=tuple((name, run.weights) for name, run in runs.items()))


def check_models(config: SweepConfig, given: Mapping[str, Weights]) -> None:
    """Refuse generators of another task.

    Args:
        config: of the sweep.
        given: model -> see `runs.Weights`.

    Raises:
        ValueError: says which, and which task they are of.
    """
    specs = [registry.generator_spec(name, given.get(name)) for name in config.model_names]
    silent = [spec.name for spec in specs if not spec.reads_captions]
    if silent and config.task == "text-to-image":
        raise ValueError(
            f"{', '.join(silent)}: expected generators that read captions for text-to-image; "
            "pass --task image-layout"
        )
