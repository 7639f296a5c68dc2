"""What tells one dataset from another: its own name, and a digest of classes and training ids."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gcdp_bench.config import digest

VARIANTS = ("25", "50", "100", "singular", "manifest")  # last part of a dataset's name
IDENTITY = "dataset"  # key of the identity in a run's config.json


@dataclass(frozen=True, kw_only=True)
class DatasetIdentity:
    """What tells one dataset from another; paths do not matter."""

    name: str  # its own name: of the catalogue, of classes.json, or of the folder
    kind: Literal["catalogue", "folder"]
    class_names: tuple[str, ...] | None  # None: the files are not there
    digest: str | None  # of classes and training ids; None: the training split is not there
    num_training: int | None
    place: str  # folder, or name in the catalogue, as a command would be given it
    aliases: tuple[str, ...] = ()  # other names under which runs lay before

    @property
    def family(self) -> str:
        """See `family`."""
        return family(self.name)


def training_digest(class_names: Sequence[str], training_ids: Sequence[str]) -> str:
    """Digest of classes in their order and of training ids in any order, both in NFC."""
    names, ids = (
        [unicodedata.normalize("NFC", text) for text in texts]
        for texts in (class_names, training_ids)
    )
    return digest({"classes": names, "training_ids": sorted(ids)})


def family(name: str) -> str:
    """Datasets of the same images share their evaluating networks: synth-city-25 -> synth-city."""
    base, _, variant = name.rpartition("-")
    return base if variant in VARIANTS else name


def is_part(name: str) -> bool:
    """Whether a dataset has a share of its family's training images, as synth-city-25."""
    return name.rpartition("-")[2] in ("25", "50")


def identity_record(dataset: DatasetIdentity) -> dict[str, Any]:
    """What training writes into `config.json` under `IDENTITY`."""
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "digest": dataset.digest,
        "class_names": dataset.class_names,
        "num_training": dataset.num_training,
        "folder": dataset.place if dataset.kind == "folder" else None,
    }
