"""Networks that are trained as a whole, by name: their presets and their tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gcdp_bench.training.presets import Preset
from gcdp_bench.training.task import AdversarialTask, Task


@dataclass(frozen=True)
class Kind:
    """A network that is trained as a whole."""

    presets: Mapping[str, Preset[Any]]
    task: Callable[..., Task | AdversarialTask]
    """Of a configuration, a train and a val split, and the folder of the part."""
    examples_are_items: bool = True  # of the training split, in its order
    given_part: Callable[[Any], str | None] | None = None
    """What a configuration says of the network that it is built on, as `runs.as_weights` reads it;
    None: it is built on none."""


def _segmenter() -> Kind:
    from gcdp_bench.extractors.segmenter_training import SEGMENTER_PRESETS, SegmenterTask

    return Kind(SEGMENTER_PRESETS, SegmenterTask)


def _clip() -> Kind:
    from gcdp_bench.extractors.clip_training import CLIP_PRESETS, ClipTask

    return Kind(CLIP_PRESETS, ClipTask)


def _attributes() -> Kind:
    from gcdp_bench.extractors.attributes_training import ATTRIBUTES_PRESETS, AttributesTask

    return Kind(ATTRIBUTES_PRESETS, AttributesTask)


def _autoencoder() -> Kind:
    from baselines.ldm.autoencoder_presets import AUTOENCODER_PRESETS
    from baselines.ldm.autoencoder_task import AutoencoderTask

    return Kind(AUTOENCODER_PRESETS, AutoencoderTask)


def _ldm() -> Kind:
    from baselines.ldm.presets import LDM_PRESETS
    from baselines.ldm.task import LdmTask

    return Kind(
        LDM_PRESETS,
        LdmTask,
        given_part=lambda config: config.autoencoder,
    )


def _lafite() -> Kind:
    from baselines.lafite.presets import LAFITE_PRESETS
    from baselines.lafite.task import LafiteTask

    return Kind(
        LAFITE_PRESETS,
        LafiteTask,
        given_part=lambda config: config.clip,
    )


def _lafite_clip() -> Kind:
    """A CLIP that teaches, of another kind than the one that evaluates."""
    from gcdp_bench.extractors.clip_training import TEACHER, ClipTask

    return Kind({"tiny": TEACHER}, ClipTask)


def _gansformer() -> Kind:
    from baselines.gansformer.presets import GANSFORMER_PRESETS
    from baselines.gansformer.task import GansformerTask

    return Kind(GANSFORMER_PRESETS, GansformerTask)


def _ddpm() -> Kind:
    from baselines.dataset_ddpm.presets import DDPM_PRESETS
    from reference_model.task import StageTask
    from reference_model.text import build_text_encoder

    return Kind(
        DDPM_PRESETS,
        lambda config, train, validation: StageTask(
            config, train, validation, build_text_encoder(config.text)
        ),
    )


def _dataset_ddpm() -> Kind:
    from baselines.dataset_ddpm.presets import DATASET_DDPM_PRESETS
    from baselines.dataset_ddpm.task import LabelTask

    return Kind(
        DATASET_DDPM_PRESETS,
        LabelTask,
        examples_are_items=False,  # but random pixels of all labelled images
        given_part=lambda config: config.ddpm,
    )


def _palette_layouts() -> Kind:
    from baselines.semantic_palette.layout_task import LayoutTask
    from baselines.semantic_palette.presets import LAYOUT_PRESETS

    return Kind(LAYOUT_PRESETS, LayoutTask)


def _semantic_palette() -> Kind:
    from baselines.semantic_palette.image_task import ImageTask
    from baselines.semantic_palette.presets import IMAGE_PRESETS

    return Kind(
        IMAGE_PRESETS,
        ImageTask,
        given_part=lambda config: config.layouts,
    )


KINDS: Mapping[str, Callable[[], Kind]] = {
    "segmenter": _segmenter,
    "clip": _clip,
    "attributes": _attributes,
    "autoencoder": _autoencoder,
    "ldm": _ldm,
    "lafite": _lafite,
    "lafite-clip": _lafite_clip,
    "gansformer": _gansformer,
    "ddpm": _ddpm,
    "dataset-ddpm": _dataset_ddpm,
    "palette-layouts": _palette_layouts,
    "semantic-palette": _semantic_palette,
}
