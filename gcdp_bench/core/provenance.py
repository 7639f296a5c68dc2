"""Provenance of a number: program, libraries, machine."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gcdp_bench.core.cores import usable_cores

LIBRARIES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "onedl-mmsegmentation",
    "open-clip-torch",
    "torch-fidelity",
    "transformers",
)
"""Libraries whose version can move a number."""

PRECISION = "float32, TF32 off, statistics in float64"
"""Precision of extractors; part of every row."""


def git_commit() -> str:
    """Commit of the program, "-dirty" appended when files differ; "unknown" outside a checkout."""
    root = Path(__file__).resolve().parent
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.strip()


def library_versions() -> str:
    """ "python 3.11.9; torch 2.15.0; ...", of the libraries that are installed."""
    parts = [f"python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(f"{name} absent")
    return "; ".join(parts)


def hardware(device: str = "cpu") -> str:
    """Processor with the number of cores and, unless `device` is "cpu", the accelerator."""
    processor = _processor_name()
    cores = usable_cores()
    name = f"{processor}, {cores} cores"
    if device.startswith("cuda"):
        import torch

        name += f"; {torch.cuda.get_device_name(device)}"
    return name


def drawn_on(device: str) -> str:
    """`hardware`, and how networks compute there where that is not plain float32.

    PyTorch's convolutions round their inputs to TF32 on a GPU, unless it is told otherwise.
    """
    name = hardware(device)
    if device.startswith("cuda"):
        import torch

        if torch.backends.cudnn.allow_tf32:
            name += " (TF32 convolutions)"
    return name


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
