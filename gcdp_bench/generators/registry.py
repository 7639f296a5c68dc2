"""Names of generators to code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gcdp_bench.core.lookup import lookup
from gcdp_bench.training.networks import NETWORKS

if TYPE_CHECKING:
    from gcdp_bench.core.sampling_config import SamplingConfig
    from gcdp_bench.core.types import Generator


@dataclass(frozen=True, kw_only=True)
class GeneratorSpec:
    """How a generator is loaded; `networks.NETWORKS` says where its weights lie."""

    summary: str
    load: Callable[[Path, SamplingConfig], Generator]
    makes_layouts: bool = False
    reads_captions: bool = True
    param: Literal["guidance", "truncation", "none"] = "guidance"  # of sampling


def _cascade(name: str) -> Callable[[Path, SamplingConfig], Generator]:
    def load(folder: Path, config: SamplingConfig) -> Generator:
        from reference_model.generator import Cascade

        return Cascade.load(name, folder, config)

    return load


def _latent_diffusion(folder: Path, config: SamplingConfig) -> Generator:
    from baselines.ldm.generator import LatentDiffusion

    return LatentDiffusion.load("ldm", folder, config)


def _lafite(folder: Path, config: SamplingConfig) -> Generator:
    from baselines.lafite.generator import Lafite

    return Lafite.load("lafite", folder, config)


def _gansformer(folder: Path, config: SamplingConfig) -> Generator:
    from baselines.gansformer.generator import Gansformer

    return Gansformer.load("gansformer", folder, config)


def _dataset_ddpm(folder: Path, config: SamplingConfig) -> Generator:
    from baselines.dataset_ddpm.generator import DatasetDdpm

    return DatasetDdpm.load("dataset-ddpm", folder, config)


def _semantic_palette(folder: Path, config: SamplingConfig) -> Generator:
    from baselines.semantic_palette.generator import SemanticPalette

    return SemanticPalette.load("semantic-palette", folder, config)


GENERATORS: Mapping[str, GeneratorSpec] = {
    "reference": GeneratorSpec(
        summary="Gaussian-categorical cascade: image and layout together",
        load=_cascade("reference"),
        makes_layouts=True,
    ),
    "reference-unconditional": GeneratorSpec(
        summary="the reference cascade without captions",
        load=_cascade("reference-unconditional"),
        makes_layouts=True,
        reads_captions=False,
        param="none",
    ),
    "imagen": GeneratorSpec(
        summary="Imagen: the same cascade without layouts",
        load=_cascade("imagen"),
    ),
    "ldm": GeneratorSpec(
        summary="latent diffusion in the space of an autoencoder",
        load=_latent_diffusion,
    ),
    "lafite": GeneratorSpec(
        summary="StyleGAN2 with CLIP's text features in style space",
        load=_lafite,
        param="truncation",
    ),
    "gansformer": GeneratorSpec(
        summary="StyleGAN2 whose features attend to a set of latents; images alone",
        load=_gansformer,
        reads_captions=False,
        param="truncation",
    ),
    "dataset-ddpm": GeneratorSpec(
        summary="image diffusion, and layouts read off its features by pixel classifiers",
        load=_dataset_ddpm,
        makes_layouts=True,
        reads_captions=False,
        param="none",
    ),
    "semantic-palette": GeneratorSpec(
        summary="a GAN of layouts with given class proportions, then an image from the layout",
        load=_semantic_palette,
        makes_layouts=True,
        reads_captions=False,
        param="none",
    ),
}


CASCADES = tuple(
    name for name, spec in GENERATORS.items() if NETWORKS[name].stages and spec.reads_captions
)

TASKS: Mapping[str, tuple[str, ...]] = {
    "text-to-image": ("reference", "imagen"),
    "image-layout": ("reference-unconditional", "gansformer", "dataset-ddpm", "semantic-palette"),
}
"""What a sweep compares -> the generators that it compares unless told otherwise. The second is the
paper's Table 1: image and layout without a caption."""


def trained_parts(name: str, folder: Path) -> list[str]:
    """Networks that were trained one by one for the generator in `folder`, as costs name them."""
    lookup(GENERATORS, name, "generator")
    spec = NETWORKS[name]
    stages = [stage for stage in spec.stages if (folder / stage).is_dir()]
    return stages or [*spec.parts, name]
