"""Defaults of commands: the dataset, the results folder."""

from __future__ import annotations

from pathlib import Path

from gcdp_bench.datasets.identity import family
from gcdp_bench.datasets.manage import SPLITS, available_dataset
from gcdp_bench.datasets.registry import DATASETS, resolve_data_root
from gcdp_bench.io.atomic import visible

EMBEDDED = "synth-city-25"
RESULTS = Path("results")
LOCAL = RESULTS / "local"


def default_dataset(data_root: Path | None) -> tuple[str, str]:
    """The only dataset below the data root, else the embedded one; and a line that says which.

    Of datasets that share their files (celeba-25, -50, -100) the first one counts.

    Args:
        data_root: `--data-root`; None: the environment variable.

    Raises:
        ValueError: there are several.
    """
    root = resolve_data_root(data_root)
    if root is None:
        return EMBEDDED, (
            f"dataset: {EMBEDDED}, embedded (neither --dataset nor a data root is given)"
        )
    found = _datasets_below(root)
    if len(found) > 1:
        raise ValueError(
            f"--dataset: expected the name of one, found {', '.join(found)} in {root}; choose one"
        )
    if found:
        return found[0], f"dataset: {found[0]}, the only one in {root}"
    return EMBEDDED, f"dataset: {EMBEDDED}, embedded (--dataset is not given, {root} holds none)"


def default_results() -> tuple[Path, str]:
    """The only folder of results below results/, else results/local; and a line that says which."""
    found = sorted(table.parent for table in visible(RESULTS, "*/results.parquet"))
    if len(found) == 1:
        return found[0], f"results: {found[0]}, the only one in {RESULTS}"
    if found and LOCAL not in found:
        raise ValueError(
            f"RESULTS: expected a folder, found {', '.join(map(str, found))}; choose one"
        )
    return LOCAL, f"results: {LOCAL}, by default"


def _datasets_below(root: Path) -> list[str]:
    """Registered datasets, one of those that share files, then folders of the user's own."""
    named: dict[str, str] = {}
    for name, spec in DATASETS.items():
        if spec.files is None or family(name) in named:
            continue
        if available_dataset(name, root).available:
            named[family(name)] = name
    folders = [root] if _is_dataset(root) else filter(_is_dataset, visible(root))
    return [*named.values(), *map(str, folders)]


def _is_dataset(folder: Path) -> bool:
    """Whether it has images and `classes.json`, of its own or of a split."""
    roots = [folder, *(folder / split for split in SPLITS)]
    has_images = any((root / "images").is_dir() for root in roots)
    return has_images and any((root / "classes.json").is_file() for root in roots)
