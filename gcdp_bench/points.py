"""Where a results folder keeps what its rows were computed from.

    results.parquet, results.csv          tidy rows (`gcdp_bench.rows`)
    classes.parquet                       class proportions of each dataset
    points/DATASET/MODEL/g2-s0-HASH/      samples at knob value 2, seed 0: a `folder` dataset
    scores/CONFIG_HASH/                   point.json, per_sample.parquet, observed.npz, predicted/
    cache/                                statistics of real images

A row leads to its files by its `config_hash`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gcdp_bench.config import from_dict, read_json, write_json
from gcdp_bench.files import replacing

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Point:
    """Files of one scored point."""

    folder: Path  # scores/CONFIG_HASH
    samples: Path  # a `folder` dataset; for real images, the first ones
    reference: Path  # what the judges saw in the real images it was compared with

    @property
    def predicted(self) -> Path:
        """Folder of the segmenter's layouts."""
        return self.folder / "predicted"

    @property
    def observed(self) -> Path:
        """File of what the judges saw (`gcdp_bench.evaluate.Observed`)."""
        return self.folder / "observed.npz"

    def per_sample(self) -> pd.DataFrame:
        """Columns id, caption, asked, found, recall, precision, clip, too_long.

        Raises:
            FileNotFoundError: the file was removed; says how to make it again.
        """
        import pandas as pd

        path = self.folder / "per_sample.parquet"
        if not path.exists():
            raise FileNotFoundError(
                f"{path}: expected the values of every sample, found none; remove "
                "results.parquet and rerun the sweep"
            )
        return pd.read_parquet(path)


@dataclass(frozen=True)
class _Record:
    samples: str  # relative to the results folder, like the next
    reference: str


def score_folder(results: Path, config_hash: str) -> Path:
    """Folder of what the judges said of one point."""
    return results / "scores" / config_hash


def write_point(
    results: Path, config_hash: str, samples: Path, reference: Path, per_sample: pd.DataFrame
) -> None:
    """Write the values of every sample, and where samples and reference lie."""
    folder = score_folder(results, config_hash)
    with replacing(folder / "per_sample.parquet") as temporary:
        per_sample.to_parquet(temporary, index=False)
    record = _Record(
        samples.relative_to(results).as_posix(), reference.relative_to(results).as_posix()
    )
    write_json(folder / "point.json", record)


def read_point(results: Path, config_hash: str) -> Point:
    """Files of the point that a row came from.

    Raises:
        FileNotFoundError: they were removed.
    """
    folder = score_folder(results, config_hash)
    path = folder / "point.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: expected the files behind the rows of {results}, found none; remove "
            "results.parquet and rerun the sweep"
        )
    record = from_dict(_Record, read_json(path), where=str(path))
    return Point(folder, results / record.samples, results / record.reference)
