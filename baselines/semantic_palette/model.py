"""The folders of both trained parts: written and read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from baselines.semantic_palette.config import ImageConfig, LayoutConfig
from baselines.semantic_palette.image_generator import ImageGenerator
from baselines.semantic_palette.layout_generator import LayoutGenerator
from baselines.semantic_palette.palettes import Palettes, read_palettes, write_palettes
from baselines.trained import CONFIG, WEIGHTS, read_task
from gcdp_bench.core.config import from_dict, to_dict, write_json
from gcdp_bench.extractors.weights import tensors_digest
from gcdp_bench.training.checkpoint import save_weights
from gcdp_bench.training.loading import load_network

PALETTES = "palettes.json"
LAYOUTS = "layouts"  # the layout generator's folder in that of a whole model
LAYOUTS_REMEDY = (
    "train one with `gcdp-bench train palette-layouts --dataset DATASET`, or give the folder of "
    "one with --set images.layouts=FOLDER"
)


@dataclass(frozen=True)
class TrainedLayouts:
    """The parts of a trained layout generator; the network is frozen."""

    config: LayoutConfig
    network: LayoutGenerator
    palettes: Palettes

    @property
    def digest(self) -> str:
        """Hash of every weight, and of the mixture of palettes."""
        mixture = {f"palettes.{name}": t for name, t in self.palettes.tensors().items()}
        return tensors_digest({**self.network.state_dict(), **mixture})


@dataclass(frozen=True)
class TrainedPalette:
    """The parts of a trained Semantic Palette; networks are frozen."""

    config: ImageConfig
    network: ImageGenerator
    layouts: TrainedLayouts


def write_layouts(folder: Path, network: LayoutGenerator, palettes: Palettes) -> None:
    """Write `model.safetensors`, the generator alone, and `palettes.json`."""
    write_palettes(folder / PALETTES, palettes)
    save_weights(folder / WEIGHTS, network.state_dict())


def write_layouts_copy(folder: Path, trained: TrainedLayouts) -> None:
    """Write a layout generator so that `read_layouts` reads it: the same, and `config.json`."""
    write_layouts(folder, trained.network, trained.palettes)
    task = {"kind": "palette-layouts", "layouts": to_dict(trained.config)}
    write_json(folder / CONFIG, {"task": task})


def write_images(folder: Path, network: ImageGenerator) -> None:
    """Write `model.safetensors`, the image generator alone."""
    save_weights(folder / WEIGHTS, network.state_dict())


def read_layouts(folder: Path) -> TrainedLayouts:
    """Read what `train palette-layouts` wrote: `config.json`, `model.safetensors`, `palettes.json`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: it is another model, its parts do not fit each other, or a file is damaged.
    """
    files = (CONFIG, WEIGHTS, PALETTES)
    task = read_task(folder, model="palette-layouts", key="layouts", files=files)
    config = from_dict(LayoutConfig, task["layouts"], where=str(folder / CONFIG))
    palettes = read_palettes(folder / PALETTES)
    if palettes.num_classes != len(config.class_names):
        raise ValueError(
            f"{folder / PALETTES}: expected palettes of the {len(config.class_names)} classes of "
            f"{CONFIG}, got {palettes.num_classes}; restore the files of one training"
        )
    network = load_network(
        lambda: LayoutGenerator(config.network, len(config.class_names)),
        folder / WEIGHTS,
        source=folder,
    )
    return TrainedLayouts(config, network.eval().requires_grad_(False), palettes)


def read_palette(folder: Path) -> TrainedPalette:
    """Read a whole model: `config.json`, `model.safetensors` and `layouts/`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: it is another model, its parts do not fit each other, or a file is damaged.
    """
    files = (CONFIG, WEIGHTS, *(f"{LAYOUTS}/{name}" for name in (CONFIG, WEIGHTS, PALETTES)))
    task = read_task(folder, model="semantic-palette", key="images", files=files)
    config = from_dict(ImageConfig, task["images"], where=str(folder / CONFIG))
    layouts = read_layouts(folder / LAYOUTS)
    check_layouts(folder / LAYOUTS, config, layouts)
    network = load_network(
        lambda: ImageGenerator(config.network, len(config.class_names)),
        folder / WEIGHTS,
        source=folder,
    )
    return TrainedPalette(config, network.eval().requires_grad_(False), layouts)


def check_layouts(path: Path, config: ImageConfig, layouts: TrainedLayouts) -> None:
    """Refuse a layout generator whose layouts the image generator cannot read.

    Raises:
        ValueError: its classes or its aspect differ.
    """
    if layouts.config.class_names != config.class_names:
        raise ValueError(
            f"{path}: expected layouts of the classes {', '.join(config.class_names)}, got "
            f"{', '.join(layouts.config.class_names)}; {_own_remedy(config)}"
        )
    (height, width), (rows, columns) = config.image_size, layouts.config.size
    if height * columns != width * rows:
        raise ValueError(
            f"{path}: expected layouts of the aspect of images of {height} x {width}, got "
            f"{rows} x {columns}; {_own_remedy(config)}"
        )


def _own_remedy(config: ImageConfig) -> str:
    return LAYOUTS_REMEDY.replace("DATASET", config.dataset)
