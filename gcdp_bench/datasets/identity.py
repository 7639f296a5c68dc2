"""Identity of a dataset: its own name and a digest of its training data."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gcdp_bench.core.config import digest

VARIANTS = ("25", "50", "100", "singular", "manifest")  # last part of a dataset's name
IDENTITY = "dataset"  # key of the identity in a run's config.json


@dataclass(frozen=True, kw_only=True)
class DatasetIdentity:
    """Identity of a dataset; paths do not matter."""

    name: str  # its own name: registered, of classes.json, or of the folder
    kind: Literal["catalogue", "folder"]
    class_names: tuple[str, ...] | None  # None: the files are not there
    digest: str | None  # see `training_digest`; None: the training split is not there
    num_training: int | None
    place: str  # folder, or name in the catalogue, as a command would be given it
    aliases: tuple[str, ...] = ()  # other names under which runs lay before

    @property
    def family(self) -> str:
        """See `family`."""
        return family(self.name)


def training_digest(
    class_names: Sequence[str],
    training_ids: Iterable[str],
    num_bytes: Mapping[str, int] | None = None,
) -> str:
    """Digest of classes in their order and of training ids in any order, both in NFC.

    Args:
        class_names: of the dataset.
        training_ids: of its training split.
        num_bytes: sizes of the image files by training id, of a folder of one's own: names such as
            0001 are the same in many. None: the ids tell the images, as of a published dataset.
    """
    names = [unicodedata.normalize("NFC", name) for name in class_names]
    ids = sorted((unicodedata.normalize("NFC", name), name) for name in training_ids)
    record: dict[str, Any] = {"classes": names, "training_ids": [name for name, _ in ids]}
    if num_bytes is not None:
        record["num_bytes"] = [num_bytes[given] for _, given in ids]
    return digest(record)


def family(name: str) -> str:
    """Datasets of the same images share their evaluating networks: synth-city-25 -> synth-city."""
    base, _, variant = name.rpartition("-")
    return base if variant in VARIANTS else name


def is_part(name: str) -> bool:
    """Whether a dataset has a share of its family's training images, as synth-city-25."""
    return name.rpartition("-")[2] in ("25", "50")


def identity_record(dataset: DatasetIdentity) -> dict[str, Any]:
    """The record of `config.json` under `IDENTITY`."""
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "digest": dataset.digest,
        "class_names": dataset.class_names,
        "num_training": dataset.num_training,
        "folder": dataset.place if dataset.kind == "folder" else None,
    }
