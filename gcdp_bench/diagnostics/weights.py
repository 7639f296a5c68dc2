"""Weights on this machine: published ones, pretrained ones, and those of the user's runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gcdp_bench.extractors.registry import WEIGHTS, WeightSpec, is_complete, stored_path
from gcdp_bench.extractors.store import recorded_digests
from gcdp_bench.extractors.weights import file_digest
from gcdp_bench.generators.registry import NETWORKS
from gcdp_bench.io.atomic import visible
from gcdp_bench.training.networks import PROJECT, runs_folder

RUN_PATTERNS = ("*/*/*.safetensors", "*/*/*/*.safetensors")
"""runs/NAME/DATASET, and below it the stages of a cascade or the parts of a pipeline."""


@dataclass(frozen=True)
class Published:
    """An entry of the registry, and whether it is in the store."""

    spec: WeightSpec
    path: Path
    present: bool
    num_bytes: int  # of what is there
    recorded: str  # digest of the first use, "" before it; of a folder: of its first weights file


@dataclass(frozen=True)
class Trained:
    """Weights that a training run made."""

    folder: Path
    origin: Literal["pretrained", "run"]
    num_bytes: int
    digest: str  # first 12 hex digits of the SHA-256 of its weights file


def published_weights() -> list[Published]:
    """Every entry of the registry; nothing is hashed.

    Raises:
        ValueError: the store's record is damaged.
    """
    found = []
    for name, spec in WEIGHTS.items():
        path = stored_path(name)
        present = is_complete(spec, path)
        files = [path / file for file in spec.files] if spec.is_folder else [path]
        num_bytes = sum(file.stat().st_size for file in files) if present else 0
        key = "model.safetensors" if spec.is_folder else spec.file_name
        recorded = (recorded_digests(name) or {}).get(key, "")
        found.append(Published(spec, path, present, num_bytes, recorded))
    return found


def trained_weights() -> Iterator[Trained]:
    """Pretrained networks, then those under runs/, in the order of their names."""
    patterns = [pattern for network in NETWORKS.values() for pattern in network.pretrained]
    folders = [folder for pattern in patterns for folder in PROJECT.glob(_any_dataset(pattern))]
    places: tuple[tuple[Literal["pretrained", "run"], list[Path]], ...] = (
        ("pretrained", [path for root in folders for path in visible(root, "**/*.safetensors")]),
        ("run", [path for pattern in RUN_PATTERNS for path in visible(runs_folder(), pattern)]),
    )
    for origin, paths in places:
        for path in sorted({path for path in paths if path.with_name("config.json").exists()}):
            yield Trained(path.parent, origin, path.stat().st_size, file_digest(path))


def _any_dataset(pattern: str) -> str:
    return pattern.format(dataset="*", family="*")
