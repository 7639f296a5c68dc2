"""Versions, devices, weights and datasets, each line found out on its own."""

from __future__ import annotations

import importlib
import os
import platform
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from gcdp_bench.core.cores import usable_cores
from gcdp_bench.datasets.manage import available_dataset
from gcdp_bench.datasets.registry import dataset_names
from gcdp_bench.extractors.registry import WEIGHTS, find_weights
from gcdp_bench.io.validation import reason

T = TypeVar("T")

LIBRARIES: Mapping[str, str] = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "torch": "torch",
    "torchvision": "torchvision",
    "safetensors": "safetensors",
    "accelerate": "accelerate",
    "mmseg": "onedl-mmsegmentation",
    "open_clip": "open-clip-torch",
    "torch_fidelity": "torch-fidelity",
    "transformers": "transformers",
    "seaborn": "seaborn",
}
"""Module -> distribution."""


@dataclass(frozen=True)
class Line:
    """One finding. `ok` is None for what is neither good nor bad."""

    name: str
    ok: bool | None
    detail: str  # what was found; where `ok` is False, the remedy


def attempt(function: Callable[[], T]) -> tuple[T | None, str]:
    """Result and "", or None and what went wrong: the report outlives anything that is broken."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(), ""
        except FileNotFoundError as error:
            return None, str(error)
        except Exception as error:
            return None, f"{type(error).__name__}: {reason(error)}"


def reinstall(module: str) -> str:
    """Command that reinstalls a library."""
    return f"pip install --force-reinstall {LIBRARIES[module]}"


def add_weights(name: str) -> str:
    """Command that adds weights of the registry."""
    return f"gcdp-bench weights add {name} --download (or by hand: gcdp-bench weights list)"


def library_lines() -> tuple[Line, ...]:
    """Each library imported; its version, or why it could not be."""
    lines = [Line("python", None, f"{platform.python_version()} on {platform.platform()}")]
    for module, distribution in LIBRARIES.items():
        _, problem = attempt(lambda module=module: importlib.import_module(module))
        detail = f"{problem}; fix: {reinstall(module)}" if problem else _version(distribution)
        lines.append(Line(module, not problem, detail))
    return tuple(lines)


def device_lines() -> tuple[Line, ...]:
    """Processor, memory, and accelerators as torch sees them."""
    processor = f"{platform.machine()}, {usable_cores()} of {os.cpu_count()} cores usable"
    memory, problem = attempt(lambda: os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    lines, broken = attempt(_torch_devices)
    return (
        Line("processor", None, processor),
        Line("memory", None, f"{memory / 2**30:.1f} GiB" if memory else f"unknown: {problem}"),
        *(lines or (Line("torch", False, f"{broken}; fix: {reinstall('torch')}"),)),
    )


def weight_lines() -> tuple[Line, ...]:
    """Entries of the registry, in the store or not; nothing is hashed."""
    lines = []
    for name, spec in WEIGHTS.items():
        path, problem = attempt(lambda name=name: find_weights(name, None))
        detail = f"{spec.purpose}; fix: {add_weights(name)}" if problem else str(path)
        lines.append(Line(name, not problem, detail))
    return tuple(lines)


def dataset_lines(data_root: Path | None) -> tuple[Line, ...]:
    """Registered datasets: number of training images, or why they cannot be listed.

    Files are listed, not read; `gcdp-bench data check` reads them.
    """
    return tuple(_dataset_line(name, data_root) for name in dataset_names())


def _dataset_line(name: str, data_root: Path | None) -> Line:
    found, problem = attempt(lambda: available_dataset(name, data_root))
    if found is None or found.problem is not None:
        return Line(name, False, problem if found is None else str(found.problem))
    return Line(name, True, f"{dict(found.counts)['train']} training images; {found.summary}")


def _torch_devices() -> tuple[Line, ...]:
    import torch

    threads = Line("torch threads", None, str(torch.get_num_threads()))
    if not torch.cuda.is_available():
        built = torch.version.cuda or "none"
        return threads, Line("CUDA", None, f"no device (torch is built for CUDA {built})")
    bf16 = "bf16" if torch.cuda.is_bf16_supported() else "no bf16"
    properties = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    return threads, *(
        Line(f"cuda:{index}", True, f"{gpu.name}, {gpu.total_memory / 2**30:.1f} GiB, {bf16}")
        for index, gpu in enumerate(properties)
    )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return f"imports, but the distribution {distribution} is not installed"
