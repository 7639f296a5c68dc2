"""Rates of alarms: false ones of good networks, and those of networks trained on noise.

A pool of real images is shown once to the networks, as it is and as every control. Each draw takes
some of them as the test split of somebody's data, and raises alarms as `gcdp-bench evaluate` does.

    python -m benchmarks.alarms --out results/alarms.csv
    python -m benchmarks.alarms --out results/alarms.csv --dataset synth-city-25 --trained-on noise

Lines of the same dataset and networks are replaced.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from gcdp_bench.cli import main as gcdp_bench
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.types import AttributedDataset, Dataset, Triplet
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.datasets.identities import dataset_identity
from gcdp_bench.datasets.registry import image_size_of, open_dataset
from gcdp_bench.evaluation import (
    EvalOptions,
    FeatureCache,
    Reference,
    extract_features,
    rescore_captions,
)
from gcdp_bench.evaluation.altered import ALTERATIONS, SHUFFLED, Altered
from gcdp_bench.evaluation.controls import NUM_IMAGES, NUM_PAIRS, REAL, evaluate_controls
from gcdp_bench.evaluation.metrics import derangement
from gcdp_bench.extractors.bundle import ExtractorRequest, Extractors, load_extractors
from gcdp_bench.io.atomic import replacing
from gcdp_bench.metrics.intervals import wilson

DATASETS = ("synth-city-25", "synth-face-25")
CASES = ((64, 64), (64, 1000), (200, 200), (200, 1000))
"""Generated images, and real images of the split: of a small data set, and of the pretrained
ones."""

NUM_NOISE = 40
STEPS = 3


@dataclass(frozen=True)
class Pool:
    """Features of M images and of the same images as controls."""

    dataset: Dataset
    extractors: Extractors
    seen: Mapping[str, FeatureCache]


class Quick:
    """A dataset that parses each caption once; its images are not read."""

    def __init__(self, dataset: Dataset):
        self.name, self.split = dataset.name, dataset.split
        self.class_names, self.image_size = dataset.class_names, dataset.image_size
        self.caption_classes = cache(dataset.caption_classes)
        if isinstance(dataset, AttributedDataset):
            self.attribute_names, self.attributes = dataset.attribute_names, dataset.attributes
            self.caption_attributes = cache(dataset.caption_attributes)
        self._num = len(dataset)

    def __len__(self) -> int:
        return self._num

    def __getitem__(self, index: int) -> Triplet:
        raise NotImplementedError


def show(dataset: Dataset, extractors: Extractors, num: int) -> Pool:
    """Show the first images to the networks."""
    triplets = [dataset[index] for index in range(num)]

    def look(name: str) -> FeatureCache:
        alter = ALTERATIONS.get(name, lambda image, index: image)
        images = Altered(dataset, triplets, alter, name)
        return extract_features(images, extractors, EvalOptions(), progress=Silent(), task=name)

    seen = {name: look(name) for name in (REAL, *ALTERATIONS)}
    others = [seen[REAL].captions[index] for index in derangement(num)]
    real = Altered(dataset, triplets, lambda image, index: image, REAL)
    seen[SHUFFLED] = rescore_captions(real, seen[REAL], others, extractors)
    return Pool(Quick(dataset), extractors, seen)


def alarms_of(pool: Pool, places: np.ndarray, num_samples: int) -> Counter[str]:
    """Ids of the alarms about one split, each once."""
    real = pool.seen[REAL].take(places)
    captions = (pool.dataset.caption_classes(text) for text in set(real.captions))
    reference = Reference(pool.dataset, "", frozenset[int]().union(*captions), real)
    num = min(NUM_IMAGES, len(places) // 2)
    nums = {REAL: NUM_PAIRS, SHUFFLED: NUM_PAIRS}
    seen = {name: part.take(places[: nums.get(name, num)]) for name, part in pool.seen.items()}
    rest = real.part(num, None)
    controls = evaluate_controls(reference, pool.extractors, seen, rest, num_samples=num_samples)
    return Counter({alarm.id for alarm in controls.alarms})


def lines_of(pool: Pool, name: str, networks: str, num_draws: int) -> Iterator[dict]:
    """One line per case and alarm that was raised, and one of all alarms."""
    size = len(pool.seen[REAL])
    for num_samples, num_real in CASES:
        counts: Counter[str] = Counter()
        for draw in range(num_draws):
            order = torch.randperm(size, generator=torch.Generator().manual_seed(draw)).numpy()
            raised = alarms_of(pool, order[: min(num_real, size)], num_samples)
            counts += raised + Counter(any=min(1, len(raised)))
        for alarm in sorted({"any", *counts}):
            share = wilson(counts[alarm], num_draws)
            yield {
                "dataset": name,
                "networks": networks,
                "num_samples": num_samples,
                "num_real": min(num_real, size),
                "alarm": alarm,
                "draws": num_draws,
                "alarms": counts[alarm],
                "percent": round(100 * share.value, 1),
                "ci_low": round(100 * share.low, 1),
                "ci_high": round(100 * share.high, 1),
            }
        print(f"{name}, {networks}, {num_samples} of {num_real}: {dict(counts)}", flush=True)


def trained_on_noise(dataset: Dataset, folder: Path) -> tuple[Path, Path]:
    """A segmenter and a CLIP after a few steps on noise with the layouts and captions of others."""
    for split in ("train", "val"):
        writer = FolderWriter(
            folder / "noise" / split, class_names=dataset.class_names, dataset="noise", split=split
        )
        random = torch.Generator().manual_seed(len(split))
        for index in range(NUM_NOISE):
            triplet = dataset[index]
            noise = torch.randint(256, triplet.image.shape, generator=random).to(torch.uint8)
            writer.write(f"{index:03d}", noise, triplet.layout, triplet.caption)
    height, width = dataset.image_size
    for kind in ("segmenter", "clip"):
        gcdp_bench(
            [
                "train",
                kind,
                "--dataset",
                str(folder / "noise"),
                "--size",
                f"{height}x{width}",
                "--set",
                f"steps={STEPS}",
                "--out",
                str(folder / kind),
            ],
            standalone_mode=False,
        )
    return folder / "segmenter", folder / "clip"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", choices=DATASETS, action="append")
    parser.add_argument(
        "--trained-on", choices=("noise",), help="instead of the pretrained networks"
    )
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--pool", type=int, default=1000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for name in options.dataset or DATASETS:
        size = image_size_of(name, 128)
        dataset = open_dataset(name, "test", size=size, data_root=None)
        request = ExtractorRequest(
            dataset=dataset_identity(name), use_attributes=isinstance(dataset, AttributedDataset)
        )
        networks = "pretrained"
        with TemporaryDirectory() as folder:
            if options.trained_on is not None:
                segmenter, clip = trained_on_noise(dataset, Path(folder))
                request = replace(request, segmenter=str(segmenter), clip=clip)
                networks = f"{STEPS} steps on noise"
            extractors = load_extractors(request)
        pool = show(dataset, extractors, min(options.pool, len(dataset)))
        table = pd.DataFrame(lines_of(pool, name, networks, options.draws))
        if options.out.exists():
            held = pd.read_csv(options.out)
            same = held["dataset"].eq(name) & held["networks"].eq(networks)
            table = pd.concat([held[~same], table], ignore_index=True)
        table = table.sort_values(["dataset", "networks"], kind="stable")
        with replacing(options.out) as temporary:
            table.to_csv(temporary, index=False)


if __name__ == "__main__":
    main()
