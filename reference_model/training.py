"""How the cascades are trained: one stage at a time, by the same presets and the same task."""

from __future__ import annotations

from gcdp_bench.core.types import Dataset
from gcdp_bench.training.presets import RunConfig, TrainingSpec
from reference_model.presets import PRESETS, Preset, stage_config
from reference_model.stage import StageConfig
from reference_model.task import StageTask
from reference_model.text import build_text_encoder


def reference() -> TrainingSpec:
    """Image and layout, from captions."""
    return _training(layouts=True)


def unconditional() -> TrainingSpec:
    """Image and layout, without captions."""
    return _training(layouts=True, captions=False)


def image_only() -> TrainingSpec:
    """Imagen: images from captions."""
    return _training(layouts=False)


def stage_task(config: StageConfig, train: Dataset, validation: Dataset) -> StageTask:
    """Task of a stage."""
    return StageTask(config, train, validation, build_text_encoder(config.text))


def _training(*, layouts: bool, captions: bool = True) -> TrainingSpec:
    def resolve(preset: Preset, dataset: Dataset, stage: str | None) -> RunConfig[StageConfig]:
        assert stage is not None
        config = stage_config(preset, stage, dataset, layouts=layouts, captions=captions)
        part = preset.base if stage == "base" else preset.sr
        return RunConfig("stage", config, part.training)

    return TrainingSpec(presets=PRESETS, resolve=resolve, task=stage_task)
