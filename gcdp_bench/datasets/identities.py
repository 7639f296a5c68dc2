"""Identity of the dataset that a name or a path means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gcdp_bench.core.types import Dataset, ListedDataset
from gcdp_bench.datasets.identity import DatasetIdentity, training_digest
from gcdp_bench.datasets.opening import ANY_SIZE
from gcdp_bench.datasets.registry import (
    check_dataset,
    dataset_spec,
    image_size_of,
    is_folder,
    open_dataset,
    open_faulty,
    splits_on_disk,
)


def dataset_identity(name: str, *, data_root: Path | None = None) -> DatasetIdentity:
    """Identity of a dataset: its own name and a digest of its training data.

    The digest is of classes and training ids; of a folder, also of the sizes of its training
    images' files: other pictures under the same names are another dataset, a copy is the same,
    captions and layouts may change. Files are listed, none but `classes.json` is read. A path may
    be absolute, relative or a link.

    Args:
        name: a registered name, or a folder.
        data_root: `--data-root`; None: the environment variable.

    Raises:
        ValueError: unknown dataset, or a folder whose classes cannot be read.
        FileNotFoundError: a folder without images or classes.
    """
    check_dataset(name)
    return _folder_identity(name) if is_folder(name) else _catalogue_identity(name, data_root)


def _folder_identity(name: str) -> DatasetIdentity:
    from gcdp_bench.datasets.folder_files import read_classes, scan_images, split_root

    folder = Path(name).resolve()
    splits = splits_on_disk(name)
    split = "train" if "train" in splits or splits == ("all",) else splits[0]
    root = split_root(Path(name), split)
    table = read_classes(root)
    own = table.dataset or folder.name
    digest = num_training = None
    if split == "train":
        images, _ = scan_images(root)
        num_bytes = {image: path.stat().st_size for image, path in images.items()}
        digest, num_training = training_digest(table.names, num_bytes, num_bytes), len(images)
    return DatasetIdentity(
        name=own,
        kind="folder",
        class_names=table.names,
        digest=digest,
        num_training=num_training,
        place=str(folder),
        aliases=_aliases(own, Path(name).name, folder.name),
    )


def _catalogue_identity(name: str, data_root: Path | None) -> DatasetIdentity:
    """Identity of a registered dataset, whose files may be missing."""
    try:
        if dataset_spec(name).files is None:
            size = image_size_of(name, 2 * ANY_SIZE[1])
            dataset = open_dataset(name, "train", size=size, data_root=data_root)
        else:
            dataset = open_faulty(name, "train", data_root=data_root)
    except FileNotFoundError:
        return DatasetIdentity(
            name=name,
            kind="catalogue",
            class_names=None,
            digest=None,
            num_training=None,
            place=name,
        )
    return DatasetIdentity(
        name=dataset.name,
        kind="catalogue",
        class_names=dataset.class_names,
        digest=training_digest(dataset.class_names, _ids(dataset)),
        num_training=len(dataset),
        place=name,
        aliases=_aliases(dataset.name, name),
    )


def _ids(dataset: Dataset) -> Sequence[str]:
    """Ids of the items, which are read if the dataset does not list them."""
    if isinstance(dataset, ListedDataset):
        return dataset.ids
    return [dataset[index].id for index in range(len(dataset))]


def _aliases(own: str, *others: str) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(others) if name not in (own, "", ".."))
