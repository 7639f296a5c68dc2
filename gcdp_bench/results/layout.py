"""Paths of the files from which the rows of a results folder were computed.

    results.parquet, results.csv          tidy rows (`gcdp_bench.results.schema`)
    rows/CONFIG_HASH.parquet              a point's rows on their way there (`.table`)
    classes.parquet                       class proportions of each dataset
    points/DATASET/MODEL/g2-s0-HASH/      samples at sampling parameter value 2, seed 0: a `folder`
    dataset
    scores/CONFIG_HASH/                   point.json, per_sample.parquet, observed.npz, predicted/
    references/                           what networks extracted from real images

A row leads to its files by its `config_hash`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.core.config import from_dict, read_json, write_json
from gcdp_bench.io.atomic import replacing
from gcdp_bench.io.locks import exclusive
from gcdp_bench.io.parquet import open_parquet, read_parquet, typed
from gcdp_bench.io.validation import check_id, shown
from gcdp_bench.results.object_store import fetched

if TYPE_CHECKING:
    import pandas as pd


PER_SAMPLE = {
    "id": "string",
    "caption": "string",
    "prompted": "string",
    "detected": "string",
    "recall": "float64",
    "precision": "float64",
    "clip": "float64",
    "too_long": "bool",
}
"""Columns of the values of every sample."""

OLD_PER_SAMPLE = {"asked": "prompted", "found": "detected"}
"""Names of columns in older files."""

PROPORTIONS = {
    "dataset": "string",
    "class": "string",
    "pixel_share": "float64",
    "image_share": "float64",
}
"""Columns of `classes.parquet`."""


@dataclass(frozen=True)
class Point:
    """Files of one scored point."""

    folder: Path  # scores/CONFIG_HASH
    samples: Path  # a `folder` dataset; for real images, the first ones
    reference: Path  # what the extractors saw in the real images it was compared with

    @property
    def predicted(self) -> Path:
        """Folder of the segmenter's layouts."""
        return self.folder / "predicted"

    @property
    def observed(self) -> Path:
        """File of what the extractors saw (`gcdp_bench.evaluation.FeatureCache`)."""
        return self.folder / "observed.npz"

    def per_sample(self) -> pd.DataFrame:
        """Columns id, caption, prompted, detected, recall, precision, clip, too_long.

        Raises:
            FileNotFoundError: the file was removed; says how to make it again.
            ValueError: it is damaged.
        """
        path = fetched(self.folder / "per_sample.parquet")
        if not path.exists():
            raise FileNotFoundError(
                f"{path}: expected the values of every sample, found none; remove "
                "results.parquet and rerun the sweep"
            )
        remedy = "remove results.parquet and rerun the sweep"
        table = open_parquet(path, remedy=remedy).rename(columns=OLD_PER_SAMPLE)
        return typed(table, path, PER_SAMPLE, remedy=remedy)


@dataclass(frozen=True)
class _Record:
    samples: str  # relative to the results folder, like the next
    reference: str


def score_folder(results: Path, config_hash: str) -> Path:
    """Folder of what the extractors said of one point."""
    return results / "scores" / config_hash


def write_point(
    results: Path, config_hash: str, samples: Path, reference: Path, per_sample: pd.DataFrame
) -> None:
    """Write the values of every sample, and where samples and reference lie."""
    write_per_sample(results, config_hash, per_sample)
    record = _Record(
        samples.relative_to(results).as_posix(), reference.relative_to(results).as_posix()
    )
    write_json(score_folder(results, config_hash) / "point.json", record)


def write_per_sample(results: Path, config_hash: str, table: pd.DataFrame) -> None:
    """Write the values of every sample of one point."""
    with replacing(score_folder(results, config_hash) / "per_sample.parquet") as temporary:
        table.to_parquet(temporary, index=False)


def read_point(results: Path, config_hash: str) -> Point:
    """Files of the point that a row came from.

    Raises:
        FileNotFoundError: they were removed.
        ValueError: their record is damaged, or leads out of the results folder.
    """
    check_id(config_hash)
    folder = score_folder(results, config_hash)
    path = fetched(folder / "point.json")
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: expected the files behind the rows of {results}, found none; remove "
            "results.parquet and rerun the sweep"
        )
    record = from_dict(_Record, read_json(path), where=str(path))
    return Point(
        folder, *(_inside(results, place, path) for place in (record.samples, record.reference))
    )


def read_proportions(results: Path) -> pd.DataFrame:
    """Class proportions of every dataset of a results folder.

    Raises:
        FileNotFoundError: the file was removed.
        ValueError: it is damaged.
    """
    path = results / "classes.parquet"
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected class proportions, found none; rerun the sweep")
    return read_parquet(path, PROPORTIONS, remedy="remove it and rerun the sweep")


def write_proportions(results: Path, new: pd.DataFrame) -> None:
    """Keep `classes.parquet`: one set of proportions per dataset."""
    import pandas as pd

    path = results / "classes.parquet"
    with exclusive(path):
        if path.exists():
            old = read_proportions(results)
            new = pd.concat([old[~old["dataset"].isin(new["dataset"])], new], ignore_index=True)
            new = new.sort_values("dataset", kind="stable")
        new = new.astype(PROPORTIONS).reset_index(drop=True)
        with replacing(path) as temporary:
            new.to_parquet(temporary, index=False)


def _inside(results: Path, place: str, source: Path) -> Path:
    """A place that `source` names in the results folder."""
    if "\0" in place or Path(place).is_absolute() or ".." in Path(place).parts:
        raise ValueError(
            f"{source}: expected places in {results}, got {shown(place)}; remove results.parquet "
            "and rerun the sweep"
        )
    return results / place
