"""Metrics of a folder of samples, as plain numbers."""

from __future__ import annotations

from pathlib import Path

from gcdp_bench.core.progress import Silent
from gcdp_bench.datasets.folder import Folder
from gcdp_bench.evaluation import EvalOptions, Reference, extract_features, score_generated
from gcdp_bench.extractors.bundle import Extractors


def score_folder(
    folder: Path, reference: Reference, extractors: Extractors, *, has_layouts: bool
) -> dict[str, float]:
    """Value of every metric over all classes.

    Args:
        folder: of samples, as `FolderWriter` writes it.
        reference: statistics of the real images.
        extractors: who score.
        has_layouts: whether layouts were generated too.
    """
    samples = Folder(folder, "test", require_layouts=has_layouts)
    seen = extract_features(
        samples, extractors, EvalOptions(has_layouts=has_layouts), progress=Silent(), task="score"
    )
    values = [scored.value for scored in score_generated(seen, reference, extractors).values]
    return {value.metric: value.value for value in values if value.class_name == "all"}
