"""List what can run on this installation, and how to fix what is missing.

Every line stands for itself: a library that cannot be imported, a damaged file or a missing folder
is a line of the report, never the end of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gcdp_bench.datasets.registry import DATA_ROOT_VARIABLE, resolve_data_root
from gcdp_bench.diagnostics.doctor.findings import (
    Line,
    dataset_lines,
    device_lines,
    library_lines,
    weight_lines,
)
from gcdp_bench.diagnostics.doctor.tasks import task_lines
from gcdp_bench.extractors.registry import weights_home
from gcdp_bench.training.networks import RUNS_VARIABLE, runs_folder


@dataclass(frozen=True)
class Section:
    """Findings of one kind."""

    title: str
    lines: tuple[Line, ...]


def examine(data_root: Path | None = None) -> list[Section]:
    """The whole report; a few seconds, most of which import the libraries.

    Args:
        data_root: folder of the datasets' files, else GCDP_DATA.
    """
    root = resolve_data_root(data_root)
    where = f"--data-root or {DATA_ROOT_VARIABLE}: {root or 'not given'}; gcdp-bench data list"
    libraries = library_lines()
    datasets = dataset_lines(data_root)
    return [
        Section("versions", libraries),
        Section("devices", device_lines()),
        Section(f"published weights (in {weights_home()})", weight_lines()),
        Section(f"datasets ({where})", datasets),
        Section(
            f"what can be run (trained networks in {runs_folder()}, or {RUNS_VARIABLE})",
            task_lines(libraries, datasets, data_root),
        ),
    ]
