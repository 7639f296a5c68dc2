"""Where the networks that judge are found, and what is said when they are not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SHIPPED = Path(__file__).resolve().parent / "shipped"
RUNS = Path("runs")
VARIANTS = ("25", "50", "100", "singular", "manifest")  # last part of a dataset's name


def family(dataset: str) -> str:
    """Datasets of the same images and classes share their judges: synth-city-25 -> synth-city."""
    base, _, variant = Path(dataset).name.rpartition("-")
    return base if variant in VARIANTS else Path(dataset).name


def find_judge(kind: str, dataset: str, given: Path | None) -> Path:
    """Folder of a trained judge: `given`, else runs/KIND/DATASET (then its 100 % sibling), else the
    shipped one.

    Raises:
        FileNotFoundError: none of them exists; says how to train one.
    """
    if given is not None:
        candidates = [given]
    else:
        names = dict.fromkeys([Path(dataset).name, f"{family(dataset)}-100", family(dataset)])
        candidates = [RUNS / kind / name for name in names]
        candidates.append(SHIPPED / f"{kind}-{family(dataset)}")
    for folder in candidates:
        if (folder / "model.safetensors").exists() and (folder / "config.json").exists():
            return folder
    raise FileNotFoundError(
        f"no {kind} for {dataset}: looked in {', '.join(map(str, candidates))}; train one with "
        f"`gcdp-bench train {kind} --dataset {dataset}` or give --{kind} FOLDER"
    )


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """First 12 hex digits of the SHA-256 over names and values."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def file_digest(path: Path) -> str:
    """First 12 hex digits of the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
