"""Trained cascades that differ in their label schedule, and what has to be alike in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gcdp_bench.core.config import read_table, to_dict
from gcdp_bench.core.sampling_config import SamplingConfig
from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.generators.registry import GENERATORS
from gcdp_bench.generators.sample import load_generator
from gcdp_bench.training.run_folder import differing_keys
from gcdp_bench.training.runs import Run, find_run
from reference_model.generator import Cascade
from reference_model.schedules import ScheduleConfig


@dataclass(frozen=True)
class ScheduleVariant:
    """A trained cascade and what sets it apart."""

    schedule: str  # name of its label schedule, see `schedule_name`
    run: Run
    cascade: Cascade
    digest: str  # of weights and sampling settings
    training_steps: int | None  # of the base stage; None: not recorded

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.run.folder


def schedule_name(config: ScheduleConfig) -> str:
    """Name of a schedule: "cosine", "cosine-p0.5", "linear"."""
    return config.name if config.power == 1.0 else f"{config.name}-p{config.power:g}"


def load_variants(
    folders: Sequence[Path], dataset: DatasetIdentity, sampling: SamplingConfig
) -> list[ScheduleVariant]:
    """Trained cascades that differ in the label schedule of their base stage alone.

    Super-resolution stages may differ: they can be shared, or ablated too.

    Args:
        folders: of trained cascades, each with `base/` and optionally `sr/`.
        dataset: that they were trained on.
        sampling: how they are sampled.

    Raises:
        ValueError: fewer than two folders, a schedule occurs twice, a model of images alone,
            samples of different sizes, another difference of the base stages, or damaged weights.
        FileNotFoundError: a folder has no trained base stage.
    """
    if len(folders) < 2:
        there = ", ".join(map(str, folders)) or "none"
        raise ValueError(
            f"expected two or more folders of trained cascades, got {there}; train another label "
            "schedule, e.g. `gcdp-bench train reference --preset tiny-layouts-linear`"
        )
    variants = [_load(folder, dataset, sampling) for folder in folders]
    for place, variant in enumerate(variants):
        for earlier in variants[:place]:
            if earlier.schedule == variant.schedule:
                raise ValueError(
                    f"expected cascades of different label schedules, got {variant.schedule} in "
                    f"{earlier.folder} and in {variant.folder}; leave one of them out"
                )
        _check_alike(variants[0], variant)
    return variants


def check_dataset(variants: Sequence[ScheduleVariant], dataset: Dataset) -> None:
    """Refuse cascades that were trained on another dataset.

    Raises:
        ValueError: names or classes differ.
    """
    for variant in variants:
        if variant.cascade.trained_on != dataset.name:
            raise ValueError(
                f"{variant.folder}: expected a cascade trained on {dataset.name}, got one of "
                f"{variant.cascade.trained_on}; pass --dataset {variant.cascade.trained_on}"
            )
        if variant.cascade.class_names != dataset.class_names:
            raise ValueError(
                f"{variant.folder}: expected the classes of {dataset.name} "
                f"{dataset.class_names}, got {variant.cascade.class_names}; train it again"
            )


def _load(folder: Path, dataset: DatasetIdentity, sampling: SamplingConfig) -> ScheduleVariant:
    config = folder / "base" / "config.json"
    if not config.exists():
        raise FileNotFoundError(
            f"{folder}: expected a trained cascade with a base stage ({config}), found none; give "
            "the folder that holds base/, or train it with `gcdp-bench train reference --dataset "
            f"{dataset.place} --out {folder}`"
        )
    run = find_run(GENERATORS["reference"], dataset, folder)
    cascade, digest = load_generator(run, sampling)
    assert isinstance(cascade, Cascade)
    if not cascade.makes_layouts:
        raise ValueError(
            f"{folder}: expected a cascade of images and layouts, got one of images alone, which "
            "has no label schedule; give folders of `gcdp-bench train reference`"
        )
    name = schedule_name(cascade.stages[0].config.process.layout_schedule)
    training = read_table(config).get("training", {})
    return ScheduleVariant(name, run, cascade, digest, training.get("steps"))


def _check_alike(first: ScheduleVariant, other: ScheduleVariant) -> None:
    """Refuse base stages that differ in more than their label schedule."""
    sizes = [one.cascade.image_size for one in (first, other)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"expected cascades that sample one size, got {sizes[0]} in {first.folder} and "
            f"{sizes[1]} in {other.folder}; give both or none of them a super-resolution stage sr/"
        )
    data = [record.digest for one in (first, other) for record in one.run.records.values()]
    if len({digest for digest in data if digest is not None}) > 1:
        raise ValueError(
            f"expected cascades trained on the same data, got others in {first.folder} and "
            f"{other.folder} (digests {', '.join(sorted({str(d) for d in data}))}); train both "
            "again on one dataset"
        )
    configs = [to_dict(one.cascade.stages[0].config) for one in (first, other)]
    differing = [
        key for key in differing_keys(*configs) if not key.startswith("process.layout_schedule")
    ]
    if differing:
        raise ValueError(
            f"expected base stages that differ in their label schedule alone, but those of "
            f"{first.folder} and {other.folder} differ in {', '.join(differing)}; train both on "
            "one dataset with presets of one size"
        )
