"""Generators by name, with the networks that they are built on.

A generator is one entry: how it is loaded, where its weights lie, how it is trained, how figures
show it. Code is imported when an entry is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gcdp_bench.core import plugins
from gcdp_bench.core.lookup import located, lookup
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.extractors.trained import EVALUATORS
from gcdp_bench.generators.spec import (
    Flops,
    GeneratorSpec,
    Look,
    as_spec,
    load_code,
    refuse_reserved,
)
from gcdp_bench.training.networks import CONFIG, MODEL, STAGES, Code, Network
from gcdp_bench.training.runs import PRETRAINED, Run, Weights, find_runs

BASELINE = ("tiny", "paper-celeba", "paper-cityscapes")
CASCADE = tuple(
    f"{size}{ablation}"
    for size in ("tiny", "small", "paper-celeba", "paper-cityscapes")
    for ablation in ("", "-no-layout-loss", "-layouts-cosine-p", "-layouts-linear")
)
"""Names of presets."""

TEXT_ENCODER = "t5-large"


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
            look=Look(title="GCDP (reference)", colour="#c1272d", marker="o"),
            flops=Flops(step=0.416, sr_step=0.94),
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
            look=Look(title="GCDP, unconditional", colour="#e08a8d", marker="p"),
            flops=Flops(step=0.416, sr_step=0.94),
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
            look=Look(title="Imagen", colour="#0f3d7a", marker="s"),
            flops=Flops(step=0.356, sr_step=0.67),
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
            look=Look(title="LDM", colour="#2c9c68", marker="^"),
            flops=Flops(step=0.476, once=0.7),
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
            look=Look(title="Lafite", colour="#de9216", marker="D"),
            flops=Flops(once=0.2),
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
            look=Look(title="GANformer", colour="#7b5aa6", marker="v"),
            flops=Flops(once=0.2),
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
            look=Look(title="DatasetDDPM", colour="#3a8fb7", marker="X"),
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
            look=Look(title="Semantic Palette", colour="#6b8e23", marker="h"),
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

TASKS: Mapping[str, tuple[str, ...]] = {
    "text-to-image": ("reference", "imagen"),
    "image-layout": ("reference-unconditional", "gansformer", "dataset-ddpm", "semantic-palette"),
}
"""Task of a sweep -> its default generators. The second is the paper's Table 1: image and layout
without a caption.
"""


def generator_names() -> tuple[str, ...]:
    """Names of the benchmark's generators, then of those of installed packages, none imported."""
    return tuple(dict.fromkeys((*GENERATORS, *plugins.named(plugins.GENERATORS))))


def check_generator(name: str) -> None:
    """Refuse what is no generator's name; nothing is imported.

    Raises:
        ValueError: unknown (the nearest name and all names are given), given code, or a name of the
            benchmark that a package takes too.
    """
    _refuse_code(name)
    refuse_reserved(name)
    plugins.refuse_clash(plugins.GENERATORS, name, GENERATORS)
    lookup(dict.fromkeys(generator_names()), name, "generator")


def _refuse_code(name: str) -> None:
    if ":" in name:
        raise ValueError(
            f"expected a generator by name, got {name}; given code (NAME=module:factory) is "
            "sampled by `gcdp-bench sample` and `gcdp-bench sweep`"
        )


def generator_spec(name: str, given: Weights = None) -> GeneratorSpec:
    """The entry of a generator: of the benchmark, of an installed package, or of given code.

    Raises:
        ValueError: unknown (the nearest name and all names are given), code that makes none, or a
            name of the benchmark that a package takes too.
    """
    if isinstance(given, Code):
        return as_spec(load_code(name, given), name, f"{name}={given.place}", entry=False)
    check_generator(name)
    if name in GENERATORS:
        return GENERATORS[name]
    where = plugins.described(plugins.named(plugins.GENERATORS)[name])
    return as_spec(plugins.load(plugins.GENERATORS, name), name, where)


def find_generators(
    names: Iterable[str], given: Mapping[str, Weights], dataset: DatasetIdentity
) -> dict[str, Run]:
    """Where generators are, by name; nothing is loaded but code that a name stands for.

    Args:
        names: of generators.
        given: name -> see `runs.Weights`.
        dataset: that they shall have been trained on.

    Raises:
        ValueError: an unknown name, or a run of other data.
        FileNotFoundError: some are not trained; says for all of them how to train them.
    """
    specs = [generator_spec(name, given.get(name)) for name in names]
    trained = find_runs([spec for spec in specs if spec.files], given, dataset)
    return {spec.name: trained.get(spec.name) or _made(spec, given) for spec in specs}


def _made(spec: GeneratorSpec, given: Mapping[str, Weights]) -> Run:
    """A generator without weights in a folder."""
    code = given.get(spec.name)
    if isinstance(code, Code):
        place = code.place
    elif code in (None, PRETRAINED):
        place = plugins.named(plugins.GENERATORS)[spec.name].value
    else:
        raise ValueError(f"{spec.name} reads no weights: expected none, got {code}; leave it out")
    code = code if isinstance(code, Code) else None
    return Run(network=spec.name, folder=Path(place), origin="code", records={}, code=code)


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
    _refuse_code(name)
    if name not in NETWORKS:
        lookup(dict.fromkeys((*NETWORKS, *generator_names())), name, "model to train")
    found = network(name)
    if found.training is None:
        raise ValueError(
            f"{name}: expected a network that gcdp-bench trains, but its package says nothing of a "
            "training; see there how it is made"
        )
    what = "preset" if found.stages else f"{name} preset"
    lookup(dict.fromkeys(found.presets or found.training().presets), preset, what)
    return found


def trained_parts(run: Run) -> list[str]:
    """Networks that were trained one by one for a generator, as costs name them."""
    if run.origin == "code":
        return []
    spec = generator_spec(run.network)
    stages = [stage for stage in spec.stages if (run.folder / stage).is_dir()]
    return stages or [*(part.name for part in spec.parts), spec.name]
