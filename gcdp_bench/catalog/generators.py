"""Names of generators to code, and where their weights lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.catalog.names import lookup
from gcdp_bench.config import read_table

if TYPE_CHECKING:
    from gcdp_bench.protocols import Generator
    from gcdp_bench.sampling import SamplingConfig

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class GeneratorSpec:
    """How a generator is loaded, and where its shipped weights lie (one folder per dataset)."""

    summary: str
    load: Callable[[Path, SamplingConfig], Generator]
    shipped: Path
    makes_layouts: bool = False
    reads_captions: bool = True
    marker: str = "config.json"  # a file that every trained folder has
    stages: tuple[str, ...] = ()  # trained one by one, each in its own folder
    parts: tuple[str, ...] = ()  # networks it is built on, trained before


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


CASCADE_STAGES = ("base", "sr")
BASELINES = PROJECT / "baselines" / "shipped"

GENERATORS: Mapping[str, GeneratorSpec] = {
    "reference": GeneratorSpec(
        summary="Gaussian-categorical cascade: image and layout together",
        load=_cascade("reference"),
        makes_layouts=True,
        shipped=PROJECT / "reference_model" / "shipped",
        marker="base/config.json",
        stages=CASCADE_STAGES,
    ),
    "reference-unconditional": GeneratorSpec(
        summary="the reference cascade without captions",
        load=_cascade("reference-unconditional"),
        makes_layouts=True,
        reads_captions=False,
        shipped=BASELINES / "reference-unconditional",
        marker="base/config.json",
        stages=CASCADE_STAGES,
    ),
    "imagen": GeneratorSpec(
        summary="Imagen: the same cascade without layouts",
        load=_cascade("imagen"),
        shipped=BASELINES / "imagen",
        marker="base/config.json",
        stages=CASCADE_STAGES,
    ),
    "ldm": GeneratorSpec(
        summary="latent diffusion in the space of an autoencoder",
        load=_latent_diffusion,
        shipped=BASELINES / "ldm",
        parts=("autoencoder",),
    ),
    "lafite": GeneratorSpec(
        summary="StyleGAN2 with CLIP's text features in style space",
        load=_lafite,
        shipped=BASELINES / "lafite",
        parts=("lafite-clip",),
    ),
    "gansformer": GeneratorSpec(
        summary="StyleGAN2 whose features attend to a set of latents; images alone",
        load=_gansformer,
        reads_captions=False,
        shipped=BASELINES / "gansformer",
    ),
    "dataset-ddpm": GeneratorSpec(
        summary="image diffusion, and layouts read off its features by pixel classifiers",
        load=_dataset_ddpm,
        makes_layouts=True,
        reads_captions=False,
        shipped=BASELINES / "dataset-ddpm",
        parts=("ddpm",),
    ),
    "semantic-palette": GeneratorSpec(
        summary="a GAN of layouts with given class proportions, then an image from the layout",
        load=_semantic_palette,
        makes_layouts=True,
        reads_captions=False,
        shipped=BASELINES / "semantic-palette",
        parts=("palette-layouts",),
    ),
}


CASCADES = tuple(name for name, spec in GENERATORS.items() if spec.stages and spec.reads_captions)

TASKS: Mapping[str, tuple[str, ...]] = {
    "text-to-image": ("reference", "imagen"),
    "image-layout": ("reference-unconditional", "gansformer", "dataset-ddpm", "semantic-palette"),
}
"""What a sweep compares -> the generators that it compares unless told otherwise. The second is the
paper's Table 1: image and layout without a caption."""


def trained_parts(name: str, folder: Path) -> list[str]:
    """Networks that were trained one by one for the generator in `folder`, as costs name them."""
    spec = lookup(GENERATORS, name, "generator")
    stages = [stage for stage in spec.stages if (folder / stage).is_dir()]
    return stages or [*spec.parts, name]


def recorded_seed(name: str, folder: Path) -> int | None:
    """Seed of the training of the generator in `folder`, of its first stage; None: not recorded.

    Raises:
        ValueError: the record is damaged.
    """
    training = read_table(folder / lookup(GENERATORS, name, "generator").marker).get("training")
    seed = training.get("seed") if isinstance(training, dict) else None
    return seed if type(seed) is int else None


def generator_folder(name: str, dataset: str, given: Path | None) -> Path:
    """Folder of a trained generator: `given`, else runs/, else the shipped weights.

    Raises:
        FileNotFoundError: none of them exists; says how to train one.
    """
    spec = lookup(GENERATORS, name, "generator")
    if given is not None:
        candidates = [given]
    else:
        candidates = [Path("runs") / name / dataset, spec.shipped / dataset]
    for folder in candidates:
        if (folder / spec.marker).exists():
            return folder
    looked = ", ".join(str(folder) for folder in candidates)
    commands = " and ".join(
        f"`gcdp-bench train {part} --dataset {dataset}`" for part in (*spec.parts, name)
    )
    raise FileNotFoundError(
        f"no trained {name!r} for {dataset}: looked in {looked}; train it with {commands}"
    )
