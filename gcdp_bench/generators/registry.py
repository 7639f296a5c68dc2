"""Generators by name, with the networks that they are built on.

A generator is one entry: how it is loaded, where its weights lie, how it is trained. Code is
imported when an entry is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gcdp_bench.core.lookup import lookup
from gcdp_bench.extractors.trained import EVALUATORS
from gcdp_bench.training.networks import CONFIG, MODEL, STAGES, Network, located

if TYPE_CHECKING:
    from gcdp_bench.core.sampling_config import SamplingConfig
    from gcdp_bench.core.types import Generator

BASELINE = ("tiny", "paper-celeba", "paper-cityscapes")
CASCADE = tuple(
    f"{size}{ablation}"
    for size in ("tiny", "small", "paper-celeba", "paper-cityscapes")
    for ablation in ("", "-no-layout-loss", "-layouts-cosine-p", "-layouts-linear")
)
"""Names of presets."""

TEXT_ENCODER = "t5-large"


@dataclass(frozen=True, kw_only=True)
class GeneratorSpec(Network):
    """A generator: how it is loaded, and what is known of it before that."""

    summary: str
    load: Callable[[str, Path, SamplingConfig], Generator]  # name, folder of its weights
    makes_layouts: bool = False
    reads_captions: bool = True
    param: Literal["guidance", "truncation", "none"] = "guidance"  # of sampling
    published: tuple[str, ...] = ()  # weights of the registry that its paper-* presets read


AUTOENCODER = Network(
    name="autoencoder",
    pretrained=("baselines/pretrained/autoencoder/{dataset}",),
    option="--set ldm.autoencoder={path}",
    files=(CONFIG, "vae/config.json"),
    presets=BASELINE,
    training=located("baselines.ldm.autoencoder_task:training"),
)
LAFITE_CLIP = Network(
    name="lafite-clip",
    pretrained=("baselines/pretrained/lafite/{dataset}/clip",),
    option="--set lafite.clip={path}",
    presets=("tiny",),
    training=located("gcdp_bench.extractors.clip_training:teacher_training"),
)
DDPM = Network(
    name="ddpm",
    pretrained=(
        "baselines/pretrained/ddpm/{dataset}",
        "baselines/pretrained/dataset-ddpm/{dataset}/ddpm",
    ),
    option="--set labels.ddpm={path}",
    presets=BASELINE,
    training=located("baselines.dataset_ddpm.task:ddpm_training"),
)
PALETTE_LAYOUTS = Network(
    name="palette-layouts",
    pretrained=("baselines/pretrained/palette-layouts/{dataset}",),
    option="--set images.layouts={path}",
    files=(CONFIG, MODEL, "palettes.json"),
    presets=BASELINE,
    training=located("baselines.semantic_palette.layout_task:training"),
)

GENERATORS: Mapping[str, GeneratorSpec] = {
    spec.name: spec
    for spec in (
        GeneratorSpec(
            name="reference",
            summary="Gaussian-categorical cascade: image and layout together",
            load=located("reference_model.generator:Cascade.load"),
            makes_layouts=True,
            published=(TEXT_ENCODER,),
            pretrained=("reference_model/pretrained/{dataset}",),
            stages=STAGES,
            presets=CASCADE,
            training=located("reference_model.training:reference"),
        ),
        GeneratorSpec(
            name="reference-unconditional",
            summary="the reference cascade without captions",
            load=located("reference_model.generator:Cascade.load"),
            makes_layouts=True,
            reads_captions=False,
            param="none",
            pretrained=("baselines/pretrained/reference-unconditional/{dataset}",),
            stages=STAGES,
            presets=CASCADE,
            training=located("reference_model.training:unconditional"),
        ),
        GeneratorSpec(
            name="imagen",
            summary="Imagen: the same cascade without layouts",
            load=located("reference_model.generator:Cascade.load"),
            published=(TEXT_ENCODER,),
            pretrained=("baselines/pretrained/imagen/{dataset}",),
            stages=STAGES,
            presets=CASCADE,
            training=located("reference_model.training:image_only"),
        ),
        GeneratorSpec(
            name="ldm",
            summary="latent diffusion in the space of an autoencoder",
            load=located("baselines.ldm.generator:LatentDiffusion.load"),
            published=(TEXT_ENCODER,),
            pretrained=("baselines/pretrained/ldm/{dataset}",),
            parts=(AUTOENCODER,),
            files=(CONFIG, "model_index.json"),
            presets=BASELINE,
            training=located("baselines.ldm.task:training"),
        ),
        GeneratorSpec(
            name="lafite",
            summary="StyleGAN2 with CLIP's text features in style space",
            load=located("baselines.lafite.generator:Lafite.load"),
            param="truncation",
            pretrained=("baselines/pretrained/lafite/{dataset}",),
            parts=(LAFITE_CLIP,),
            presets=BASELINE,
            training=located("baselines.lafite.task:training"),
        ),
        GeneratorSpec(
            name="gansformer",
            summary="StyleGAN2 whose features attend to a set of latents; images alone",
            load=located("baselines.gansformer.generator:Gansformer.load"),
            reads_captions=False,
            param="truncation",
            pretrained=("baselines/pretrained/gansformer/{dataset}",),
            presets=BASELINE,
            training=located("baselines.gansformer.task:training"),
        ),
        GeneratorSpec(
            name="dataset-ddpm",
            summary="image diffusion, and layouts read off its features by pixel classifiers",
            load=located("baselines.dataset_ddpm.generator:DatasetDdpm.load"),
            makes_layouts=True,
            reads_captions=False,
            param="none",
            pretrained=("baselines/pretrained/dataset-ddpm/{dataset}",),
            parts=(DDPM,),
            presets=BASELINE,
            training=located("baselines.dataset_ddpm.task:training"),
        ),
        GeneratorSpec(
            name="semantic-palette",
            summary="a GAN of layouts with given class proportions, then an image from the layout",
            load=located("baselines.semantic_palette.generator:SemanticPalette.load"),
            makes_layouts=True,
            reads_captions=False,
            param="none",
            pretrained=("baselines/pretrained/semantic-palette/{dataset}",),
            parts=(PALETTE_LAYOUTS,),
            presets=BASELINE,
            training=located("baselines.semantic_palette.image_task:training"),
        ),
    )
}

PARTS: Mapping[str, Network] = {
    part.name: part for spec in GENERATORS.values() for part in spec.parts
}
NETWORKS: Mapping[str, Network] = {**GENERATORS, **PARTS, **EVALUATORS}
"""Every network that can be trained."""

CASCADES = tuple(n for n, spec in GENERATORS.items() if spec.stages and spec.reads_captions)

TASKS: Mapping[str, tuple[str, ...]] = {
    "text-to-image": ("reference", "imagen"),
    "image-layout": ("reference-unconditional", "gansformer", "dataset-ddpm", "semantic-palette"),
}
"""What a sweep compares -> the generators that it compares unless told otherwise. The second is the
paper's Table 1: image and layout without a caption."""


def generator_spec(name: str) -> GeneratorSpec:
    """The entry of a generator.

    Raises:
        ValueError: unknown; the nearest name and all names are given.
    """
    return lookup(GENERATORS, name, "generator")


def network(name: str) -> Network:
    """A network by name: a generator, a part of one, or one that evaluates.

    Raises:
        ValueError: as `generator_spec`.
    """
    return NETWORKS[name] if name in NETWORKS else generator_spec(name)


def check_training(name: str, preset: str) -> Network:
    """A network that can be trained with a preset of that name.

    Raises:
        ValueError: unknown; the nearest name and all names are given.
    """
    network = lookup(NETWORKS, name, "model to train")
    what = "preset" if network.stages else f"{name} preset"
    lookup(dict.fromkeys(network.presets), preset, what)
    return network


def trained_parts(name: str, folder: Path) -> list[str]:
    """Networks that were trained one by one for the generator in `folder`, as costs name them."""
    spec = generator_spec(name)
    stages = [stage for stage in spec.stages if (folder / stage).is_dir()]
    return stages or [*(part.name for part in spec.parts), name]
