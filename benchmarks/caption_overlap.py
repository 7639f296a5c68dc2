"""Share of test captions that occur verbatim among the training captions.

python -m benchmarks.caption_overlap [--out results/captions.csv] [--datasets NAME,...]

The first N captions are those that a sweep with `--num-samples N` asks for.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from gcdp_bench.core.types import Dataset
from gcdp_bench.datasets.registry import image_size_of, open_dataset
from gcdp_bench.datasets.shuffled import shuffled
from gcdp_bench.io.atomic import replacing

DATASETS = "synth-city-25,synth-face-25"
COUNTS = (200, 500, 1000)
WIDTH = 64  # of the images that are drawn for their captions


def overlap(train: Sequence[str], test: Sequence[str]) -> Mapping[str, int]:
    """Counts of captions: all, different ones, and those that stand among `train`."""
    known = set(train)
    return {
        "train": len(train),
        "train_distinct": len(known),
        "test": len(test),
        "test_distinct": len(set(test)),
        "verbatim": sum(caption in known for caption in test),
        "verbatim_distinct": len(known & set(test)),
    }


def captions(dataset: Dataset, num: int) -> list[str]:
    """Captions of the first items."""
    return [dataset[index].caption for index in range(min(num, len(dataset)))]


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description="Test captions among training captions.")
    parser.add_argument("--datasets", default=DATASETS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines = []
    for name in options.datasets.split(","):
        train, test = (
            open_dataset(name, split, size=image_size_of(name, WIDTH), data_root=None)
            for split in ("train", "test")
        )
        known, prompted = captions(train, len(train)), captions(shuffled(test), max(COUNTS))
        for num in COUNTS:
            line = {"dataset": name, **overlap(known, prompted[:num])}
            lines.append(line | {"verbatim_percent": 100 * line["verbatim"] / line["test"]})
    table = pd.DataFrame(lines)
    print(table.to_string(index=False))
    if options.out is not None:
        with replacing(options.out) as temporary:
            table.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()
